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

interface Turn {
  over: boolean
}

export interface TurnsOptions {
  readonly clock: Clock
  /** Whether another turn may begin now; see `next`. Default: always. */
  readonly isOpen?: () => boolean
  readonly turnMs?: number
}

export interface Turns {
  /**
   * Queues `work` for the turn; it begins at once when nobody holds it. It must not fail.
   *
   * @throws SojournError `ACTIONS_TOO_MANY` when too many wait
   */
  take(work: () => Awaitable<void>): void
  /** The same, for work whose end is waited for. Rejects as `work` does. */
  hold<Result>(work: () => Awaitable<Result>): Promise<Result>
  /** Runs a handler inside the turn that is held; `TURN_TIMEOUT` when it takes too long. */
  run<Result>(handler: () => Awaitable<Result>): Awaitable<Result>
  /** Throws `TURN_OVER` unless the code that calls belongs to a handler that is running. */
  guard(): void
  /** Begins what waits, if it may; to be called when `isOpen` says so again. */
  next(): void
}

export function createTurns(options: TurnsOptions): Turns {
  const { clock, isOpen = () => true, turnMs = limits.turnMs } = options
  const context = new AsyncLocalStorage<Turn>()
  const waiting: (() => Awaitable<void>)[] = []
  let isHeld = false

  function take(work: () => Awaitable<void>): void {
    if (waiting.length >= limits.turnsWaitingMax)
      throw new SojournError('ACTIONS_TOO_MANY', `${waiting.length} turns are waiting.`)
    waiting.push(work)
    next()
  }

  function next(): void {
    while (!isHeld && isOpen()) {
      const work = waiting.shift()
      if (!work) return
      isHeld = true
      const done = work()
      if (isThenable(done)) {
        Promise.resolve(done).finally(passOn)
        return
      }
      isHeld = false
    }
  }

  function passOn(): void {
    isHeld = false
    next()
  }

  function hold<Result>(work: () => Awaitable<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      take(async () => {
        try {
          resolve(await work())
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  function run<Result>(handler: () => Awaitable<Result>): Awaitable<Result> {
    const turn: Turn = { over: false }
    let result: Awaitable<Result> | undefined
    try {
      result = context.run(turn, handler)
    } finally {
      if (!isThenable(result)) turn.over = true
    }
    if (!isThenable(result)) return result as Result
    return within(turnMs, Promise.resolve(result)).finally(() => {
      turn.over = true
    })
  }

  function within<Result>(ms: number, result: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const cancel = clock.after(ms, () => reject(new SojournError('TURN_TIMEOUT')))
      result.then(resolve, reject).finally(cancel)
    })
  }

  function guard(): void {
    const turn = context.getStore()
    if (!turn || turn.over) throw new SojournError('TURN_OVER')
  }

  return { take, hold, run, guard, next }
}
