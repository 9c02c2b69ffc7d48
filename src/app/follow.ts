import { type Clock, type ErrorCode, type Log, SojournError } from '../base/core/index.ts'
import type { Sessions } from '../web/index.ts'
import { every } from './every.ts'

/** So often for sessions that other processes ended: their connections close within a second. */
const followEveryMs = 250

/** What it means when the ends of sessions can't be looked for. */
export const stallMs = {
  /** From here on nobody is let in: whoever was logged out elsewhere might be among them. */
  refuse: 1_000,
  /** From here on nobody stays. */
  close: 5_000,
} as const

/** What a stall does to live connections. */
export interface Door {
  /** Refuses everybody with this error; `undefined` lets them in again. */
  refuseAll(error: SojournError | undefined): void
  /** Closes the connections of all sessions. */
  closeAll(code: ErrorCode): void
}

export interface Following {
  readonly sessions: Pick<Sessions, 'followEnds'>
  readonly door: Door
  readonly clock: Clock
  readonly log: Log
}

/**
 * Looks for sessions that other processes ended, so that their connections here close, and shuts
 * the door when that fails for too long. The returned function ends it.
 */
export function followEnds({ sessions, door, clock, log }: Following): () => void {
  let seenMs = clock.monotonicMs()
  let isStalled = false
  const follow = async (): Promise<void> => {
    const startedMs = clock.monotonicMs()
    await sessions.followEnds()
    seenMs = startedMs
  }
  const judge = (): void => {
    const stalledMs = clock.monotonicMs() - seenMs
    if (stalledMs >= stallMs.close) door.closeAll('STORE_UNAVAILABLE')
    if (stalledMs >= stallMs.refuse === isStalled) return
    isStalled = !isStalled
    door.refuseAll(isStalled ? new SojournError('STORE_UNAVAILABLE') : undefined)
    if (isStalled) log.error({ stalledMs }, 'the ends of sessions are unknown: nobody is let in')
  }
  const stops = [
    every(clock, followEveryMs, follow, (error) =>
      log.error({ err: error }, 'sessions that ended elsewhere could not be looked for'),
    ),
    // A look that hangs must not keep it from being noticed.
    every(clock, followEveryMs, judge, (error) => log.error({ err: error }, 'a door stays open')),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}
