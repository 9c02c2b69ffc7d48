/**
 * The process of one instance. The host forks this file, says `start`, then hands over sockets;
 * journal records go through a pipe of their own (descriptor 4). Without its host it ends.
 */
import '../../base/core/hints.ts'
import { Socket } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import {
  limits,
  logVia,
  plainFacts,
  SojournError,
  systemClock,
  systemRandom,
  toSojournError,
} from '../../base/core/index.ts'
import {
  type HostToInstance,
  type InstanceToHost,
  isPing,
  type SocketFacts,
} from '../../base/protocol/index.ts'
import type { Link } from './connections.ts'
import type { Backend } from './define.ts'
import { Instance } from './instance.ts'
import { createJournalPipe } from './journal-pipe.ts'

const journalDescriptor = 4
const activityEveryMs = 1_000
/** The kernel asks a client that was silent for so long whether it is there. */
const keepAliveAfterMs = 15_000

const server = new WebSocketServer({ noServer: true, maxPayload: limits.messageBytesMax })
/** Connections whose client said something since the host was told last. */
const active = new Set<string>()
const sockets = new Set<WebSocket>()
let instance: Instance | undefined

function tell(message: InstanceToHost): void {
  process.send?.(message)
}

const log = logVia((level, facts, message) => {
  tell({ type: 'log', level, facts: plainFacts(facts), message })
})

async function start(order: Extract<HostToInstance, { type: 'start' }>): Promise<void> {
  const { name, module, epoch, nonce, recovered } = order
  const { default: backend } = (await import(module)) as { default?: Backend }
  if (!backend?.definition)
    throw new TypeError(`${module} must export backend({ … }) as its default`)
  const journal = createJournalPipe(new Socket({ fd: journalDescriptor }))
  instance = new Instance({
    backend,
    key: name.key,
    epoch,
    nonce,
    recovered,
    journal,
    log,
    clock: systemClock,
    random: systemRandom,
    onFatal: (error) => {
      log.error(
        { err: error },
        'the state is not what the journal has; this process ends and is recovered',
      )
      process.exit(1)
    },
  })
  await instance.start()
  tell({ type: 'ready' })
}

/** Finishes the handshake on a socket that the host handed over, and lets its client in. */
function connect(facts: SocketFacts, socket: Socket): void {
  const { connection } = facts.caller
  // A client that vanished without a word would keep its instance awake for ever.
  socket.setKeepAlive(true, keepAliveAfterMs)
  socket.on('close', () => tell({ type: 'closed', connection }))
  const request = { method: 'GET', url: facts.url, headers: facts.headers }
  server.handleUpgrade(request as never, socket, Buffer.from(facts.head), (websocket) => {
    tell({ type: 'adopted', connection })
    converse(facts, websocket).catch((error) => {
      // Reads again, so that the client's half of the closing handshake arrives.
      websocket.resume()
      closeWith(websocket, toSojournError(error))
    })
  })
}

async function converse({ caller }: SocketFacts, websocket: WebSocket): Promise<void> {
  // Nothing is read, so nothing piles up, until the grant has been checked.
  websocket.pause()
  sockets.add(websocket)
  const closed = new Promise<void>((resolve) => websocket.once('close', () => resolve()))
  closed.then(() => sockets.delete(websocket))
  websocket.on('error', (error) => log.debug({ err: error }, 'a client broke the protocol'))
  if (!instance) throw new SojournError('INSTANCE_STOPPED')
  const conversation = await instance.attach(caller, linkOf(websocket))
  closed.then(() => conversation.closed())
  websocket.on('message', (data: Buffer) => {
    if (!isPing(data)) active.add(caller.connection)
    conversation.message(data)
  })
  websocket.resume()
}

function linkOf(websocket: WebSocket): Link {
  return {
    send: (bytes) => websocket.send(bytes),
    unsentBytes: () => websocket.bufferedAmount,
    close: (code) => closeWith(websocket, new SojournError(code)),
  }
}

function closeWith(websocket: WebSocket, { code, close }: SojournError): void {
  websocket.close(close, code)
}

async function stop(): Promise<void> {
  for (const websocket of sockets) closeWith(websocket, new SojournError('INSTANCE_STOPPED'))
  await instance?.stop()
  process.exit(0)
}

function fail(error: unknown): void {
  tell({
    type: 'failed',
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  })
}

process.on(
  'message',
  (message: HostToInstance, handle?: ConstructorParameters<typeof Socket>[0]) => {
    switch (message.type) {
      case 'start':
        start(message).catch(fail)
        break
      case 'connect':
        // The socket can close while its handle is on the way; the message then comes alone.
        if (handle)
          connect(message.socket, new Socket({ handle, readable: true, writable: true } as never))
        else tell({ type: 'closed', connection: message.socket.caller.connection })
        break
      case 'close':
        for (const connection of message.connections) instance?.close(connection, message.code)
        break
      case 'stop':
        stop().catch(fail)
        break
      default:
        message satisfies never
    }
  },
)
process.on('disconnect', () => process.exit(0))
// A terminal sends these to the whole group; the host decides when this process stops.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
setInterval(() => {
  if (active.size > 0) tell({ type: 'active', connections: [...active] })
  active.clear()
}, activityEveryMs).unref()
