/**
 * Ends processes that do not answer any more. It judges from outside, so an endless loop can't
 * hide; and it judges nobody right after it has been held up itself (a suspended machine, SIGSTOP):
 * the answers may be waiting in its own pipes.
 */
import { type Clock, limits } from '../../base/core/index.ts'
import type { InstanceProcess } from './process.ts'

/** @returns stops watching */
export function watchProcesses(clock: Clock, watched: () => Iterable<InstanceProcess>): () => void {
  let cancel = (): void => {}
  let dueMs = 0

  function schedule(): void {
    dueMs = clock.monotonicMs() + limits.beatEveryMs
    cancel = clock.after(limits.beatEveryMs, look)
  }

  function look(): void {
    const nowMs = clock.monotonicMs()
    const wasHeldUp = nowMs - dueMs > limits.beatEveryMs
    for (const process of watched()) {
      if (wasHeldUp) process.forgive()
      process.beat(nowMs)
    }
    schedule()
  }

  schedule()
  return () => cancel()
}
