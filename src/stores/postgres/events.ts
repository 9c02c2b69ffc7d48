import type { Clock } from '../../base/core/index.ts'
import type {
  Bucket,
  EventBatch,
  EventCount,
  EventStore,
  Lengths,
  Period,
  StoredEvent,
} from '../../web/analytics/index.ts'
import type { EventProps, SessionEvent } from '../../web/session/index.ts'
import { Line } from '../line.ts'
import type { Connection } from './connection.ts'
import { type Column, columnOf, textOf } from './records.ts'

const within = 'e.at >= $1 AND e.at < $2'

/** The statements; `s` stands for the schema, quoted. */
const queriesIn = (s: string) => ({
  append: `SELECT ${s}.append_events($1, $2, $3::text::jsonb)`,
  countActive: `SELECT count(*) FROM ${s}.stays WHERE last_at >= $1 AND ended_at IS NULL`,
  startsPerHour: `SELECT started_at / 3600000 * 3600000, count(*) FROM ${s}.stays
    WHERE started_at >= $1 AND started_at < $2 GROUP BY 1 ORDER BY 1`,
  lengths: `SELECT count(*), percentile_disc(0.5) WITHIN GROUP (ORDER BY length),
    percentile_disc(0.9) WITHIN GROUP (ORDER BY length)
    FROM (SELECT greatest(ended_at - started_at, 0) AS length FROM ${s}.stays
      WHERE ended_at >= $1 AND ended_at < $2 AND started_at IS NOT NULL) ended`,
  count: `SELECT count(*) FROM ${s}.event_names n JOIN ${s}.events e ON e.name = n.id AND ${within}
    WHERE n.name = $3`,
  topEvents: `SELECT n.name, t.count, t.stays FROM ${s}.event_names n JOIN
      (SELECT name, sum(count) AS count, count(*) AS stays
        FROM (SELECT e.name, e.stay, count(*) FROM ${s}.events e WHERE ${within}
          GROUP BY e.name, e.stay) per_stay GROUP BY name) t ON t.name = n.id
    ORDER BY t.count DESC, n.name LIMIT $3`,
  list: `SELECT e.position, e.at, s.session, e.user_id, n.name, e.props, p.session
    FROM ${s}.events e JOIN ${s}.event_names n ON n.id = e.name
    LEFT JOIN ${s}.stay_sessions s ON s.id = e.session
    LEFT JOIN ${s}.stay_sessions p ON p.id = e.predecessor
    WHERE e.position > $1 ORDER BY e.position LIMIT $2`,
  sweep: `SELECT ${s}.sweep_events($1, $2)`,
})

type Queries = ReturnType<typeof queriesIn>
type Value = string | number

/** With what it works. */
export interface EventTools {
  readonly connection: Connection
  readonly schema: string
  readonly clock: Clock
  /** How long a question waits for its turn. */
  readonly waitMs: number
}

/**
 * The events in one schema of PostgreSQL; one round trip a call. What may take the server long goes
 * one at a time: all connections are those of the sessions too.
 */
export class PostgresEvents implements EventStore {
  readonly #connection: Connection
  readonly #schema: string
  readonly #queries: Queries
  readonly #line: Line

  constructor({ connection, schema, clock, waitMs }: EventTools) {
    this.#connection = connection
    this.#schema = `"${schema}"`
    this.#queries = queriesIn(this.#schema)
    this.#line = new Line(clock, waitMs)
  }

  async append({ writer, seq, events }: EventBatch): Promise<void> {
    await this.#ask(this.#queries.append, [writer, seq, JSON.stringify(events.map(rowOf))])
  }

  async countActive(sinceMs: number): Promise<number> {
    return this.#number(this.#queries.countActive, [sinceMs])
  }

  async startsPerHour({ fromMs, toMs }: Period): Promise<readonly Bucket[]> {
    const rows = await this.#askInTurn(this.#queries.startsPerHour, [fromMs, toMs])
    return rows.map(([hourMs, count]) => ({ fromMs: Number(hourMs), count: Number(count) }))
  }

  async lengths({ fromMs, toMs }: Period): Promise<Lengths> {
    const [row] = await this.#askInTurn(this.#queries.lengths, [fromMs, toMs])
    const [count, p50, p90] = row ?? []
    return { count: Number(count), p50Ms: numberOf(p50), p90Ms: numberOf(p90) }
  }

  async count(name: string, { fromMs, toMs }: Period): Promise<number> {
    return this.#number(this.#queries.count, [fromMs, toMs, storable(name)])
  }

  async topEvents({ fromMs, toMs }: Period, limit: number): Promise<readonly EventCount[]> {
    const rows = await this.#askInTurn(this.#queries.topEvents, [fromMs, toMs, limit])
    return rows.map(([name, count, stays]) => ({
      name: textOf(name),
      count: Number(count),
      sessions: Number(stays),
    }))
  }

  async funnel(
    steps: readonly string[],
    { fromMs, toMs }: Period,
    withinMs: number = toMs - fromMs,
  ): Promise<readonly number[]> {
    const sql = funnelSql(this.#schema, steps.length)
    const [row] = await this.#askInTurn(sql, [fromMs, toMs, withinMs, ...steps.map(storable)])
    return steps.map((_, step) => Number(row?.[step]))
  }

  async list(after: number, limit: number): Promise<readonly StoredEvent[]> {
    return (await this.#ask(this.#queries.list, [after, limit])).map(eventOf)
  }

  async sweep(beforeMs: number, limit: number): Promise<number> {
    const [row] = await this.#ask(this.#queries.sweep, [beforeMs, limit])
    return Number(row?.[0])
  }

  async #number(sql: string, values: Value[]): Promise<number> {
    const [row] = await this.#askInTurn(sql, values)
    return Number(row?.[0])
  }

  #askInTurn(sql: string, values: Value[]): Promise<readonly (readonly Column[])[]> {
    return this.#line.run(() => this.#ask(sql, values))
  }

  async #ask(sql: string, values: Value[]): Promise<readonly (readonly Column[])[]> {
    return this.#connection.ask(sql, values.map(String))
  }
}

/**
 * One pass over the events of the steps, by stay and time. For an event that does step n, `until` is
 * when the last step must be done at the latest: later starts leave more room. `depth` is the
 * furthest step that an event did, and `steps` has a bit for each step that its name stands for.
 */
function funnelSql(schema: string, steps: number): string {
  const numbers = Array.from({ length: steps }, (_, step) => step)
  const names = numbers.map((step) => `$${step + 4}`)
  const bits = numbers.map((step) => `((name = ${names[step]})::int << ${step})`)
  let rows = `SELECT e.stay, e.at, e.position, n.steps, CASE WHEN n.steps & 1 > 0 THEN e.at + $3 END
    AS until, CASE WHEN n.steps & 1 > 0 THEN 0 END AS depth
    FROM (SELECT id, ${bits.join(' | ')} AS steps FROM ${schema}.event_names WHERE name IN (${names})) n
    JOIN ${schema}.events e ON e.name = n.id AND ${within}`
  for (const step of numbers.slice(1)) {
    const isDone = `steps & ${2 ** step} > 0 AND at <= max(until) OVER earlier`
    rows = `SELECT stay, at, position, steps, CASE WHEN ${isDone} THEN max(until) OVER earlier END
      AS until, CASE WHEN ${isDone} THEN ${step} ELSE depth END AS depth
      FROM (${rows}) r WINDOW earlier AS (PARTITION BY stay ORDER BY at, position
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)`
  }
  const counts = numbers.map((step) => `count(*) FILTER (WHERE depth >= ${step})`)
  return `SELECT ${counts} FROM (SELECT max(depth) AS depth FROM (${rows}) r GROUP BY stay) d`
}

/** An event as `append_events` takes it. */
function rowOf({ atMs, session, user, name, props, from }: SessionEvent): object {
  return {
    at: atMs,
    session: storable(session),
    user_id: user && storable(user),
    name: storable(name),
    // A text: what JSON can say, a column of JSON can't always hold.
    props: props && JSON.stringify(props),
    predecessor: from && storable(from),
  }
}

function eventOf([position, at, session, user, name, props, from]: readonly Column[]): StoredEvent {
  return {
    position: Number(position),
    atMs: Number(at),
    session: textOf(session),
    user: optionalOf(user),
    name: textOf(name),
    props: typeof props === 'string' ? (JSON.parse(props) as EventProps) : undefined,
    from: optionalOf(from),
  }
}

/** Half of a surrogate pair, which JSON can say and PostgreSQL can't store, is replaced. */
function storable(text: string): string {
  return columnOf(text.toWellFormed()) ?? ''
}

function optionalOf(column: Column | undefined): string | undefined {
  return typeof column === 'string' ? textOf(column) : undefined
}

function numberOf(column: Column | undefined): number | undefined {
  return typeof column === 'string' ? Number(column) : undefined
}
