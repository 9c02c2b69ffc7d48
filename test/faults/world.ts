/** The live half of Sojourn, with real processes, behind a door that knows sessions by a header. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { attachDoor } from '../../src/app/attach.ts'
import { HostProcess } from '../../src/app/host-process.ts'
import {
  logVia,
  SojournError,
  silentLog,
  systemClock,
  systemRandom,
} from '../../src/base/core/index.ts'
import type { ModulePlan } from '../../src/base/protocol/index.ts'
import { connect, type Live } from '../../src/client/index.ts'
import { type Authorize, Gateway, type Visitor } from '../../src/live/gateway/gateway.ts'
import { InstanceTable } from '../../src/live/gateway/instances.ts'
import { childrenOf, scratchFolder } from '../e2e/scratch.ts'
import type log from './backends/log.ts'

export type LogLive = Live<typeof log>

export interface World {
  readonly port: number
  /** Sessions that the door knows: a client connects as one by `?session=<id>`. */
  readonly sessions: Set<string>
  readonly touched: string[]
  readonly gateway: Gateway<Visitor>
  readonly host: HostProcess
  /** Kills the host process, and so everything that it holds. */
  killHost(): Promise<void>
  readonly instances: InstanceTable
  /** What was logged: level, facts and sentence. */
  readonly logged: readonly LogLine[]
  connect(key: string, session?: string, backendName?: string): LogLive
  close(): Promise<void>
}

interface LogLine {
  readonly level: string
  readonly facts: object
  readonly message: string
}

type Plan = Partial<Omit<ModulePlan, 'module'>>
export type WorldOptions = Plan & { readonly data?: ReturnType<typeof scratchFolder> }

export async function openWorld(
  authorize: Authorize<Visitor> = () => true,
  { data = scratchFolder(), ...given }: WorldOptions = {},
): Promise<World> {
  const sessions = new Set<string>()
  const touched: string[] = []
  const logged: LogLine[] = []
  const lives: LogLive[] = []
  const plan = (name: string) => ({
    module: new URL(`./backends/${name}.ts`, import.meta.url).href,
    idleAfterMs: 60_000,
    env: {},
    kind: 'module' as const,
    warm: 0,
    perProcess: 1,
    memoryBytesMax: 0,
    lifetimeMs: 0,
    ...given,
  })
  const noted = logVia((level, facts, message) => logged.push({ level, facts, message }))
  const host = new HostProcess({
    data: data.path,
    backends: {
      log: plan('log'),
      picky: plan('picky'),
      missing: plan('missing'),
      alarms: plan('alarms'),
    },
    clock: systemClock,
    log: noted,
    onWord: (word) => gateway.hear(word),
    onStatus: (change) => instances.take(change),
    onLost: () => {
      gateway.hostLost()
      instances.hostLost()
    },
  })
  const instances: InstanceTable = new InstanceTable({
    isBackend: () => true,
    connections: () => gateway.connectionsByInstance(),
    ask: (what, name) => host.ask(what, name),
    clock: systemClock,
    log: silentLog,
  })
  const gateway = new Gateway<Visitor>({
    rules: { log: authorize, picky: authorize, missing: authorize, alarms: authorize },
    sessions: {
      identify: (request: IncomingMessage) => visitorOf(request, sessions),
      visitor: (id) => (sessions.has(id) ? { id } : undefined),
      isLive: (id) => sessions.has(id),
      isForged: () => false,
      withoutToken: (_, value) => value,
      touch: (id) => {
        touched.push(id)
      },
      isAllowedHost: (name) => name.startsWith('localhost:'),
      isAllowedOrigin: (origin) => origin === 'http://localhost',
      isAllowedTransport: () => true,
    },
    tickets: {
      redeem: async () => {
        throw new SojournError('TICKET_INVALID')
      },
    },
    host,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  })
  await host.start()
  const server = createServer((_, response) => response.end('app'))
  attachDoor(server, gateway)
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    sessions,
    touched,
    gateway,
    host,
    instances,
    logged,
    connect(key, session, backendName = 'log') {
      const query = session === undefined ? '' : `?session=${session}`
      const live = connect<typeof log>(`ws://localhost:${port}/live/${backendName}/${key}${query}`)
      lives.push(live)
      return live
    },
    async killHost() {
      const [found] = childrenOf(process.pid).filter(({ command }) => command.includes('host-main'))
      if (!found) throw new Error('no host runs')
      process.kill(found.pid, 'SIGKILL')
    },
    async close() {
      for (const live of lives) live.close()
      await host.stop()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      data.remove()
    },
  }
}

function visitorOf(request: IncomingMessage, sessions: Set<string>): Visitor | undefined {
  const id = new URL(request.url ?? '', 'http://localhost').searchParams.get('session')
  return id && sessions.has(id) ? { id, user: { id: `user of ${id}` } } : undefined
}
