import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'
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
import { attempt, transaction } from './open.ts'

const startName: BuiltInEvent = 'started'
const endNames: readonly string[] = ['logout', 'expired', 'revoked'] satisfies BuiltInEvent[]

/** What is asked of whole stays is kept per stay, so that only events are ever counted by events. */
export const eventMigrations: readonly string[] = [
  `CREATE TABLE writers (name TEXT PRIMARY KEY, seq INTEGER NOT NULL, at INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
  CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE stays (
    id INTEGER PRIMARY KEY,
    started_at INTEGER,
    ended_at INTEGER,
    last_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX stays_by_start ON stays (started_at) WHERE started_at IS NOT NULL;
  CREATE INDEX stays_by_end ON stays (ended_at, started_at) WHERE ended_at IS NOT NULL;
  CREATE INDEX stays_by_last ON stays (last_at, ended_at);
  CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    session TEXT NOT NULL UNIQUE,
    stay INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX sessions_by_stay ON sessions (stay);
  CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    name INTEGER NOT NULL,
    stay INTEGER NOT NULL,
    session INTEGER NOT NULL,
    predecessor INTEGER,
    user TEXT,
    props TEXT
  ) STRICT;
  CREATE INDEX events_by_time ON events (at);
  CREATE INDEX events_by_name ON events (name, at, stay);`,
]

const within = 'e.at >= :fromMs AND e.at < :toMs'
const ended = 'ended_at >= :fromMs AND ended_at < :toMs AND started_at IS NOT NULL'

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
  countActive: 'SELECT count(*) AS count FROM stays WHERE last_at >= :sinceMs AND ended_at IS NULL',
  startsPerHour: `SELECT started_at / 3600000 * 3600000 AS fromMs, count(*) AS count FROM stays
    WHERE started_at >= :fromMs AND started_at < :toMs GROUP BY fromMs ORDER BY fromMs`,
  countEnded: `SELECT count(*) AS count FROM stays WHERE ${ended}`,
  lengthAt: `SELECT max(ended_at - started_at, 0) AS length FROM stays WHERE ${ended}
    ORDER BY length LIMIT 1 OFFSET :rank`,
  count: `SELECT count(*) AS count FROM names n JOIN events e ON e.name = n.id AND ${within}
    WHERE n.name = :name`,
  topEvents: `SELECT n.name, count(*) AS count, count(DISTINCT e.stay) AS sessions
    FROM names n CROSS JOIN events e ON e.name = n.id AND ${within}
    GROUP BY n.id ORDER BY count DESC, n.name LIMIT :limit`,
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

type Name = keyof typeof queries
type Row = Record<string, SQLOutputValue>
type Values = Record<string, SQLInputValue>
type Found = Record<'id' | 'stay', number>

/** The events in one SQLite file; answers at once. Power loss may cost the last batches. */
export function openEvents(db: DatabaseSync): EventStore {
  return attempt(() => new SqliteEvents(db))
}

class SqliteEvents implements EventStore {
  readonly #db: DatabaseSync
  readonly #statements: Readonly<Record<Name, StatementSync>>

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#statements = Object.fromEntries(
      Object.entries(queries).map(([name, sql]) => [name, db.prepare(sql)]),
    ) as Record<Name, StatementSync>
  }

  append({ writer, seq, events }: EventBatch): void {
    const at = events.reduce((latest, { atMs }) => Math.max(latest, atMs), 0)
    this.#atomically(() => {
      if (this.#run('enterWriter', { writer, seq, at }) === 0) return
      for (const event of events) this.#add(event)
    })
  }

  countActive(sinceMs: number): number {
    return this.#number('countActive', { sinceMs })
  }

  startsPerHour(period: Period): readonly Bucket[] {
    return this.#rows('startsPerHour', { ...period }).map(({ fromMs, count }) => ({
      fromMs: Number(fromMs),
      count: Number(count),
    }))
  }

  lengths(period: Period): Lengths {
    const count = this.#number('countEnded', { ...period })
    const lengthAt = (share: number): number | undefined => {
      const rank = Math.ceil((share * count) / 100) - 1
      const row = count > 0 ? this.#row('lengthAt', { ...period, rank }) : undefined
      return row && Number(row['length'])
    }
    return { count, p50Ms: lengthAt(50), p90Ms: lengthAt(90) }
  }

  count(name: string, period: Period): number {
    return this.#number('count', { name, ...period })
  }

  topEvents(period: Period, limit: number): readonly EventCount[] {
    return this.#rows('topEvents', { ...period, limit }).map(({ name, count, sessions }) => ({
      name: String(name),
      count: Number(count),
      sessions: Number(sessions),
    }))
  }

  funnel(steps: readonly string[], { fromMs, toMs }: Period, withinMs?: number): readonly number[] {
    const ids = steps.map((name) => this.#row('findName', { name })?.['id'] ?? -1)
    const names = Object.fromEntries(ids.map((id, step) => [`name${step}`, id]))
    const values = { ...names, fromMs, toMs, withinMs: withinMs ?? toMs - fromMs }
    const row = attempt(() => this.#db.prepare(funnelSql(ids.length)).get(values))
    return ids.map((_, step) => Number(row?.[`count${step}`]))
  }

  list(after: number, limit: number): readonly StoredEvent[] {
    return this.#rows('list', { after, limit }).map((row) => ({
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
      const count = this.#run('forgetEvents', { beforeMs, limit })
      // An event that is left still needs its stay.
      if (count === limit) return count
      for (const { id = null } of this.#rows('oldStays', { beforeMs, limit })) {
        this.#run('forgetStay', { id })
        this.#run('forgetSessions', { id })
      }
      this.#run('forgetWriters', { beforeMs })
      this.#run('forgetNames', {})
      return count
    })
  }

  #add({ atMs: at, session, user, name, props, from }: SessionEvent): void {
    const [known, before] = [this.#find(session), from === undefined ? undefined : this.#find(from)]
    const stay = known?.stay ?? before?.stay ?? this.#insert('addStay', { at })
    const idOf = (one: string): SQLInputValue => this.#insert('addSession', { session: one, stay })
    const predecessor = before?.id ?? (from === undefined ? null : idOf(from))
    const startedAt = name === startName ? at : null
    const endedAt = endNames.includes(name) ? at : null
    this.#run('enterStay', { stay, at, startedAt, endedAt })
    this.#run('addEvent', {
      at,
      name: this.#row('findName', { name })?.['id'] ?? this.#insert('addName', { name }),
      stay,
      session: known?.id ?? (session === from ? predecessor : idOf(session)),
      predecessor,
      user: user ?? null,
      props: props ? JSON.stringify(props) : null,
    })
  }

  #find(session: string): Found | undefined {
    return this.#row('findSession', { session }) as Found | undefined
  }

  #atomically<Result>(work: () => Result): Result {
    return attempt(() => transaction(this.#db, work))
  }

  #row(name: Name, values: Values): Row | undefined {
    return attempt(() => this.#statements[name].get(values))
  }

  #rows(name: Name, values: Values): Row[] {
    return attempt(() => this.#statements[name].all(values))
  }

  #number(name: Name, values: Values): number {
    return Number(this.#row(name, values)?.['count'])
  }

  /** How many rows were changed. */
  #run(name: Name, values: Values): number {
    return attempt(() => Number(this.#statements[name].run(values).changes))
  }

  /** The number of the new row. */
  #insert(name: Name, values: Values): SQLInputValue {
    return attempt(() => this.#statements[name].run(values).lastInsertRowid)
  }
}

/**
 * One pass over the events of the steps, by stay and time. `reached<n>` is the latest first step
 * from which a row completes step n: later ones leave more room for the steps that follow.
 */
function funnelSql(steps: number): string {
  const numbers = Array.from({ length: steps }, (_, step) => step)
  const names = numbers.map((step) => `:name${step}`)
  let rows = `SELECT position, at, stay, name, CASE name WHEN :name0 THEN at END AS reached0,
    :withinMs AS within FROM events e WHERE name IN (${names}) AND ${within}`
  for (const step of numbers.slice(1))
    rows = `SELECT *, CASE WHEN name = :name${step} AND at - from${step} <= within THEN from${step}
      END AS reached${step} FROM (SELECT *, max(reached${step - 1}) OVER earlier AS from${step}
      FROM (${rows}) WINDOW earlier AS (PARTITION BY stay ORDER BY at, position
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))`
  const deepest = numbers.map((step) => `max(reached${step} IS NOT NULL) AS done${step}`)
  const counts = numbers.map((step) => `coalesce(sum(done${step}), 0) AS count${step}`)
  return `SELECT ${counts} FROM (SELECT ${deepest} FROM (${rows}) GROUP BY stay)`
}

function textOf(value: SQLOutputValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
