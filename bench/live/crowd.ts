/** Many clients of one contestant, in a process of their own. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Kind } from './clients/client.ts'
import type { Runner } from './field.ts'
import { within } from './within.ts'

/** So many clients more, on keys that each get the same number of them. */
export interface Join {
  readonly type: 'join'
  readonly kind: Kind
  readonly keys: number
  readonly perKey: number
}

/** Answered with the bytes that a client received in a second. */
export interface Listen {
  readonly type: 'listen'
  readonly forMs: number
  readonly everyMs: number
}

/** Answered with the actions that were answered in a second. */
export interface Add {
  readonly type: 'add'
  readonly forMs: number
  readonly openMax: number
}

/** Answered with how long each of so many actions took, in µs; the first client makes them. */
export interface Trips {
  readonly type: 'trips'
  readonly count: number
}

export type Order = Join | Listen | Add | Trips | { readonly type: 'leave' }
export type Answer = { readonly values: readonly number[] } | { readonly error: string }

/** Starting a process for each of a hundred keys takes its time. */
const answerMs = 60_000

/** Gives an order and waits for its answer. */
export type Crowd = (order: Order) => Promise<readonly number[]>

export function openCrowd(runner: Runner): Crowd {
  const child = fork(
    new URL('crowd-main.ts', import.meta.url),
    [runner.name, String(runner.served.port)],
    {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: ['--disable-warning=ExperimentalWarning'],
    },
  )
  runner.onStop(() => child.kill('SIGKILL'))
  const died = once(child, 'exit').then(([code]) => [{ error: `its clients ended with ${code}` }])
  return async (order) => {
    const answered = once(child, 'message')
    child.send(order)
    const [answer] = (await within(answerMs, Promise.race([answered, died]))) as [Answer]
    if ('error' in answer) throw new Error(answer.error)
    return answer.values
  }
}
