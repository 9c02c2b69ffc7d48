/** `sojourn/stores/postgres`: sessions and events in PostgreSQL, by the package `postgres`. */
import { type Clock, systemClock } from '../../base/core/index.ts'
import type { EventStore } from '../../web/analytics/index.ts'
import type { SessionStore } from '../../web/session/index.ts'
import { Connection, type PostgresSql } from './connection.ts'
import { PostgresEvents } from './events.ts'
import { PostgresSessions } from './sessions.ts'

export type { PostgresSql } from './connection.ts'

/** Where the tables are, and who decides the time. */
export interface PostgresOptions {
  /** `postgres://user:password@host/database`. Needs the package `postgres`. */
  readonly url?: string
  /**
   * An instance of the package `postgres` (3.4 or later) instead; it stays the caller's. Behind
   * PgBouncer this is the way, with `prepare: false`. Its transactions must be READ COMMITTED,
   * PostgreSQL's default. Set its `connection.statement_timeout` yourself.
   */
  readonly sql?: PostgresSql
  /** The store's own schema, made at the first use. Default `sojourn`. */
  readonly schema?: string
  /** Decides which sessions have expired. Default: the machine's. */
  readonly clock?: Clock
  /**
   * The server gives a statement up after so long, and a call settles a second later at most;
   * figures of events may wait as long for their turn before. Default 5,000.
   */
  readonly timeoutMs?: number
}

/** Connects when it is first used. */
export interface Postgres {
  sessions(): SessionStore
  /** What sessions did. Figures are worked out in the database, one at a time. */
  events(): EventStore
  /** Ends the connections that it opened itself; every later call is `STORE_UNAVAILABLE`. */
  close(): Promise<void>
}

/**
 * Sessions and events in PostgreSQL, for any number of processes.
 *
 * @throws TypeError when not exactly one of `url` and `sql` is given; RangeError for a schema that
 * is no plain lower-case name, or a time-out that is no positive number. Without the package
 * `postgres` the first call rejects with a TypeError.
 */
export function openPostgres(options: PostgresOptions): Postgres {
  const { url, sql, schema = 'sojourn', clock = systemClock, timeoutMs = 5_000 } = options
  const server = url ?? sql
  if (server === undefined || (url !== undefined && sql !== undefined))
    throw new TypeError('openPostgres() takes either `url` or `sql`')
  // The address isn't shown: it holds a password.
  if (typeof server === 'string' && !/^postgres(ql)?:\/\//.test(server))
    throw new TypeError('`url` must start with postgres:// or postgresql://')
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema))
    throw new RangeError(`\`schema\` must be a lower-case name of at most 63 characters: ${schema}`)
  if (!(timeoutMs > 0 && timeoutMs < 2 ** 31))
    throw new RangeError(`\`timeoutMs\` must be a positive number: ${timeoutMs}`)
  const connection = new Connection({ server, schema, timeoutMs })
  const sessions = new PostgresSessions(connection, schema, clock)
  const events = new PostgresEvents({ connection, schema, clock: systemClock, waitMs: timeoutMs })
  return {
    sessions: () => sessions,
    events: () => events,
    close: () => connection.close(),
  }
}
