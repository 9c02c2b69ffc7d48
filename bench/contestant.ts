/** Starts a contestant in a process of its own; it answers with its port. */
import { fork } from 'node:child_process'
import { once } from 'node:events'

export interface Contestant {
  readonly port: number
  stop(): Promise<void>
}

export async function startContestant(file: string, ...args: string[]): Promise<Contestant> {
  const child = fork(new URL(`contestants/${file}`, import.meta.url), args, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const [port] = (await once(child, 'message')) as [number]
  return {
    port,
    async stop() {
      const gone = once(child, 'exit')
      child.send('stop')
      await gone
    },
  }
}
