/** What runs in the thread of `FiguresThread`. */
import { parentPort, workerData } from 'node:worker_threads'
import { openFigures, type Questions } from './event-figures.ts'
import { openReader } from './open.ts'

/** One question; they come one at a time. */
export interface Question {
  readonly name: keyof Questions
  readonly values: readonly unknown[]
}

/** What became of it: what was found, or why nothing was. */
export type Answer =
  | { readonly found: unknown }
  | { readonly fault?: unknown; readonly detail?: string }

const ask = openFigures(openReader(String(workerData))) as (
  name: keyof Questions,
  ...values: readonly unknown[]
) => unknown

parentPort?.on('message', ({ name, values }: Question) => {
  parentPort?.postMessage(answerTo(name, values))
})

function answerTo(name: keyof Questions, values: readonly unknown[]): Answer {
  try {
    return { found: ask(name, ...values) }
  } catch (fault) {
    return { fault }
  }
}
