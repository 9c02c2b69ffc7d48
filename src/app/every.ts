import type { Awaitable, Clock } from '../base/core/index.ts'

/**
 * Runs something again and again, each time a pause after the last one has ended; the returned
 * function ends that. A fault is reported and ends nothing.
 */
export function every(
  clock: Clock,
  ms: number,
  run: () => Awaitable<unknown>,
  onError: (error: unknown) => void,
): () => void {
  let isOn = true
  let cancel = (): void => {}
  const again = (): void => {
    if (isOn) cancel = clock.after(ms, once)
  }
  const once = async (): Promise<void> => {
    try {
      await run()
    } catch (error) {
      onError(error)
    }
    again()
  }
  again()
  return () => {
    isOn = false
    cancel()
  }
}
