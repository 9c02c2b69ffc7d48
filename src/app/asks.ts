/** Questions to another process, each with a number, a time limit and one answer. */
import { type Clock, limits, SojournError } from '../base/core/index.ts'

interface Open<Answer> {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: SojournError) => void
}

export class Asks<Answer> {
  readonly #clock: Clock
  readonly #open = new Map<number, Open<Answer>>()
  #last = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Puts a question; `send` gets its number.
   *
   * @throws SojournError `HOST_STOPPED` without an answer in time, `ACTIONS_TOO_MANY`
   */
  async put(send: (ask: number) => void): Promise<Answer> {
    if (this.#open.size >= limits.hostAsksMax) throw new SojournError('ACTIONS_TOO_MANY')
    this.#last += 1
    const ask = this.#last
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    this.#open.set(ask, { resolve, reject })
    const cancel = this.#clock.after(limits.hostAnswerMs, () =>
      reject(new SojournError('HOST_STOPPED', 'The host does not answer.')),
    )
    send(ask)
    return promise.finally(() => {
      cancel()
      this.#open.delete(ask)
    })
  }

  /** Takes an answer; one that comes too late is nobody's. */
  answer(ask: number, answer: Answer): void {
    this.#open.get(ask)?.resolve(answer)
  }

  /** Nobody is there to answer any more. */
  fail(): void {
    for (const { reject } of this.#open.values()) reject(new SojournError('HOST_STOPPED'))
  }
}
