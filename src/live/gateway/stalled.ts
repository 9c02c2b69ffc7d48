import type { Writable } from 'node:stream'
import { type Clock, limits } from '../../base/core/index.ts'

/**
 * Cuts off whoever takes nothing of what waits for them, so that nothing is kept for them for ever.
 * The returned function ends the watch.
 */
export function watchForStall(clock: Clock, to: Writable, cut: () => void): () => void {
  let drains = 0
  /** How often it had drained when it was last seen full. */
  let drainsWhenFull = -1
  let cancel = (): void => {}
  const drained = (): void => {
    drains += 1
  }
  const look = (): void => {
    if (to.writableNeedDrain && drains === drainsWhenFull) {
      cut()
      return
    }
    drainsWhenFull = to.writableNeedDrain ? drains : -1
    cancel = clock.after(limits.stalledMs, look)
  }
  to.on('drain', drained)
  look()
  return () => {
    to.off('drain', drained)
    cancel()
  }
}
