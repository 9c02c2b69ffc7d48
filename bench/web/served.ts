/** A contestant in a process of its own. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { freePort } from '../free-port.ts'

export interface Served {
  readonly port: number
  /** What its process has used so far, user and system, in µs. */
  cpuUs(): Promise<number>
  stop(): Promise<void>
}

export async function serve(name: string, redis: string): Promise<Served> {
  const port = await freePort()
  const child = fork(new URL('main.ts', import.meta.url), [name, String(port), redis], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`${name} ended with ${code}`)
  })
  await Promise.race([once(child, 'message'), failed])
  failed.catch(() => {})
  return {
    port,
    async cpuUs() {
      const answered = once(child, 'message')
      child.send('cpu')
      const [used] = await Promise.race([answered, failed])
      return used as number
    },
    async stop() {
      const gone = once(child, 'exit')
      child.send('stop')
      await gone
    },
  }
}

/** The cookies that an answer sets, upon those there were, as a `Cookie` header. */
export function cookiesAfter(response: Response, before = ''): string {
  const jar = new Map(before.split('; ').map((pair) => [pair.split('=')[0], pair]))
  for (const line of response.headers.getSetCookie()) {
    const [pair = ''] = line.split(';')
    jar.set(pair.split('=')[0], pair)
  }
  return [...jar.values()].filter(Boolean).join('; ')
}
