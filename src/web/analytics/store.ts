import type { Awaitable } from '../../base/core/index.ts'
import type { SessionEvent } from '../session/index.ts'

/** A span of time: from its first millisecond up to, not including, its last. Epoch milliseconds. */
export interface Period {
  readonly fromMs: number
  readonly toMs: number
}

/** Events on their way into the store. */
export interface EventBatch {
  /** Who sends it: a name of its own for every run of a program. */
  readonly writer: string
  /** Only grows, within a writer. */
  readonly seq: number
  /** In the order in which they are stored. */
  readonly events: readonly SessionEvent[]
}

/** An event as the store holds it; without `from` once the stay of that session is forgotten. */
export interface StoredEvent extends SessionEvent {
  /** Only grows; the order in which the events were stored. */
  readonly position: number
}

/** How often an event took place. */
export interface EventCount {
  readonly name: string
  readonly count: number
  /** How many stays had it. */
  readonly sessions: number
}

/** How many stays began in one hour or day. */
export interface Bucket {
  /** Its start, epoch milliseconds, a whole hour or day in UTC. */
  readonly fromMs: number
  readonly count: number
}

/**
 * How long stays were. A percentile is one of the lengths: the smallest that is not exceeded by so
 * many of a hundred. `undefined` when no stay ended.
 */
export interface Lengths {
  readonly count: number
  readonly p50Ms: number | undefined
  readonly p90Ms: number | undefined
}

/**
 * Where events live. What is counted are *stays*: a session, and those that a `login` with its id
 * as `from` continues, are one. The event with which a session is first seen decides on its stay: a
 * new one, unless it has the stay of the session that it continues.
 *
 * A stay starts at its earliest `started` and ends at its earliest `logout`, `expired` or
 * `revoked`. Within a stay events are in the order of their times, then of their positions.
 *
 * Every method is atomic. Methods throw (or reject) only when the store itself is broken, with
 * `STORE_UNAVAILABLE`; then the outcome of a write is unknown. Each call settles within the driver's
 * own time-out. A driver that answers at once may return plain values.
 */
export interface EventStore {
  /**
   * Stores a batch, all or nothing. One that is as old as, or older than, the last one of its
   * writer is stored already: nothing happens.
   */
  append(batch: EventBatch): Awaitable<void>
  /** Stays that have not ended and have an event at or after `sinceMs`. */
  countActive(sinceMs: number): Awaitable<number>
  /** Stays that started in the period, by whole hours in UTC, oldest first; empty ones left out. */
  startsPerHour(period: Period): Awaitable<readonly Bucket[]>
  /** Of the stays with a start that ended in the period; at least 0 each. */
  lengths(period: Period): Awaitable<Lengths>
  /** How often an event took place in the period. */
  count(name: string, period: Period): Awaitable<number>
  /** The most frequent events of the period, those of the same count by name (code points). */
  topEvents(period: Period, limit: number): Awaitable<readonly EventCount[]>
  /**
   * For each step, how many stays did it after all steps before it, each later than the one before
   * and the last at most `withinMs` after the first (default: no limit), all in the period. The
   * same step twice needs two events.
   */
  funnel(steps: readonly string[], period: Period, withinMs?: number): Awaitable<readonly number[]>
  /** At most `limit` events after a position (0: from the start), oldest first. */
  list(after: number, limit: number): Awaitable<readonly StoredEvent[]>
  /**
   * Forgets at most `limit` events from before a time, the oldest first, and, once no such event is
   * left, at most `limit` stays without any event since. Returns how many events.
   */
  sweep(beforeMs: number, limit: number): Awaitable<number>
}
