/** The work that keeps an instance from being idle. */
import { type Log, limits } from '../../base/core/index.ts'

export interface AwakeOptions {
  readonly log: Log
  /** Called when the first work begins, and when the last has ended. */
  readonly onChange: (isAwake: boolean) => void
}

export class Awake {
  readonly #options: AwakeOptions
  #reasons = 0
  #promises = 0

  constructor(options: AwakeOptions) {
    this.#options = options
  }

  /** There is a reason more to be awake, until `end` is called. */
  begin(): void {
    this.#reasons += 1
    if (this.#reasons === 1) this.#options.onChange(true)
  }

  end(): void {
    this.#reasons -= 1
    if (this.#reasons === 0) this.#options.onChange(false)
  }

  readonly keep = (promise: Promise<unknown>): void => {
    if (this.#promises >= limits.keepAwakeMax)
      throw new RangeError(`ctx.keepAwake(): ${limits.keepAwakeMax} promises at most`)
    this.#promises += 1
    this.begin()
    Promise.resolve(promise)
      .catch((error) => {
        this.#options.log.error({ err: error }, 'work that kept the instance awake failed')
      })
      .then(() => {
        this.#promises -= 1
        this.end()
      })
  }
}
