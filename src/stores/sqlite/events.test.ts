import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { EventModel } from '../../testing/event-model.ts'
import { describeEventStore } from '../../testing/index.ts'
import type { EventStore } from '../../web/analytics/index.ts'
import type { SessionEvent } from '../../web/session/index.ts'
import { openFigures } from './event-figures.ts'
import { eventMigrations } from './events-schema.ts'
import { openSqlite } from './index.ts'
import { openReader } from './open.ts'

const folder = mkdtempSync(join(tmpdir(), 'sojourn-events-'))
afterAll(() => rmSync(folder, { recursive: true }))
let folders = 0
const fresh = (): string => join(folder, String(folders++), 'data')

const places = { memory: (): string => ':memory:', disk: fresh }
for (const [place, dataOf] of Object.entries(places))
  describeEventStore(
    `sqlite, ${place}`,
    () => {
      const sqlite = openSqlite({ data: dataOf() })
      return { store: sqlite.events(), close: () => sqlite.close() }
    },
    { describe, it },
  )

const period = { fromMs: 10, toMs: 7_200_020 }
const name = fc.constantFrom('started', 'a', 'b', 'c', 'login', 'logout', 'expired', 'revoked')
const session = fc.constantFrom('s_1', 's_2', 's_3', 's_4')
const atMs = fc.oneof(fc.nat(40), fc.nat(7_200_040))
const event: fc.Arbitrary<SessionEvent> = fc
  .record({ atMs, session, name, from: fc.option(session, { nil: undefined }) })
  .map(({ from, ...one }) => (one.name === 'login' ? { ...one, from } : one))
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('answers', () => {
  it('are those of a naive count over all events, whatever they are', () => {
    const batches = fc.array(fc.array(event, { minLength: 1, maxLength: 12 }), { maxLength: 6 })
    const steps = fc.array(name, { minLength: 1, maxLength: 4 })
    const withinMs = fc.option(fc.nat(30), { nil: undefined })
    fc.assert(
      fc.property(batches, steps, withinMs, (given, asked, within) => {
        const sqlite = openSqlite({ data: ':memory:' })
        const stores: EventStore[] = [sqlite.events(), new EventModel()]
        const [real, model] = stores.map((store) => {
          for (const [index, events] of given.entries())
            store.append({ writer: 'w_1', seq: index + 1, events })
          return plain([
            store.countActive(20),
            store.startsPerHour(period),
            store.lengths(period),
            store.count('a', period),
            store.topEvents(period, 3),
            store.funnel(asked, period, within),
            store.list(0, 100),
          ])
        })
        sqlite.close()
        expect(real).toEqual(model)
      }),
      { numRuns: 400 },
    )
  })
})

describe('the file of events', () => {
  const view = { atMs: 20, session: 's_1', name: 'view' }

  it('is read as it was at one moment, whoever writes meanwhile', () => {
    const data = fresh()
    const sqlite = openSqlite({ data })
    const names = ['started', 'logout']
    const events = names.map((name, n) => ({ atMs: 20 + 5 * n, session: 's_1', name }))
    sqlite.events().append({ writer: 'w_1', seq: 1, events })
    const db = openReader(join(data, 'events.db'))
    const prepare = db.prepare.bind(db)
    db.prepare = (sql) => {
      const statement = prepare(sql)
      const get = statement.get.bind(statement)
      // All is forgotten between the count and the look for a percentile of so many.
      if (sql.includes('OFFSET'))
        statement.get = ((values: never) => {
          sqlite.events().sweep(30, 10)
          return get(values)
        }) as typeof get
      return statement
    }
    const ask = openFigures(db)
    expect(ask('lengths', period)).toEqual({ count: 1, p50Ms: 5, p90Ms: 5 })
    expect(ask('lengths', period)).toEqual({ count: 0, p50Ms: undefined, p90Ms: undefined })
    db.close()
    sqlite.close()
  })

  it('survives a restart, knows its writers still, and belongs to this user only', async () => {
    const data = fresh()
    const batch = { writer: 'w_1', seq: 3, events: [view] }
    for (let run = 0; run < 2; run++) {
      const sqlite = openSqlite({ data })
      sqlite.events().append(batch)
      expect(await sqlite.events().topEvents(period, 5)).toEqual([
        { name: 'view', count: 1, sessions: 1 },
      ])
      sqlite.close()
    }
    expect(statSync(join(data, 'events.db')).mode & 0o777).toBe(0o600)
  })

  it('is brought up to date, and names no session that is forgotten already', () => {
    const data = fresh()
    mkdirSync(data, { recursive: true })
    const old = new DatabaseSync(join(data, 'events.db'))
    // As the first version left it, after it had forgotten the session with the number 9.
    old.exec(`${eventMigrations[0]}
      INSERT INTO names VALUES (1, 'login');
      INSERT INTO stays (last_at) VALUES (20);
      INSERT INTO sessions VALUES (1, 's_1', 1), (2, 's_2', 1);
      INSERT INTO events (at, name, stay, session, predecessor) VALUES (20, 1, 1, 2, 1),
        (20, 1, 1, 2, 9);
      PRAGMA user_version = 1`)
    old.close()
    const sqlite = openSqlite({ data })
    expect(sqlite.events().list(0, 9)).toMatchObject([
      { position: 1, session: 's_2', from: 's_1' },
      { position: 2, session: 's_2', from: undefined },
    ])
    sqlite.events().append({ writer: 'w_1', seq: 1, events: [view] })
    expect(sqlite.events().list(2, 9)).toMatchObject([{ position: 3, session: 's_1' }])
    sqlite.close()
  })

  it('leaves nothing behind of what it forgot', () => {
    const data = fresh()
    const sqlite = openSqlite({ data })
    const events = [view, { ...view, session: 's_2', name: 'login', from: 's_1' }]
    sqlite.events().append({ writer: 'w_1', seq: 1, events })
    expect(sqlite.events().sweep(21, 10)).toBe(2)
    const db = new DatabaseSync(join(data, 'events.db'))
    for (const table of ['events', 'stays', 'sessions', 'names', 'writers'])
      expect(db.prepare(`SELECT * FROM ${table}`).all()).toEqual([])
    db.close()
    sqlite.close()
  })

  it('finds what it is asked for by its indexes', () => {
    const data = fresh()
    const sqlite = openSqlite({ data })
    sqlite.events()
    const db = new DatabaseSync(join(data, 'events.db'))
    const plan = (sql: string): string =>
      JSON.stringify(db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all())
    expect(plan('SELECT * FROM stays WHERE last_at >= 5 AND ended_at IS NULL')).toContain('by_last')
    expect(plan('SELECT * FROM stays WHERE started_at >= 5')).toContain('stays_by_start')
    expect(plan('SELECT * FROM stays WHERE ended_at >= 5')).toContain('stays_by_end')
    expect(plan('SELECT * FROM events WHERE at < 5 ORDER BY at')).toContain('events_by_time')
    expect(plan('SELECT at, stay FROM events WHERE name = 1 AND at > 5')).toContain(
      'COVERING INDEX events_by_name',
    )
    db.close()
    sqlite.close()
  })
})
