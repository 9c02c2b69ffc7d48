/** An instance in this process, with the sockets that the host handed over to it. */
import type { Socket } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import {
  type ErrorCode,
  type Log,
  limits,
  SojournError,
  systemClock,
  systemRandom,
  toSojournError,
} from '../../base/core/index.ts'
import {
  isPing,
  type ProcessToHost,
  type SocketFacts,
  type StartOrder,
} from '../../base/protocol/index.ts'
import type { Link } from './connections.ts'
import type { Conversation } from './conversation.ts'
import type { Backend } from './define.ts'
import { Instance } from './instance.ts'
import type { JournalLine, JournalWriter } from './journal-line.ts'

export interface ResidentStart {
  readonly order: StartOrder
  readonly backend: Backend
  readonly journal: JournalLine
  readonly log: Log
  readonly tell: (message: ProcessToHost) => void
  readonly onFatal: (error: SojournError) => void
}

/** The kernel asks a client that was silent for so long whether it is there. */
const keepAliveAfterMs = 15_000

const server = new WebSocketServer({ noServer: true, maxPayload: limits.messageBytesMax })

export class Resident {
  readonly #given: ResidentStart
  readonly #journal: JournalWriter
  readonly #instance: Instance
  readonly #sockets = new Map<string, WebSocket>()
  /** Connections whose client said something since the host was told last. */
  readonly #active = new Set<string>()

  /** Rebuilds the state; throws when the journal's content makes no sense. */
  constructor(given: ResidentStart) {
    const { order, backend, journal, log, onFatal } = given
    const { name, epoch, nonce, recovered, instance } = order
    this.#given = given
    this.#journal = journal.writer(instance, onFatal)
    this.#instance = new Instance({
      backend,
      key: name.key,
      epoch,
      nonce,
      recovered,
      journal: this.#journal,
      log,
      clock: systemClock,
      random: systemRandom,
      onFatal,
    })
  }

  /** Whether its code is what calls. */
  get isCurrent(): boolean {
    return this.#instance.isCurrent
  }

  start(): Promise<void> {
    return this.#instance.start()
  }

  /** Finishes the handshake on a socket that the host handed over, and lets its client in. */
  connect(facts: SocketFacts, socket: Socket): void {
    const { tell, order } = this.#given
    const { connection } = facts.caller
    // A client that vanished without a word would keep its instance awake for ever.
    socket.setKeepAlive(true, keepAliveAfterMs)
    socket.on('close', () => tell({ type: 'closed', instance: order.instance, connection }))
    const request = { method: 'GET', url: facts.url, headers: facts.headers }
    server.handleUpgrade(request as never, socket, Buffer.from(facts.head), (websocket) => {
      tell({ type: 'adopted', instance: order.instance, connection })
      this.#converse(facts, websocket).catch((error) => {
        // Reads again, so that the client's half of the closing handshake arrives.
        websocket.resume()
        closeWith(websocket, toSojournError(error))
      })
    })
  }

  /** Tells the host which clients said something since the last time. */
  report(): void {
    const { tell, order } = this.#given
    if (this.#active.size === 0) return
    tell({ type: 'active', instance: order.instance, connections: [...this.#active] })
    this.#active.clear()
  }

  close(connections: readonly string[], code: ErrorCode): void {
    for (const connection of connections) this.#instance.close(connection, code)
  }

  /** Tells its clients to come back, runs `stop` and writes the last snapshot. */
  async stop(): Promise<void> {
    for (const websocket of this.#sockets.values())
      closeWith(websocket, new SojournError('INSTANCE_STOPPED'))
    await this.#instance.stop()
    this.#journal.close()
  }

  async #converse({ caller }: SocketFacts, websocket: WebSocket): Promise<void> {
    const { log } = this.#given
    const { connection } = caller
    // Nothing is read, so nothing piles up, until the grant has been checked.
    websocket.pause()
    this.#sockets.set(connection, websocket)
    let conversation: Conversation | undefined
    websocket.once('close', () => {
      this.#sockets.delete(connection)
      conversation?.closed()
    })
    websocket.on('error', (error) => log.debug({ err: error }, 'a client broke the protocol'))
    const entered = await this.#instance.attach(caller, linkOf(websocket))
    conversation = entered
    if (websocket.readyState === websocket.CLOSED) entered.closed()
    websocket.on('message', (data: Buffer) => {
      if (!isPing(data)) this.#active.add(connection)
      entered.message(data)
    })
    websocket.resume()
  }
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
