import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../test/fakes/postgres-server.ts'
import { describeSessionStore, virtualClock } from '../../testing/index.ts'
import type { SessionRecord } from '../../web/session/index.ts'
import { openPostgres, type Postgres } from './index.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

let count = 0
const fresh = (): string => `fresh_${count++}`

describeSessionStore(
  'postgres',
  (clock) => {
    const opened = openPostgres({ url: server.url, schema: fresh(), clock })
    return { store: opened.sessions(), close: () => opened.close() }
  },
  { describe, it },
)

describeSessionStore(
  'postgres, on an instance of the application with habits of its own',
  (clock) => {
    const sql = postgres(server.url, {
      max: 2,
      prepare: false,
      types: { bigint: postgres.BigInt },
      transform: { ...postgres.camel, undefined: null, value: { from: () => 'changed' } },
      onnotice: (notice) => expect.unreachable(notice['message']),
    })
    const opened = openPostgres({ sql, schema: fresh(), clock })
    const close = async (): Promise<void> => {
      await opened.close()
      await sql.end()
    }
    return { store: opened.sessions(), close }
  },
  { describe, it },
)

const record: SessionRecord = {
  id: 's_1',
  version: 1,
  bytes: Uint8Array.of(1),
  user: undefined,
  createdAtMs: 0,
  touchedAtMs: 0,
  expiresAtMs: 9e15,
  endsAtMs: 9e15,
  device: undefined,
  parentId: undefined,
}
const tombstone = { reason: 'logout', untilMs: 9e15 } as const

/** Opens what is needed, and closes it when `work` is done. */
async function using(
  work: (open: (schema: string) => Postgres, sql: postgres.Sql) => Promise<void>,
): Promise<void> {
  const sql = postgres(server.url, { max: 1, fetch_types: false, onnotice: () => {} })
  const opened: Postgres[] = []
  try {
    await work((schema) => {
      const one = openPostgres({ url: server.url, schema })
      opened.push(one)
      return one
    }, sql)
  } finally {
    await Promise.all([sql.end(), ...opened.map((one) => one.close())])
  }
}

describe('what is stored', () => {
  it('comes back as it was, whatever characters an id has', () =>
    using(async (open) => {
      const store = open(fresh()).sessions()
      const odd = ['a\0b', 'a\u0001b', 'a\u0001nb', 'a\u0001e\0', "it's", 'ünï ©', '\\x00', '']
      for (const [index, id] of odd.entries()) {
        const user = { id, authenticatedAtMs: 5, factors: [id, 'b'] }
        const odder = { ...record, id: `s${id}`, user, device: id }
        await store.create(odder, `h${index}`)
        expect(await store.readById(`s${id}`)).toEqual({ ...odder, bytes: Buffer.of(1) })
        expect((await store.listByUser(id)).map((one) => one.id)).toEqual([`s${id}`])
      }
      expect(await store.readById('never\0')).toBeUndefined()
      expect(await store.destroyByUser('a\0b', tombstone)).toEqual(['sa\0b'])
      expect(await store.ends(0, 10)).toMatchObject([{ id: 'sa\0b' }])
    }))

  it('is empty, or 300 kB of every byte', () =>
    using(async (open) => {
      const store = open(fresh()).sessions()
      const large = Uint8Array.from({ length: 300_000 }, (_, index) => index)
      await store.create({ ...record, bytes: new Uint8Array(0) }, 'h1')
      expect((await store.readById('s_1'))?.bytes).toHaveLength(0)
      // A view into a larger buffer: only its own bytes count.
      await store.commit('s_1', 1, large.subarray(1), { touchedAtMs: 1.5, expiresAtMs: 2 })
      const read = await store.readById('s_1')
      expect(Buffer.compare(read?.bytes ?? Buffer.of(), large.subarray(1))).toBe(0)
      expect(read?.touchedAtMs).toBe(1)
    }))

  it('is found by an index, however many sessions there are', () =>
    using(async (_, sql) => {
      const schema = fresh()
      const store = openPostgres({ sql, schema, clock: virtualClock(1_000) }).sessions()
      await store.create(record, 'h_1')
      await sql.unsafe(`
        INSERT INTO ${schema}.sessions (id, version, bytes, user_id, factors, created_at,
          touched_at, expires_at, ends_at, parent_id)
          SELECT 'm_' || n, 1, '', 'u_' || n, '[]', 0, n, 900000 + n, 900000, 'p_' || n
          FROM generate_series(1, 20000) n;
        INSERT INTO ${schema}.tokens SELECT 'm_' || n, 'm_' || n, NULL, NULL, 900000 + n
          FROM generate_series(1, 20000) n;
        INSERT INTO ${schema}.codes SELECT 'm_' || n, '', 900000 + n
          FROM generate_series(1, 20000) n;
        INSERT INTO ${schema}.ends (id, reason, at) SELECT 'm_' || n, 'logout', 900000 + n
          FROM generate_series(1, 20000) n;
        ANALYZE ${schema}.sessions, ${schema}.tokens, ${schema}.codes, ${schema}.ends`)
      const rowsPassed = async (): Promise<number> => {
        await sql`SELECT pg_stat_force_next_flush()`
        const [sum] = await sql`SELECT sum(seq_tup_read)::int AS rows FROM pg_stat_user_tables
          WHERE schemaname = ${schema}`
        return sum?.['rows'] as number
      }
      const before = await rowsPassed()
      const user = { id: 'u_7', authenticatedAtMs: 0, factors: [] }
      const limit = { sessionsMax: 1, tombstone }
      const times = { touchedAtMs: 1, expiresAtMs: 1 }
      // Often enough for the server to settle on plans that hold for any values.
      for (let n = 0; n < 12; n++) {
        await store.read('m_5')
        await store.readById('m_5')
        await store.commit('s_1', n + 1, Uint8Array.of(2), times)
        await store.touch('m_5', times)
        await store.rotate('s_1', `h_${n + 1}`, `h_${n + 2}`, { graceUntilMs: 1, untilMs: 9e15 })
        await store.listByUser('u_8')
        await store.destroyByUser(`u_${100 + n}`, tombstone, 'm_9')
        await store.create({ ...record, id: `c_${n}`, user, parentId: 'm_9' }, `c_${n}`, limit)
        await store.replace(`c_${n}`, 1, { ...record, id: `d_${n}` }, `d_${n}`, tombstone)
        await store.destroy(`d_${n}`, tombstone)
        await store.putCode(`c_${n}`, Uint8Array.of(1), 9e15)
        await store.takeCode(`c_${n}`)
        await store.scan('m_5', 10)
        await store.ends(19_990, 5)
        await store.sweep(10_000, 10, 9e15)
      }
      expect((await rowsPassed()) - before).toBe(0)
    }))
})

describe('the schema', () => {
  it('is made once by many that start at the same time', () =>
    using(async (open, sql) => {
      for (let round = 0; round < 20; round++) {
        const schema = fresh()
        const stores = [1, 2, 3, 4].map(() => open(schema).sessions())
        await Promise.all(stores.map((store, n) => store.create({ ...record, id: `${n}` }, `${n}`)))
        expect(await stores[0]?.scan(undefined, 10)).toHaveLength(4)
        const versions = await sql.unsafe(`SELECT version FROM ${schema}.versions ORDER BY version`)
        expect(versions).toEqual([{ version: 1 }, { version: 2 }, { version: 3 }])
      }
    }))

  it('needs no right to change anything once it is there', () =>
    using(async (open, sql) => {
      const schema = fresh()
      await open(schema).sessions().create(record, 'h1')
      await sql.unsafe(`CREATE ROLE guest LOGIN; GRANT USAGE ON SCHEMA ${schema} TO guest;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO guest`)
      const url = server.url.replace('sojourn@', 'guest@')
      const guest = openPostgres({ url, schema })
      expect(await guest.sessions().destroy('s_1', tombstone)).toEqual(['s_1'])
      await guest.close()
    }))

  it('is made by its owner in a place that the administrator prepared', () =>
    using(async (_, sql) => {
      const schema = fresh()
      await sql.unsafe(`CREATE ROLE tenant LOGIN; CREATE SCHEMA ${schema} AUTHORIZATION tenant`)
      const tenant = openPostgres({ url: server.url.replace('sojourn@', 'tenant@'), schema })
      await tenant.sessions().create(record, 'h1')
      await tenant.close()
    }))

  it('of a newer program is left alone', () =>
    using(async (open, sql) => {
      const schema = fresh()
      await open(schema).sessions().create(record, 'h1')
      await sql.unsafe(`INSERT INTO ${schema}.versions VALUES (99)`)
      await expect(open(schema).sessions().read('h1')).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        detail: 'The schema has version 99, this program knows 3.',
      })
    }))

  it('is made again where it was removed', () =>
    using(async (open, sql) => {
      const schema = fresh()
      const store = open(schema).sessions()
      await store.create(record, 'h1')
      await sql.unsafe(`DROP SCHEMA ${schema} CASCADE`)
      await expect(store.read('h1')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
      expect(await store.read('h1')).toBeUndefined()
    }))
})
