import type { Clock } from '../../base/core/index.ts'

/**
 * A clock for judging others. After this process was held up itself (SIGSTOP, a suspended machine)
 * all its timers are due at once, while the answers that they wait for lie unread in its pipes: what
 * is due runs only after those have been read.
 */
export function patient(clock: Clock, onceRead: (run: () => void) => void): Clock {
  return {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    after(ms, run) {
      let isCancelled = false
      const cancel = clock.after(ms, () => onceRead(() => isCancelled || run()))
      return () => {
        isCancelled = true
        cancel()
      }
    },
  }
}
