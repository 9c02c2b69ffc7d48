/** A contestant's server in a process of its own. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { freePort } from '../free-port.ts'
import type { Name } from './contestants.ts'
import { cpuSeconds, family, isRunning, pssBytes } from './processes.ts'
import { within } from './within.ts'

const startMs = 30_000
const stopMs = 15_000

export interface Served {
  readonly port: number
  /** All processes that serve: the one we started, and what it started. */
  pids(): readonly number[]
  /** What they have used so far. */
  cpuSeconds(): number
  /** What they hold. */
  pssBytes(): number
  stop(): Promise<void>
}

export async function serve(name: Name): Promise<Served> {
  const port = await freePort()
  const child = fork(new URL('main.ts', import.meta.url), [name, String(port)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: ['--disable-warning=ExperimentalWarning'],
    // RivetKit complains when it has no version.
    env: { ...process.env, NODE_ENV: 'production', RIVET_RUNNER_VERSION: '1' },
  })
  const pids = (): readonly number[] => (child.pid ? family(child.pid) : [])
  const gone = once(child, 'exit')
  const stop = async (): Promise<void> => {
    const left = pids()
    if (child.connected) child.send('stop')
    await within(stopMs, gone).catch(() => {})
    // Whoever of them is still there would stay: by their ids, which nobody else has got since.
    for (const pid of left) if (isRunning(pid)) process.kill(pid, 'SIGKILL')
  }
  try {
    const died = gone.then(([code]) => [`it ended with ${code}`])
    const [said] = await within(startMs, Promise.race([once(child, 'message'), died]))
    if (said !== 'ready') throw new Error(String(said))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    port,
    pids,
    cpuSeconds: () => cpuSeconds(pids()),
    pssBytes: () => pssBytes(pids()),
    stop,
  }
}
