/** All stores of events answer alike: random batches, repeats and sweeps, each answer compared. */
import fc from 'fast-check'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../test/fakes/postgres-server.ts'
import { EventModel } from '../testing/event-model.ts'
import type { EventStore } from '../web/analytics/index.ts'
import type { SessionEvent } from '../web/session/index.ts'
import { openPostgres, type Postgres } from './postgres/index.ts'
import { openSqlite } from './sqlite/index.ts'

const tables = ['events', 'stays', 'stay_sessions', 'event_names', 'event_writers']
let server: PostgresServer
let sql: postgres.Sql
let opened: Postgres
beforeAll(async () => {
  server = await startPostgres()
  sql = postgres(server.url, { max: 1, fetch_types: false, onnotice: () => {} })
  opened = openPostgres({ sql })
})
afterAll(async () => {
  await opened?.close()
  await sql?.end()
  await server?.stop()
})

const hourMs = 3600e3
const name = fc.constantFrom('started', 'a', 'b', 'b', 'c', 'login', 'logout', 'expired', 'revoked')
const session = fc.constantFrom('s_1', 's_2', 's_3', 's_4', 's_5', 's_6')
const event: fc.Arbitrary<SessionEvent> = fc.record({
  // Many at the same time: then their order is that of their positions.
  atMs: fc.oneof(fc.nat(6), fc.nat(2 * hourMs)),
  session,
  name,
  user: fc.option(fc.constantFrom('ada', 'bob'), { nil: undefined }),
  props: fc.option(fc.dictionary(fc.string(), fc.string(), { maxKeys: 2 }), { nil: undefined }),
  from: fc.option(session, { nil: undefined, freq: 3 }),
})
const append = fc.record({
  writer: fc.constantFrom('w_1', 'w_2'),
  seq: fc.integer({ min: 1, max: 8 }),
  events: fc.array(event, { minLength: 1, maxLength: 12 }),
})
/** So many stays that a sweep never has to choose between some that ended at the same time. */
const sweep = fc.record({ beforeMs: fc.oneof(fc.nat(8), fc.nat(hourMs)), limit: fc.constant(6) })
const question = fc.record({
  fromMs: fc.nat(hourMs),
  lengthMs: fc.integer({ min: 1, max: 2 * hourMs }),
  steps: fc.array(name, { minLength: 1, maxLength: 5 }),
  withinMs: fc.option(fc.oneof(fc.nat(4), fc.nat(hourMs)), { nil: undefined }),
  limit: fc.integer({ min: 1, max: 4 }),
})
const step = fc.oneof({ arbitrary: append, weight: 3 }, { arbitrary: sweep, weight: 1 })
type Step = ReturnType<typeof step.generate>['value']
type Question = ReturnType<typeof question.generate>['value']

async function take(store: EventStore, one: Step): Promise<unknown> {
  return 'events' in one ? store.append(one) : store.sweep(one.beforeMs, one.limit)
}

async function answersOf(store: EventStore, asked: Question): Promise<unknown> {
  const { fromMs, lengthMs, steps, withinMs, limit } = asked
  const period = { fromMs, toMs: fromMs + lengthMs }
  const events = await store.list(0, 1_000)
  const later = await store.list(events[limit]?.position ?? 0, limit)
  const answers = {
    active: await store.countActive(fromMs),
    starts: await store.startsPerHour(period),
    lengths: await store.lengths(period),
    count: await store.count(steps[0] ?? '', period),
    top: await store.topEvents(period, limit),
    funnel: await store.funnel(steps, period, withinMs),
    events: [...events, ...later].map(({ position: _, ...one }) => one),
  }
  // Without what a store says by `undefined`, and others by leaving it out.
  return JSON.parse(JSON.stringify(answers))
}

it('all stores of events give the same answers', { timeout: 120_000 }, async () => {
  const property = async (script: readonly Step[], asked: readonly Question[]): Promise<void> => {
    const sqlite = openSqlite({ data: ':memory:' })
    const expected = sqlite.events()
    const store = opened.events()
    await store.list(0, 1)
    await sql.unsafe(`TRUNCATE ${tables.map((table) => `sojourn.${table}`)}`)
    // The model forgets no stay, so it has its say until the first sweep.
    const model = script.some((one) => 'limit' in one) ? [] : [new EventModel()]
    const others = [store, ...model]
    try {
      for (const one of script) {
        const answer = await take(expected, one)
        for (const other of others) expect(await take(other, one)).toEqual(answer)
      }
      for (const one of asked) {
        const answers = await answersOf(expected, one)
        for (const other of others) expect(await answersOf(other, one)).toEqual(answers)
      }
    } finally {
      sqlite.close()
    }
  }
  const scripts = fc.array(step, { minLength: 1, maxLength: 8 })
  const questions = fc.array(question, { minLength: 2, maxLength: 4 })
  await fc.assert(fc.asyncProperty(scripts, questions, property), { numRuns: 150 })
})
