/** The work that keeps an instance from being idle. */
import { type Log, limits } from '../../base/core/index.ts'

export interface AwakeOptions {
  readonly log: Log
  /** Called when the first work begins, and when the last has ended. */
  readonly onChange: (isAwake: boolean) => void
}

export class Awake {
  readonly #options: AwakeOptions
  #open = 0

  constructor(options: AwakeOptions) {
    this.#options = options
  }

  readonly keep = (promise: Promise<unknown>): void => {
    if (this.#open >= limits.keepAwakeMax)
      throw new RangeError(`ctx.keepAwake(): ${limits.keepAwakeMax} promises at most`)
    this.#open += 1
    if (this.#open === 1) this.#options.onChange(true)
    Promise.resolve(promise)
      .catch((error) => {
        this.#options.log.error({ err: error }, 'work that kept the instance awake failed')
      })
      .then(() => {
        this.#open -= 1
        if (this.#open === 0) this.#options.onChange(false)
      })
  }
}
