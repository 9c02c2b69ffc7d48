/**
 * The one turn of an instance. Handlers queue for it, so they never interleave; a handler that
 * takes longer than `turnMs` loses it, and whatever it writes later is refused by the guard.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { type Clock, limits, SojournError } from '../../base/core/index.ts'

interface Turn {
  over: boolean
}

export interface Turns {
  /** Waits for the turn, runs `work` in it and passes it on. Rejects as `work` does. */
  hold<Result>(work: () => Promise<Result>): Promise<Result>
  /** Runs a handler inside the held turn; `TURN_TIMEOUT` when it takes too long. */
  run<Result>(handler: () => Result | Promise<Result>): Promise<Result>
  /** Throws `TURN_OVER` unless the code that calls belongs to a handler that is running. */
  guard(): void
}

export function createTurns(clock: Clock, turnMs: number = limits.turnMs): Turns {
  const context = new AsyncLocalStorage<Turn>()
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0

  function hold<Result>(work: () => Promise<Result>): Promise<Result> {
    if (waiting >= limits.turnsWaitingMax) {
      return Promise.reject(new SojournError('ACTIONS_TOO_MANY', `${waiting} turns are waiting.`))
    }
    waiting += 1
    const held = last.then(work).finally(() => {
      waiting -= 1
    })
    last = held.catch(() => {})
    return held
  }

  async function run<Result>(handler: () => Result | Promise<Result>): Promise<Result> {
    const turn: Turn = { over: false }
    try {
      const result = context.run(turn, handler)
      return isThenable(result) ? await within(turnMs, Promise.resolve(result)) : result
    } finally {
      turn.over = true
    }
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

  return { hold, run, guard }
}

/** Also what is no Promise but can be awaited, such as the queries of many a database client. */
function isThenable<Result>(result: Result | PromiseLike<Result>): result is PromiseLike<Result> {
  return typeof (result as Partial<PromiseLike<Result>> | null)?.then === 'function'
}
