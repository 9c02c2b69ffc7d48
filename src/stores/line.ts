import { type Awaitable, type Clock, SojournError } from '../base/core/index.ts'

/** Questions that may wait; more are refused with `STORE_UNAVAILABLE`. */
const waitingMax = 64

/**
 * Questions that a database may take long for, one at a time: they leave the rest of it to those
 * who can't wait, however many ask.
 */
export class Line {
  readonly #clock: Clock
  readonly #waitMs: number
  readonly #waiting: (() => void)[] = []
  #isBusy = false

  /** @param waitMs how long a question waits for its turn */
  constructor(clock: Clock, waitMs: number) {
    this.#clock = clock
    this.#waitMs = waitMs
  }

  /** @throws SojournError `STORE_UNAVAILABLE` when too many wait, or for too long */
  async run<Result>(work: () => Awaitable<Result>): Promise<Result> {
    if (this.#isBusy) await this.#turn()
    this.#isBusy = true
    try {
      return await work()
    } finally {
      // Handed over: whoever comes in between finds it busy still.
      const enter = this.#waiting.shift()
      if (enter) enter()
      else this.#isBusy = false
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= waitingMax)
      throw new SojournError('STORE_UNAVAILABLE', `${waitingMax} questions wait for their turn.`)
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        cancel()
        resolve()
      }
      const cancel = this.#clock.after(this.#waitMs, () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1)
        const detail = `A question has waited ${this.#waitMs} ms for its turn.`
        reject(new SojournError('STORE_UNAVAILABLE', detail))
      })
      this.#waiting.push(enter)
    })
  }
}
