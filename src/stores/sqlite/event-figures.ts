/** What is worked out from many events at once: answers at once, after as long as that takes. */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { Bucket, EventCount, EventStore, Lengths, Period } from '../../web/analytics/index.ts'
import { attempt } from './open.ts'
import { Statements } from './statements.ts'

/** The questions of `EventStore` that only read, and may read all there is. */
export type Questions = Pick<
  EventStore,
  'countActive' | 'startsPerHour' | 'lengths' | 'count' | 'topEvents' | 'funnel'
>

/** Asks one of them, wherever it is answered. */
export type Ask = <Name extends keyof Questions>(
  name: Name,
  ...values: Parameters<Questions[Name]>
) => ReturnType<Questions[Name]>

const within = 'e.at >= :fromMs AND e.at < :toMs'
const ended = 'ended_at >= :fromMs AND ended_at < :toMs AND started_at IS NOT NULL'

const queries = {
  findName: 'SELECT id FROM names WHERE name = :name',
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
  eventsOf: `SELECT e.stay, e.at, e.name FROM events e
    WHERE e.name IN (SELECT value FROM json_each(:names)) AND ${within}
    ORDER BY e.stay, e.at, e.position`,
} as const

/** Answers from the events of one database. */
export function openFigures(db: DatabaseSync): Ask {
  const figures = new EventFigures(new Statements(db, queries))
  type Answer = (...values: unknown[]) => ReturnType<Questions[keyof Questions]>
  const answer = (name: keyof Questions, values: unknown[]): ReturnType<Answer> =>
    (figures[name] as Answer).apply(figures, values)
  return ((name, ...values) => attempt(() => unchanged(db, () => answer(name, values)))) as Ask
}

/** Runs `work` on the events as they are now, whoever writes meanwhile. */
function unchanged<Result>(db: DatabaseSync, work: () => Result): Result {
  db.exec('BEGIN')
  try {
    return work()
  } finally {
    db.exec('COMMIT')
  }
}

class EventFigures implements Questions {
  readonly #statements: Statements<keyof typeof queries>

  constructor(statements: Statements<keyof typeof queries>) {
    this.#statements = statements
  }

  countActive(sinceMs: number): number {
    return Number(this.#statements.row('countActive', { sinceMs })?.['count'])
  }

  startsPerHour(period: Period): readonly Bucket[] {
    return this.#statements.rows('startsPerHour', { ...period }).map(({ fromMs, count }) => ({
      fromMs: Number(fromMs),
      count: Number(count),
    }))
  }

  lengths(period: Period): Lengths {
    const count = Number(this.#statements.row('countEnded', { ...period })?.['count'])
    const lengthAt = (percent: number): number | undefined => {
      const rank = Math.ceil((percent * count) / 100) - 1
      const row = count > 0 ? this.#statements.row('lengthAt', { ...period, rank }) : undefined
      return row && Number(row['length'])
    }
    return { count, p50Ms: lengthAt(50), p90Ms: lengthAt(90) }
  }

  count(name: string, period: Period): number {
    return Number(this.#statements.row('count', { name, ...period })?.['count'])
  }

  topEvents(period: Period, limit: number): readonly EventCount[] {
    const rows = this.#statements.rows('topEvents', { ...period, limit })
    return rows.map(({ name, count, sessions }) => ({
      name: String(name),
      count: Number(count),
      sessions: Number(sessions),
    }))
  }

  funnel(steps: readonly string[], period: Period, withinMs?: number): readonly number[] {
    const ids = steps.map((name) => this.#statements.row('findName', { name })?.['id'])
    const names = JSON.stringify(ids.filter((id) => id !== undefined))
    const events = this.#statements.each('eventsOf', { names, ...period })
    return countReached(events, ids, withinMs ?? period.toMs - period.fromMs)
  }
}

type Column = SQLOutputValue | undefined

/**
 * One pass over the events of the steps, by stay and time. It takes a third of the time, or less
 * the more steps there are, of a query with a window for each step.
 */
function countReached(
  events: Iterable<readonly SQLOutputValue[]>,
  steps: readonly Column[],
  withinMs: number,
): readonly number[] {
  const counts = steps.map(() => 0)
  let stay: Column
  // For each step the latest first step from which it was done: later ones leave more room.
  let starts: number[] = []
  for (const [of, at, name] of events) {
    if (of !== stay) starts = []
    stay = of
    // From the last step down, so that one event is never two steps.
    for (let step = steps.length - 1; step >= 0; step--) {
      if (steps[step] !== name) continue
      const start = step === 0 ? Number(at) : starts[step - 1]
      if (start === undefined || Number(at) - start > withinMs) continue
      if (starts[step] === undefined) counts[step] = (counts[step] ?? 0) + 1
      starts[step] = start
    }
  }
  return counts
}
