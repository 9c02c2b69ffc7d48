import type { Clock } from '../base/core/index.ts'

/** A clock that stands still until it is told to go on. */
export interface VirtualClock extends Clock {
  /** Moves both times on by `ms` and calls what is due on the way, in order. */
  advance(ms: number): void
}

/** @param startMs the wall time at the start, epoch milliseconds; default 1 January 2030 */
export function virtualClock(startMs: number = Date.UTC(2030, 0)): VirtualClock {
  let elapsedMs = 0
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>()
  return {
    nowMs: () => startMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    after(ms, run) {
      const timer = { atMs: elapsedMs + ms, run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance(ms) {
      const untilMs = elapsedMs + ms
      for (;;) {
        const [next] = [...timers].sort((one, other) => one.atMs - other.atMs)
        if (!next || next.atMs > untilMs) break
        timers.delete(next)
        elapsedMs = Math.max(elapsedMs, next.atMs)
        next.run()
      }
      elapsedMs = untilMs
    },
  }
}
