/** The end of a server: within its limits, with nothing lost and nothing left. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type Sojourn, sojourn } from '../../src/app/index.ts'
import { silentLog } from '../../src/base/core/index.ts'
import { connect } from '../../src/client/index.ts'
import { freePort, instancesOf, isAlive, scratchFolder, until } from '../e2e/scratch.ts'
import type log from './backends/log.ts'
import type { LogLive } from './world.ts'

const keys = Array.from({ length: 30 }, (_, n) => `k${n}`)
let data: ReturnType<typeof scratchFolder>
let port: number
let app: Sojourn<Record<string, unknown>>
let server: Server
const lives: LogLive[] = []

beforeEach(async () => {
  data = scratchFolder()
  port = await freePort()
  await open()
})
afterEach(async () => {
  for (const live of lives.splice(0)) live.close()
  await close()
  data.remove()
})

async function open(): Promise<void> {
  app = await sojourn({
    data: data.path,
    development: { port },
    log: silentLog,
    backends: {
      log: {
        module: new URL('./backends/log.ts', import.meta.url),
        authorize: () => ({}),
        warm: 0,
      },
    },
  })
  server = createServer()
  app.attach(server)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
}

async function close(): Promise<void> {
  await app.close()
  server.close().closeAllConnections()
}

function enter(key: string): LogLive {
  const live = connect<typeof log>(`ws://localhost:${port}/live/log/${key}`)
  lives.push(live)
  return live
}

/** Opens a bare socket; resolves with the code that it is closed with. */
async function closeCodeOf(key: string): Promise<number> {
  const socket = new WebSocket(`ws://localhost:${port}/live/log/${key}`)
  const [code] = (await once(socket, 'close')) as [number]
  return code
}

it('F50, I27: ends thirty instances, of which one never stops, and the next start has it all', async () => {
  const all = keys.map(enter)
  const [stuck, working, ...others] = all as [LogLive, LogLive, ...LogLive[]]
  await Promise.all(all.map((live) => live.actions.append('x')))
  expect(instancesOf(process.pid)).toHaveLength(30)
  const bare = closeCodeOf('k5')
  stuck.actions.spin().catch(() => {})
  const worked = working.actions.work(1_000)
  await new Promise((resolve) => setTimeout(resolve, 100))
  const closing = app.close()
  expect(app.close()).toBe(closing)
  expect(await closeCodeOf('late')).toBe(1012)
  await closing
  expect(await bare).toBe(1012)
  expect(instancesOf(process.pid)).toEqual([])
  expect(app.instances.get('log', 'k0').lastEnd?.reason).toBe('host-drain')
  stuck.close()
  server.close().closeAllConnections()
  await open()
  // The turn that ran was finished; its answer comes from the record.
  expect(await worked).toBe(2)
  await until(() => others.every((live) => live.status === 'live'), 'all are back')
  for (const live of others) expect(live.state?.entries).toEqual(['x'])
  expect(working.state?.entries).toEqual(['x', 'worked'])
})

it('F6, I27: ends what is just starting', async () => {
  const live = enter('slow')
  await until(() => instancesOf(process.pid).length === 1, 'it is starting')
  const [{ pid } = { pid: 0 }] = instancesOf(process.pid)
  await app.close()
  expect(isAlive(pid)).toBe(false)
  live.close()
})

it('does not wait for a host that is just starting again', async () => {
  const live = enter('a')
  await live.actions.append('x')
  const [{ parent } = { parent: 0 }] = instancesOf(process.pid)
  process.kill(parent, 'SIGKILL')
  await until(() => app.instances.get('log', 'a').lastEnd, 'the host is lost')
  await app.close()
  expect(instancesOf(process.pid)).toEqual([])
  live.close()
})

it('F8, I6, I27: ends a host that does not answer, and all that it serves', async () => {
  const live = enter('a')
  await live.actions.append('x')
  const [{ pid, parent } = { pid: 0, parent: 0 }] = instancesOf(process.pid)
  process.kill(parent, 'SIGSTOP')
  await app.close()
  await until(() => !isAlive(pid) && !isAlive(parent), 'both are gone')
  live.close()
})
