import type { Clock, SojournError } from '../../base/core/index.ts'

/** How long somebody waits. */
export interface Patience {
  readonly clock: Clock
  readonly ms: number
  /** What it is to be late. */
  readonly late: () => Error
  /** Ends the waiting before its time, with its reason. */
  readonly signal?: AbortSignal
}

/** The outcome of `work`, unless patience ends first; the work isn't stopped. */
export function within<Result>(
  { clock, ms, late, signal }: Patience,
  work: Promise<Result>,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(signal?.reason as SojournError)
    if (signal?.aborted) leave()
    signal?.addEventListener('abort', leave, { once: true })
    const cancel = clock.after(ms, () => reject(late()))
    work.then(resolve, reject).finally(() => {
      cancel()
      signal?.removeEventListener('abort', leave)
    })
  })
}
