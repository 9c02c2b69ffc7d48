/** What several processes do to the same sessions at once: two stores with their own connections. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../test/fakes/postgres-server.ts'
import { virtualClock } from '../../testing/index.ts'
import type { SessionRecord, SessionStore } from '../../web/session/index.ts'
import { openPostgres, type Postgres } from './index.ts'

const rounds = 150
const clock = virtualClock()
const nowMs = clock.nowMs()
const schema = 'races'
const tombstone = { reason: 'logout', untilMs: nowMs + 1_000 } as const
const times = { touchedAtMs: nowMs, expiresAtMs: nowMs + 1_000 }
const grace = { graceUntilMs: nowMs + 100, untilMs: nowMs + 1_000 }

let server: PostgresServer
let opened: Postgres[] = []
let sql: postgres.Sql
let one: SessionStore
let other: SessionStore
beforeAll(async () => {
  server = await startPostgres()
  opened = [1, 2].map(() => openPostgres({ url: server.url, schema, clock }))
  ;[one, other] = opened.map((each) => each.sessions()) as [SessionStore, SessionStore]
  sql = postgres(server.url, { fetch_types: false, onnotice: () => {} })
})
afterAll(async () => {
  await Promise.all([sql.end(), ...opened.map((each) => each.close())])
  await server.stop()
})
beforeEach(async () => {
  await one.ends(0, 1)
  await sql.unsafe(`TRUNCATE ${schema}.sessions, ${schema}.tokens, ${schema}.ends, ${schema}.codes`)
})

const session = (id: string, over: Partial<SessionRecord> = {}): SessionRecord => ({
  id,
  version: 1,
  bytes: Uint8Array.of(1),
  user: undefined,
  createdAtMs: nowMs,
  endsAtMs: nowMs + 10_000,
  device: undefined,
  parentId: undefined,
  ...times,
  ...over,
})
const userOf = (id: string) => ({ id, authenticatedAtMs: nowMs, factors: [] })

async function eachRound(play: (id: string) => Promise<void>): Promise<void> {
  for (let round = 0; round < rounds; round++) await play(`s_${round}`)
}

it('lets one of two commits on a version through', () =>
  eachRound(async (id) => {
    await one.create(session(id), id)
    const write = (store: SessionStore, byte: number) =>
      store.commit(id, 1, Uint8Array.of(byte), times)
    const outcomes = await Promise.all([write(one, 2), write(other, 3)])
    expect([...outcomes].sort()).toEqual(['committed', 'conflict'])
    expect(await one.readById(id)).toMatchObject({
      version: 2,
      bytes: Buffer.of(outcomes[0] === 'committed' ? 2 : 3),
    })
  }))

it('never revives what ends while it is written', () =>
  eachRound(async (id) => {
    await one.create(session(id), id)
    const [committed, touched, ended] = await Promise.all([
      one.commit(id, 1, Uint8Array.of(2), times),
      one.touch(id, times),
      other.destroy(id, tombstone),
    ])
    expect(['committed', 'gone']).toContain(committed)
    expect([true, false]).toContain(touched)
    expect(ended).toEqual([id])
    expect(await one.readById(id)).toBeUndefined()
    expect(await one.read(id)).toEqual({ kind: 'ended', reason: 'logout' })
  }))

it('lets one of two rotations through', () =>
  eachRound(async (id) => {
    await one.create(session(id), id)
    const outcomes = await Promise.all([
      one.rotate(id, id, `${id}_a`, grace),
      other.rotate(id, id, `${id}_b`, grace),
    ])
    expect([...outcomes].sort()).toEqual(['rotated', 'superseded'])
    const loser = outcomes[0] === 'rotated' ? `${id}_b` : `${id}_a`
    expect(await one.read(loser)).toBeUndefined()
  }))

it('leaves no token behind that a rotation made while its session ended', () =>
  eachRound(async (id) => {
    await one.create(session(id), id)
    const [rotated] = await Promise.all([
      one.rotate(id, id, `${id}_a`, grace),
      other.destroy(id, tombstone),
    ])
    expect(['rotated', 'gone']).toContain(rotated)
    const buried = { kind: 'ended', reason: 'logout' }
    expect(await one.read(id)).toEqual(buried)
    expect(await one.read(`${id}_a`)).toEqual(rotated === 'rotated' ? buried : undefined)
  }))

it('lets no child outlive a parent that ends while it is made', async () => {
  let made = 0
  await eachRound(async (id) => {
    await one.create(session(id), id)
    const [child, ended] = await Promise.allSettled([
      one.create(session(`${id}_c`, { parentId: id }), `${id}_c`),
      other.destroy(id, tombstone),
    ])
    if (child.status === 'fulfilled') made++
    expect(ended).toMatchObject({
      value: child.status === 'fulfilled' ? [id, `${id}_c`] : [id],
    })
    expect(await one.readById(`${id}_c`)).toBeUndefined()
    expect((await one.read(`${id}_c`))?.kind).toBe(
      child.status === 'fulfilled' ? 'ended' : undefined,
    )
  })
  // Both orders took place, else nothing was shown.
  expect(made).toBeGreaterThan(0)
  expect(made).toBeLessThan(rounds)
})

it('gives a code to one of fifty', () =>
  eachRound(async (id) => {
    await one.putCode(id, Uint8Array.of(7), nowMs + 1)
    const takers = Array.from({ length: 50 }, (_, n) => (n % 2 ? one : other).takeCode(id))
    const taken = (await Promise.all(takers)).filter((bytes) => bytes !== undefined)
    expect(taken).toEqual([Buffer.of(7)])
  }))

it('keeps to the limit of a user who logs in many times at once', () =>
  eachRound(async (id) => {
    const user = userOf(id)
    const limit = { sessionsMax: 2, tombstone: { ...tombstone, reason: 'revoked' } } as const
    const names = [1, 2, 3, 4].map((n) => `${id}_${n}`)
    for (const name of names) await one.create(session(name), name)
    const logins = names.flatMap((name, n) => {
      const [here, there] = n % 2 ? [one, other] : [other, one]
      const fresh = (kind: string) => [session(name + kind, { user }), name + kind] as const
      return [
        here.create(...fresh('c'), limit),
        there.replace(name, 1, ...fresh('r'), tombstone, limit),
      ]
    })
    await Promise.all(logins)
    expect(await one.listByUser(id)).toHaveLength(2)
  }))

it('lets one of two logins from the same session through', () =>
  eachRound(async (id) => {
    await one.create(session(id), id)
    const outcomes = await Promise.all(
      [one, other].map((store, n) =>
        store.replace(id, 1, session(`${id}_${n}`), `${id}_${n}`, tombstone),
      ),
    )
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['gone', 'replaced'])
    const live = await Promise.all([0, 1].map((n) => one.readById(`${id}_${n}`)))
    expect(live.filter(Boolean)).toHaveLength(1)
  }))

it('lets either a commit or a login through', () =>
  eachRound(async (id) => {
    await one.create(session(id), id)
    const [committed, replaced] = await Promise.all([
      one.commit(id, 1, Uint8Array.of(2), times),
      other.replace(id, 1, session(`${id}_b`), `${id}_b`, tombstone),
    ])
    const either = `${committed} ${replaced.outcome}`
    expect(['committed conflict', 'gone replaced']).toContain(either)
  }))

it('passes over what somebody holds when it sweeps', async () => {
  for (const id of ['s_1', 's_2']) await one.create(session(id, { expiresAtMs: nowMs }), id)
  await one.putCode('c_1', Uint8Array.of(1), nowMs)
  await sql.begin(async (transaction) => {
    await transaction.unsafe(`SELECT FROM ${schema}.sessions WHERE id = 's_1' FOR UPDATE`)
    await transaction.unsafe(`SELECT FROM ${schema}.codes FOR UPDATE`)
    expect(await one.sweep(nowMs, 10, nowMs)).toEqual(['s_2'])
  })
  expect(await one.sweep(nowMs, 10, nowMs)).toEqual(['s_1'])
  expect(await sql.unsafe(`SELECT FROM ${schema}.codes`)).toHaveLength(0)
})

it('sweeps every session once, by two at a time', async () => {
  await sql.unsafe(`INSERT INTO ${schema}.sessions (id, version, bytes, created_at, touched_at,
    expires_at, ends_at) SELECT 's_' || n, 1, '', 0, 0, n, n FROM generate_series(1, 3000) n`)
  const swept: string[] = []
  const work = async (store: SessionStore): Promise<void> => {
    for (;;) {
      const ids = await store.sweep(nowMs, 20, nowMs)
      if (ids.length === 0) return
      swept.push(...ids)
    }
  }
  await Promise.all([one, other, one, other].map(work))
  expect(swept).toHaveLength(3000)
  expect(new Set(swept).size).toBe(3000)
})

it('never locks itself out, whatever ends at the same time', () =>
  eachRound(async (id) => {
    const user = userOf(id)
    const limit = { sessionsMax: 3, tombstone }
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => `${id}_${name}`) as [
      string,
      ...string[],
    ]
    await one.create(session(a, { user }), a)
    await one.create(session(b as string, { user, parentId: a }), b as string)
    await one.create(session(c as string, { user, parentId: b }), c as string)
    await one.create(session(d as string, { user, expiresAtMs: nowMs }), d as string)
    const outcomes = await Promise.allSettled([
      one.destroy(c as string, tombstone),
      other.destroyByUser(user.id, tombstone, b),
      one.sweep(nowMs, 10, nowMs),
      other.create(session(`${id}_e`, { user, parentId: c }), `${id}_e`, limit),
      one.replace(b as string, 1, session(`${id}_f`, { user }), `${id}_f`, tombstone, limit),
      other.create(session(`${id}_g`, { user }), `${id}_g`, limit),
      one.rotate(a, a, `${id}_h`, grace),
      other.commit(c as string, 1, Uint8Array.of(2), times),
      one.destroy(a, tombstone),
    ])
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(String(outcome.reason)).toContain('is no parent')
    // Whoever is live has a live parent.
    const orphans = sql.unsafe(`SELECT s.id FROM ${schema}.sessions s
      LEFT JOIN ${schema}.sessions p ON p.id = s.parent_id
      WHERE s.parent_id IS NOT NULL AND p.id IS NULL`)
    expect([...(await orphans)]).toEqual([])
  }))

const enders: Readonly<Record<string, () => unknown>> = {
  'a logout': () => other.destroy('s_2', tombstone),
  'a login': () => other.replace('s_2', 1, session('s_3'), 's_3', tombstone),
  'a login that makes others make room': () =>
    other.create(session('s_3', { user: userOf('ada') }), 's_3', { sessionsMax: 1, tombstone }),
  'a revocation': () => other.destroyByUser('ada', tombstone),
  'a sweep': () => other.sweep(times.expiresAtMs, 1, nowMs),
}
it.each(Object.entries(enders))('shows ends in order, also when %s is faster', async (_, end) => {
  await one.create(session('s_1', { expiresAtMs: nowMs + 2_000 }), 's_1')
  await one.create(session('s_2', { user: userOf('ada') }), 's_2')
  let isThrough = false
  let faster: Promise<unknown> = Promise.resolve()
  let position = 0
  const seen: string[] = []
  const read = async (): Promise<void> => {
    for (const entry of await one.ends(position, 10)) {
      position = entry.position
      seen.push(entry.id)
    }
  }
  await sql.begin(async (transaction) => {
    const values = `'s_1', 'logout', ${nowMs}, ${nowMs}`
    await transaction.unsafe(`SELECT ${schema}.destroy_session(${values})`)
    faster = Promise.resolve(end()).then(() => {
      isThrough = true
    })
    // Until the other one is through, or waits.
    while (!isThrough && (await sql`SELECT FROM pg_locks WHERE NOT granted`).length === 0)
      await read()
    await read()
  })
  await faster
  await read()
  expect(seen).toEqual(['s_1', 's_2'])
})

it('hides no end from a reader that follows many writers', async () => {
  const ids = Array.from({ length: 600 }, (_, n) => `s_${n}`)
  for (const id of ids) await one.create(session(id), id)
  const seen: string[] = []
  let position = 0
  let isDone = false
  const follow = async (): Promise<void> => {
    for (;;) {
      const wasDone = isDone
      const ends = await one.ends(position, 50)
      for (const end of ends) {
        expect(end.position).toBeGreaterThan(position)
        position = end.position
        seen.push(end.id)
      }
      if (wasDone && ends.length === 0) return
    }
  }
  const writing = ids.map((id, n) => (n % 2 ? one : other).destroy(id, tombstone))
  const finished = Promise.all(writing).then(() => {
    isDone = true
  })
  await Promise.all([finished, follow()])
  expect(seen).toHaveLength(ids.length)
  expect(new Set(seen).size).toBe(ids.length)
})

it('is migrated by two processes at once', async () => {
  const code = `
    const [entry, url, schema, id] = process.argv.slice(1)
    const { openPostgres } = await import(entry)
    const opened = openPostgres({ url, schema })
    process.stdout.write('ready ')
    await new Promise((resolve) => process.stdin.once('data', resolve))
    await opened.sessions().putCode(id, new Uint8Array(1), 9e15)
    await opened.close()
    process.exit()`
  const entry = new URL('./index.ts', import.meta.url).href
  for (let round = 0; round < 3; round++) {
    const children = ['c1', 'c2'].map((id) => {
      const args = ['--input-type=module', '-e', code, entry, server.url, `twice_${round}`, id]
      return spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    })
    await Promise.all(children.map((child) => once(child.stdout, 'data')))
    const exits = children.map((child) => once(child, 'exit'))
    for (const child of children) child.stdin.write('go')
    expect(await Promise.all(exits)).toEqual([
      [0, null],
      [0, null],
    ])
    const { length } = await sql.unsafe(`SELECT FROM twice_${round}.codes`)
    expect(length).toBe(2)
  }
})
