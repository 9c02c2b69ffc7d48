/** `sojourn/stores/memory`: sessions that end with the process. */
import { type Clock, systemClock } from '../../base/core/index.ts'
import type { SessionStore } from '../../web/session/index.ts'
import { MemorySessions } from './sessions.ts'

export interface MemoryOptions {
  /**
   * How many sessions there may be, those included that are past their times and not swept yet;
   * making another throws `STORE_UNAVAILABLE`. Bounds the codes in the same way. Tombstones and
   * entries of the feed of ends have the same bound, but there the oldest make room. Default
   * 100,000.
   */
  readonly sessionsMax?: number
  /** Decides which sessions have expired. Default: the machine's. */
  readonly clock?: Clock
}

/** For tests, and for servers of one process that may forget everybody when they restart. */
export interface Memory {
  /** The one store; it answers at once. */
  sessions(): SessionStore
  /** Every later call throws `STORE_UNAVAILABLE`. */
  close(): void
}

/** @throws RangeError when `sessionsMax` is no whole number above 0 */
export function openMemory(options: MemoryOptions = {}): Memory {
  const { sessionsMax = 100_000, clock = systemClock } = options
  if (!Number.isSafeInteger(sessionsMax) || sessionsMax < 1)
    throw new RangeError(`sessionsMax must be a whole number above 0, not ${sessionsMax}`)
  const sessions = new MemorySessions(clock, sessionsMax)
  return { sessions: () => sessions, close: () => sessions.close() }
}
