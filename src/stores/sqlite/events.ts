import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite'
import type { Awaitable } from '../../base/core/index.ts'
import type {
  Bucket,
  BuiltInEvent,
  EventBatch,
  EventCount,
  EventStore,
  Lengths,
  Period,
  StoredEvent,
} from '../../web/analytics/index.ts'
import type { EventProps, SessionEvent } from '../../web/session/index.ts'
import type { Ask } from './event-figures.ts'
import { attempt, transaction } from './open.ts'
import { Statements } from './statements.ts'

const startName: BuiltInEvent = 'started'
const endNames: readonly string[] = ['logout', 'expired', 'revoked'] satisfies BuiltInEvent[]

const queries = {
  enterWriter: `INSERT INTO writers VALUES (:writer, :seq, :at) ON CONFLICT DO UPDATE
    SET seq = excluded.seq, at = excluded.at WHERE seq < excluded.seq`,
  findName: 'SELECT id FROM names WHERE name = :name',
  addName: 'INSERT INTO names (name) VALUES (:name)',
  findSession: 'SELECT id, stay FROM sessions WHERE session = :session',
  addSession: 'INSERT INTO sessions (session, stay) VALUES (:session, :stay)',
  addStay: 'INSERT INTO stays (last_at) VALUES (:at)',
  enterStay: `UPDATE stays SET last_at = max(last_at, :at),
    started_at = min(coalesce(started_at, :startedAt), coalesce(:startedAt, started_at)),
    ended_at = min(coalesce(ended_at, :endedAt), coalesce(:endedAt, ended_at))
    WHERE id = :stay`,
  addEvent: `INSERT INTO events (at, name, stay, session, predecessor, user, props)
    VALUES (:at, :name, :stay, :session, :predecessor, :user, :props)`,
  list: `SELECT e.*, n.name AS event, s.session AS of, p.session AS "from" FROM events e
    JOIN names n ON n.id = e.name LEFT JOIN sessions s ON s.id = e.session
    LEFT JOIN sessions p ON p.id = e.predecessor
    WHERE position > :after ORDER BY position LIMIT :limit`,
  forgetEvents: `DELETE FROM events WHERE position IN
    (SELECT position FROM events WHERE at < :beforeMs ORDER BY at LIMIT :limit)`,
  oldStays: 'SELECT id FROM stays WHERE last_at < :beforeMs ORDER BY last_at LIMIT :limit',
  forgetStay: 'DELETE FROM stays WHERE id = :id',
  forgetSessions: 'DELETE FROM sessions WHERE stay = :id',
  forgetWriters: 'DELETE FROM writers WHERE at < :beforeMs',
  forgetNames: 'DELETE FROM names WHERE NOT EXISTS (SELECT 1 FROM events WHERE name = names.id)',
} as const

type Found = Record<'id' | 'stay', number>

/**
 * The events in one SQLite file. Power loss may cost the last batches.
 *
 * @param ask answers what may take long
 */
export function openEvents(db: DatabaseSync, ask: Ask): EventStore {
  return new SqliteEvents(db, ask)
}

class SqliteEvents implements EventStore {
  readonly #db: DatabaseSync
  readonly #ask: Ask
  readonly #statements: Statements<keyof typeof queries>

  constructor(db: DatabaseSync, ask: Ask) {
    this.#db = db
    this.#ask = ask
    this.#statements = new Statements(db, queries)
  }

  append({ writer, seq, events }: EventBatch): void {
    const at = events.reduce((latest, { atMs }) => Math.max(latest, atMs), 0)
    this.#atomically(() => {
      if (this.#statements.run('enterWriter', { writer, seq, at }) === 0) return
      for (const event of events) this.#add(event)
    })
  }

  countActive(sinceMs: number): Awaitable<number> {
    return this.#ask('countActive', sinceMs)
  }

  startsPerHour(period: Period): Awaitable<readonly Bucket[]> {
    return this.#ask('startsPerHour', period)
  }

  lengths(period: Period): Awaitable<Lengths> {
    return this.#ask('lengths', period)
  }

  count(name: string, period: Period): Awaitable<number> {
    return this.#ask('count', name, period)
  }

  topEvents(period: Period, limit: number): Awaitable<readonly EventCount[]> {
    return this.#ask('topEvents', period, limit)
  }

  funnel(
    steps: readonly string[],
    period: Period,
    withinMs?: number,
  ): Awaitable<readonly number[]> {
    return this.#ask('funnel', steps, period, withinMs)
  }

  list(after: number, limit: number): readonly StoredEvent[] {
    return this.#statements.rows('list', { after, limit }).map((row) => ({
      position: Number(row['position']),
      atMs: Number(row['at']),
      session: String(row['of']),
      user: textOf(row['user']),
      name: String(row['event']),
      props: row['props'] === null ? undefined : (JSON.parse(String(row['props'])) as EventProps),
      from: textOf(row['from']),
    }))
  }

  sweep(beforeMs: number, limit: number): number {
    return this.#atomically(() => {
      const count = this.#statements.run('forgetEvents', { beforeMs, limit })
      // An event that is left still needs its stay.
      if (count === limit) return count
      for (const { id = null } of this.#statements.rows('oldStays', { beforeMs, limit })) {
        this.#statements.run('forgetStay', { id })
        this.#statements.run('forgetSessions', { id })
      }
      this.#statements.run('forgetWriters', { beforeMs })
      this.#statements.run('forgetNames', {})
      return count
    })
  }

  #add({ atMs: at, session, user, name, props, from }: SessionEvent): void {
    const [known, before] = [this.#find(session), from === undefined ? undefined : this.#find(from)]
    const stay = known?.stay ?? before?.stay ?? this.#statements.insert('addStay', { at })
    const idOf = (one: string): SQLInputValue =>
      this.#statements.insert('addSession', { session: one, stay })
    const predecessor = before?.id ?? (from === undefined ? null : idOf(from))
    const startedAt = name === startName ? at : null
    const endedAt = endNames.includes(name) ? at : null
    this.#statements.run('enterStay', { stay, at, startedAt, endedAt })
    this.#statements.run('addEvent', {
      at,
      name:
        this.#statements.row('findName', { name })?.['id'] ??
        this.#statements.insert('addName', { name }),
      stay,
      session: known?.id ?? (session === from ? predecessor : idOf(session)),
      predecessor,
      user: user ?? null,
      props: props ? JSON.stringify(props) : null,
    })
  }

  #find(session: string): Found | undefined {
    return this.#statements.row('findSession', { session }) as Found | undefined
  }

  #atomically<Result>(work: () => Result): Result {
    return attempt(() => transaction(this.#db, work))
  }
}

function textOf(value: SQLOutputValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
