/** Time, handed in so that tests can turn it by hand. */
export interface Clock {
  /** Wall time in epoch milliseconds, for the expiry of stored records. */
  nowMs(): number
  /** Milliseconds that never run backwards, for time-outs and intervals. */
  monotonicMs(): number
  /** Calls `run` once after `ms`; the returned function cancels it. Keeps no process alive. */
  after(ms: number, run: () => void): () => void
}

declare const performance: { now(): number }
declare const setTimeout: (run: () => void, ms: number) => unknown
declare const clearTimeout: (timer: never) => void

/** The clock of the machine. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms) as { unref?: () => void }
    timer.unref?.()
    return () => clearTimeout(timer as never)
  },
}
