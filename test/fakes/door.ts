/** A door with made-up sessions and instances behind it, on a real server of this machine. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attachDoor } from '../../src/app/attach.ts'
import { SojournError, silentLog, systemRandom } from '../../src/base/core/index.ts'
import type { Address } from '../../src/base/protocol/index.ts'
import { type Ask, Gateway, type Located, type Visitor } from '../../src/live/gateway/gateway.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/index.ts'
import { certificate, key } from './certificate.ts'

export interface FakeDoor {
  readonly clock: VirtualClock
  readonly gateway: Gateway<Visitor>
  readonly port: number
  /** Sessions that are live; `s1` at first. */
  readonly live: Set<string>
  /** What happened, in order. */
  readonly seen: string[]
  /** How many instances are kept awake. */
  awake(): number
  /** Replaced by tests. */
  rule: (ask: Ask<Visitor>) => unknown
  locate: () => Promise<Located>
  /** Sends bytes on a connection of its own. */
  raw(bytes: string | Uint8Array): Socket
  close(): Promise<void>
}

export interface FakeDoorOptions {
  readonly address?: Address | undefined
  readonly isTls?: boolean
  readonly isCommand?: boolean
}

export async function openDoor(options: FakeDoorOptions): Promise<FakeDoor> {
  const clock = virtualClock()
  const live = new Set(['s1'])
  const seen: string[] = []
  let awake = 0
  const gateway = new Gateway<Visitor>({
    rules: { board: (ask) => door.rule(ask) },
    commands: new Set(options.isCommand ? ['board'] : []),
    sessions: {
      identify: ({ headers }) => {
        const id = /sid=(\w+)/.exec(headers.cookie ?? '')?.[1]
        return id ? { id, user: { id: `Ünal ${id}` } } : undefined
      },
      visitor: (id) => (live.has(id) ? { id } : undefined),
      isLive: (id) => live.has(id),
      touch: (id) => {
        seen.push(`touch ${id}`)
      },
      isAllowedHost: (host) => host === 'door',
      isAllowedOrigin: (origin) => origin === 'https://door',
      isAllowedTransport: () => !options.isTls,
      isForged: ({ method, headers }) => method !== 'GET' && headers.origin === 'https://evil',
      withoutToken: (name, value) => {
        if (name === 'set-cookie') return value.startsWith('sid=') ? undefined : value
        return name === 'cookie' ? value.replace(/sid=\w+(; )?/, '') || undefined : value
      },
    },
    tickets: {
      redeem: async () => {
        throw new SojournError('TICKET_INVALID')
      },
    },
    host: {
      connect: () => seen.push('handed over'),
      close: () => {},
      locate: () => {
        seen.push('locate')
        return door.locate()
      },
    },
    clock,
    random: systemRandom,
    log: silentLog,
  })
  const app: RequestListener = (_, response) => response.end('app')
  const server = options.isTls
    ? (createTlsServer({ key, cert: certificate }, app) as unknown as Server)
    : createServer(app)
  attachDoor(server, gateway)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sockets: Socket[] = []
  const door: FakeDoor = {
    clock,
    gateway,
    port: (server.address() as AddressInfo).port,
    live,
    seen,
    awake: () => awake,
    rule: () => ({ role: 'editor' }),
    locate: async () => {
      awake += 1
      return { address: options.address, instance: 7, release: () => (awake -= 1) }
    },
    raw(bytes) {
      const socket = connect(door.port, '127.0.0.1')
      socket.on('error', () => {})
      sockets.push(socket)
      socket.write(bytes)
      return socket
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      gateway.hostLost()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return door
}

/** An instance's HTTP server on a Unix socket of a fresh folder, or on a port. */
export async function openInstance(
  server: Server,
  isCommand = false,
): Promise<{ address: Address; close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-door-'))
  const path = join(folder, 'socket')
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  if (isCommand) server.listen(0, '127.0.0.1')
  else server.listen(path)
  await once(server, 'listening')
  return {
    address: isCommand ? { port: (server.address() as AddressInfo).port } : { path },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      rmSync(folder, { recursive: true })
    },
  }
}

/** Everything that arrives until the other end closes. */
export async function textOf(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  if (!socket.closed) await once(socket, 'close')
  return Buffer.concat(chunks).toString('latin1')
}
