/** Session backends beside what does the same, and beside a bare WebSocket. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Bench, Figure } from '../figures.ts'
import { parts } from '../live/parts/index.ts'

async function figuresOf(part: string): Promise<readonly Figure[]> {
  const child = fork(new URL('../live/part-main.ts', import.meta.url), [part], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: ['--disable-warning=ExperimentalWarning'],
    // NaN, for who did not run, is lost in JSON.
    serialization: 'advanced',
  })
  const figures = once(child, 'message').then(([message]) => message as readonly Figure[])
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`${part} ended with ${code}`)
  })
  return await Promise.race([figures, failed])
}

/** Each by itself as `live:trip` and so on, all of them as `live`. */
export const live: readonly Bench[] = parts.map((part) => ({
  ...part,
  run: () => figuresOf(part.name),
}))
