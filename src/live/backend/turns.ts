/**
 * The one turn of an instance. Handlers queue for it, so they never interleave; a handler that
 * takes longer than `turnMs` loses it, and whatever it writes later is refused by the guard.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Awaitable,
  type Clock,
  isThenable,
  limits,
  SojournError,
} from '../../base/core/index.ts'
import type { Effects } from './effects.ts'

interface Turn {
  readonly effects: Effects | undefined
  over: boolean
}

export interface TurnsOptions {
  readonly clock: Clock
  /** Whether another turn may begin now; see `next`. Default: always. */
  readonly isOpen?: () => boolean
}

export class Turns {
  readonly #clock: Clock
  readonly #isOpen: () => boolean
  readonly #context = new AsyncLocalStorage<Turn>()
  readonly #waiting: (() => Awaitable<void>)[] = []
  #isHeld = false

  constructor({ clock, isOpen = () => true }: TurnsOptions) {
    this.#clock = clock
    this.#isOpen = isOpen
  }

  /**
   * Queues `work` for the turn; it begins at once when nobody holds it. It must not fail.
   *
   * @throws SojournError `ACTIONS_TOO_MANY` when too many wait
   */
  take(work: () => Awaitable<void>): void {
    if (this.#waiting.length >= limits.turnsWaitingMax)
      throw new SojournError('ACTIONS_TOO_MANY', `${this.#waiting.length} turns are waiting.`)
    this.#waiting.push(work)
    this.next()
  }

  /** The same, for work whose end is waited for. Rejects as `work` does. */
  hold<Result>(work: () => Awaitable<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.take(async () => {
        try {
          resolve(await work())
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  /** Begins what waits, if it may; to be called when `isOpen` says so again. */
  next(): void {
    while (!this.#isHeld && this.#isOpen()) {
      const work = this.#waiting.shift()
      if (!work) return
      this.#isHeld = true
      const done = work()
      if (isThenable(done)) {
        Promise.resolve(done).finally(() => this.#passOn())
        return
      }
      this.#isHeld = false
    }
  }

  /** Runs a handler inside the turn that is held; `TURN_TIMEOUT` when it takes too long. */
  run<Result>(handler: () => Awaitable<Result>, effects?: Effects): Awaitable<Result> {
    const turn: Turn = { effects, over: false }
    let result: Awaitable<Result> | undefined
    try {
      result = this.#context.run(turn, handler)
    } finally {
      if (!isThenable(result)) turn.over = true
    }
    if (!isThenable(result)) return result as Result
    return this.#inTime(Promise.resolve(result)).finally(() => {
      turn.over = true
    })
  }

  /** What the turn does that the code that calls belongs to, if it is running. */
  effects(): Effects | undefined {
    const turn = this.#context.getStore()
    return turn?.over === false ? turn.effects : undefined
  }

  /** Whether the code that calls began in a turn of this instance, be it over or not. */
  get isCurrent(): boolean {
    return this.#context.getStore() !== undefined
  }

  /** Throws `TURN_OVER` unless the code that calls belongs to a handler that is running. */
  readonly guard = (): void => {
    const turn = this.#context.getStore()
    if (!turn || turn.over) throw new SojournError('TURN_OVER')
  }

  #passOn(): void {
    this.#isHeld = false
    this.next()
  }

  #inTime<Result>(result: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const late = (): void => reject(new SojournError('TURN_TIMEOUT'))
      const cancel = this.#clock.after(limits.turnMs, late)
      result.then(resolve, reject).finally(cancel)
    })
  }
}
