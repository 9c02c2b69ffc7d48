/** Events in PostgreSQL: the contract, and what only a server with many clients can get wrong. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../test/fakes/postgres-server.ts'
import { describeEventStore } from '../../testing/index.ts'
import type { EventStore } from '../../web/analytics/index.ts'
import type { SessionEvent } from '../../web/session/index.ts'
import { openPostgres, type Postgres } from './index.ts'

let server: PostgresServer
let sql: postgres.Sql
const opened: Postgres[] = []
beforeAll(async () => {
  server = await startPostgres()
  sql = postgres(server.url, { fetch_types: false, onnotice: () => {} })
})
afterAll(async () => {
  await Promise.all([sql?.end(), ...opened.map((one) => one.close())])
  await server?.stop()
})

let count = 0
const fresh = (): string => `fresh_${count++}`
function open(schema: string): EventStore {
  const one = openPostgres({ url: server.url, schema })
  opened.push(one)
  return one.events()
}

describeEventStore(
  'postgres',
  () => {
    const one = openPostgres({ url: server.url, schema: fresh() })
    return { store: one.events(), close: () => one.close() }
  },
  { describe, it },
)

describeEventStore(
  'postgres, on an instance of the application with habits of its own',
  () => {
    const own = postgres(server.url, {
      max: 2,
      prepare: false,
      types: { bigint: postgres.BigInt },
      transform: { ...postgres.camel, undefined: null, value: { from: () => 'changed' } },
      onnotice: (notice) => expect.unreachable(notice['message']),
    })
    const one = openPostgres({ sql: own, schema: fresh() })
    const close = async (): Promise<void> => {
      await one.close()
      await own.end()
    }
    return { store: one.events(), close }
  },
  { describe, it },
)

const period = { fromMs: 0, toMs: 1_000 }
const view = (session: string, more: Partial<SessionEvent> = {}): SessionEvent => ({
  atMs: 1,
  session,
  name: 'view',
  ...more,
})
const batchOf = (writer: string, seq: number, ...events: SessionEvent[]) => ({
  writer,
  seq,
  events,
})

/** Follows a store by its positions until `work` is done and all is read. */
async function follow(store: EventStore, work: Promise<unknown>): Promise<readonly string[]> {
  let isDone = false
  const done = work.finally(() => {
    isDone = true
  })
  const seen: string[] = []
  let position = 0
  for (;;) {
    const wasDone = isDone
    const page = await store.list(position, 50)
    for (const event of page) {
      expect(event.position).toBeGreaterThan(position)
      position = event.position
      seen.push(event.name)
    }
    if (wasDone && page.length === 0) break
  }
  await done
  return seen
}

describe('the order of events', () => {
  it('is that in which they can be seen, also when the later batch is faster', async () => {
    const schema = fresh()
    const [store, other] = [open(schema), open(schema)]
    const seen: string[] = []
    let position = 0
    const read = async (): Promise<void> => {
      for (const event of await store.list(position, 10)) {
        position = event.position
        seen.push(event.name)
      }
    }
    await read()
    let isThrough = false
    let faster: Promise<unknown> = Promise.resolve()
    await sql.begin(async (transaction) => {
      const slow = JSON.stringify([{ at: 1, session: 's_1', name: 'slow' }])
      const call = `SELECT ${schema}.append_events($1, $2, $3::text::jsonb)`
      await transaction.unsafe(call, ['w_1', '1', slow])
      const fast = other.append(batchOf('w_2', 1, view('s_1', { name: 'fast' })))
      faster = Promise.resolve(fast).then(() => {
        isThrough = true
      })
      // Until the other one is through, or waits.
      while (!isThrough && (await sql`SELECT FROM pg_locks WHERE NOT granted`).length === 0)
        await read()
      await read()
    })
    await faster
    await read()
    expect(seen).toEqual(['slow', 'fast'])
    expect(await store.funnel(['slow', 'fast'], period)).toEqual([1, 1])
  })

  it('hides nothing from a reader that follows two processes', async () => {
    const schema = fresh()
    const store = open(schema)
    expect(await store.list(0, 1)).toEqual([])
    const code = `
      const [entry, url, schema, writer] = process.argv.slice(1)
      const { openPostgres } = await import(entry)
      const opened = openPostgres({ url, schema })
      const events = opened.events()
      for (let seq = 1; seq <= 150; seq++) {
        const batch = Array.from({ length: 1 + (seq % 4) }, (_, n) =>
          ({ atMs: seq, session: 's_' + (seq % 7), name: writer + ' ' + seq + ' ' + n }))
        await events.append({ writer, seq, events: batch })
      }
      await opened.close()
      process.exit()`
    const entry = new URL('./index.ts', import.meta.url).href
    const writers = ['w_1', 'w_2']
    const exits = writers.map(async (writer) => {
      const args = ['--input-type=module', '-e', code, entry, server.url, schema, writer]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
      expect(await once(child, 'exit')).toEqual([0, null])
    })
    const seen = await follow(store, Promise.all(exits))
    for (const writer of writers) {
      const expected = Array.from({ length: 150 }, (_, index) =>
        Array.from({ length: 1 + ((index + 1) % 4) }, (_, n) => `${writer} ${index + 1} ${n}`),
      )
      expect(seen.filter((name) => name.startsWith(writer))).toEqual(expected.flat())
    }
    // Two processes that met the same sessions gave each of them one stay.
    const [stays] = await sql.unsafe(`SELECT count(*)::int AS stays FROM ${schema}.stays`)
    expect(stays?.['stays']).toBe(7)
  })

  it('lets one of many that send the same batch store it', async () => {
    const schema = fresh()
    const stores = [open(schema), open(schema)]
    const sending = Array.from({ length: 20 }, (_, n) =>
      stores[n % 2]?.append(batchOf('w_1', 1, view('s_1'), view('s_1'))),
    )
    await Promise.all(sending)
    expect(await stores[0]?.count('view', period)).toBe(2)
  })

  it('is kept, and nobody locked out, while old events are forgotten', async () => {
    const schema = fresh()
    const [store, other] = [open(schema), open(schema)]
    const work = async (): Promise<void> => {
      for (let seq = 1; seq <= 100; seq++) {
        const old = view(`s_${seq % 5}`, { atMs: 0 })
        const recent = view(`s_${seq % 5}`, { atMs: 500, name: `kept ${seq}` })
        const append = store.append(batchOf('w_1', seq, old, recent))
        await Promise.all([append, other.sweep(400, 3)])
      }
    }
    const seen = await follow(open(schema), work())
    const kept = seen.filter((name) => name !== 'view')
    expect(kept).toEqual(Array.from({ length: 100 }, (_, n) => `kept ${n + 1}`))
    while ((await store.sweep(400, 50)) > 0);
    expect(await store.count('view', period)).toBe(0)
    expect((await store.topEvents(period, 500)).map(({ sessions }) => sessions)).toEqual(
      Array(100).fill(1),
    )
  })
})

describe('what is stored', () => {
  it('comes back as it was, whatever characters it has', async () => {
    const store = open(fresh())
    const odd = ['a\0b', 'a\u0001b', 'a\u0001nb', 'a\u0001e\0', "it's", 'ünï ©', '\\u0000', '']
    const props = Object.fromEntries(odd.map((text) => [text, text]))
    const events = odd.map((text) =>
      view(`s${text}`, { user: text, name: `n${text}`, from: text, props }),
    )
    await store.append(batchOf('w_1', 1, ...events))
    await store.append(batchOf('w_1', 1, ...events))
    const stored = await store.list(0, 100)
    expect(stored.map(({ position: _, ...event }) => event)).toEqual(events)
    expect(await store.funnel(['na\0b'], period)).toEqual([1])
    expect(await store.count('na\0b', period)).toBe(1)
    expect((await store.topEvents(period, 9)).map(({ name }) => name).sort()).toEqual(
      events.map(({ name }) => name).sort(),
    )
  })

  it('takes half a character for one that can not be shown', async () => {
    const store = open(fresh())
    await store.append(batchOf('w_1', 1, view('s_\ud800', { user: '\udc00' })))
    expect(await store.list(0, 1)).toMatchObject([{ session: 's_\ufffd', user: '\ufffd' }])
  })

  it('leaves nothing behind once it is forgotten', async () => {
    const schema = fresh()
    const store = open(schema)
    await store.append(batchOf('w_1', 1, view('s_1'), view('s_2', { name: 'login', from: 's_1' })))
    expect(await store.sweep(2, 10)).toBe(2)
    for (const table of ['events', 'stays', 'stay_sessions', 'event_names', 'event_writers'])
      expect([...(await sql.unsafe(`SELECT FROM ${schema}.${table}`))]).toEqual([])
  })

  it('is found by an index, however much there is', async () => {
    const schema = fresh()
    // One connection for all: each tells what it has read only when it is asked itself.
    const own = postgres(server.url, { max: 1, fetch_types: false, onnotice: () => {} })
    const store = openPostgres({ sql: own, schema }).events()
    await store.append(batchOf('w_1', 1, view('s_1')))
    await own.unsafe(`
      INSERT INTO ${schema}.stays (started_at, ended_at, last_at)
        SELECT n, n + 5, n + 5 FROM generate_series(100000, 120000) n;
      INSERT INTO ${schema}.stay_sessions (session, stay)
        SELECT 'm_' || id, id FROM ${schema}.stays;
      INSERT INTO ${schema}.event_names (name) SELECT 'n_' || n FROM generate_series(1, 40) n;
      INSERT INTO ${schema}.events (at, name, stay, session)
        SELECT last_at, 2 + id % 40, id, id FROM ${schema}.stays;
      ANALYZE ${schema}.stays, ${schema}.stay_sessions, ${schema}.events`)
    const rowsPassed = async (): Promise<number> => {
      await own`SELECT pg_stat_force_next_flush()`
      const [sum] = await own`SELECT sum(seq_tup_read + idx_tup_fetch)::int AS rows
        FROM pg_stat_user_tables WHERE schemaname = ${schema}
        AND relname IN ('events', 'stays', 'stay_sessions')`
      return sum?.['rows'] as number
    }
    const before = await rowsPassed()
    const narrow = { fromMs: 110_000, toMs: 110_100 }
    // Often enough for the server to settle on plans that hold for any values.
    for (let n = 0; n < 12; n++) {
      const events = [view(`s_${n}`), view(`m_${n + 50}`, { name: 'login', from: `m_${n}` })]
      await store.append(batchOf('w_1', n + 2, ...events))
      await store.countActive(119_990)
      await store.startsPerHour(narrow)
      await store.lengths(narrow)
      await store.count('n_5', narrow)
      await store.topEvents(narrow, 5)
      await store.funnel(['n_5', 'n_6', 'n_7'], narrow)
      await store.list(19_990, 5)
      await store.sweep(100_010 + n, 100)
    }
    // All of them together read less than one look at the whole of one table would.
    expect((await rowsPassed()) - before).toBeLessThan(20_000)
    await own.end()
  })
})

it('has a place in a schema that was made for sessions alone', async () => {
  const schema = fresh()
  await open(schema).list(0, 1)
  // As an earlier version left it.
  await sql.unsafe(`DROP TABLE ${[
    'events',
    'stays',
    'stay_sessions',
    'event_names',
    'event_writers',
  ]
    .map((table) => `${schema}.${table}`)
    .join()};
    DROP FUNCTION ${['append_events', 'sweep_events', 'enter_stay', 'lock_events']
      .map((name) => `${schema}.${name}`)
      .join()};
    DELETE FROM ${schema}.versions WHERE version = 3;
    INSERT INTO ${schema}.codes VALUES ('kept', '', 1)`)
  const stores = [1, 2, 3, 4].map(() => open(schema))
  await Promise.all(stores.map((store, n) => store.append(batchOf(`w_${n}`, 1, view('s_1')))))
  expect(await stores[0]?.topEvents(period, 5)).toEqual([{ name: 'view', count: 4, sessions: 1 }])
  expect(await sql.unsafe(`SELECT FROM ${schema}.codes`)).toHaveLength(1)
})

describe('figures', () => {
  it('take one connection at a time, and the others are left to the sessions', async () => {
    const own = postgres(server.url, { max: 10, fetch_types: false, onnotice: () => {} })
    const one = openPostgres({ sql: own, schema: fresh() })
    let atOnce = 0
    let most = 0
    const unsafe = own.unsafe.bind(own)
    own.unsafe = ((text: string, ...more: never[]) => {
      const query = unsafe(text, ...more)
      if (!text.includes('events e')) return query
      most = Math.max(most, ++atOnce)
      query.then(() => atOnce--)
      return query
    }) as typeof own.unsafe
    const events = one.events()
    const asked = Array.from({ length: 30 }, async () => one.events().funnel(['a', 'b'], period))
    expect(await Promise.all(asked)).toEqual(Array(30).fill([0, 0]))
    expect(await events.count('view', period)).toBe(0)
    expect(most).toBe(1)
    await one.close()
    await own.end()
  })

  it('are unavailable while the server is away, and then the same as before', async () => {
    const store = open(fresh())
    await store.append(batchOf('w_1', 1, view('s_1')))
    await server.kill()
    for (const call of [
      () => store.append(batchOf('w_1', 2, view('s_2'))),
      () => store.funnel(['view'], period),
      () => store.list(0, 1),
      () => store.sweep(0, 1),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await server.start()
    await expect
      .poll(async () => {
        try {
          await store.append(batchOf('w_1', 2, view('s_2')))
          return await store.funnel(['view'], period)
        } catch (error) {
          return (error as { code?: string }).code
        }
      })
      .toEqual([2])
  })
})
