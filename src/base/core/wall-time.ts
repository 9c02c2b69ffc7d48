import type { Clock } from './clock.ts'

/**
 * A timer of the machine holds 24 days at most, stands still while the machine sleeps and knows
 * nothing of a clock that is set: the wall clock is looked at again after so long at the latest.
 */
const lookAgainAfterMs = 10_000

/**
 * Calls `run` once when the wall clock shows `atMs`, at once when it is past; never early, and at
 * most ten seconds late after the clock jumped. The returned function cancels it.
 */
export function atWallTime(clock: Clock, atMs: number, run: () => void): () => void {
  let cancel = (): void => {}
  const wait = (): void => {
    const leftMs = Math.max(atMs - clock.nowMs(), 0)
    cancel = clock.after(Math.min(leftMs, lookAgainAfterMs), look)
  }
  const look = (): void => {
    if (clock.nowMs() >= atMs) run()
    else wait()
  }
  wait()
  return () => cancel()
}
