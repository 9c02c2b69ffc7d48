/** An instance in this process, with the sockets that the host handed over to it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
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
  type CallerFacts,
  isPing,
  type ParkedFacts,
  type ParkedInstance,
  type ProcessToHost,
  type SocketFacts,
  type StartOrder,
} from '../../base/protocol/index.ts'
import type { Link } from './connections.ts'
import type { Talk } from './conversation.ts'
import type { Backend } from './define.ts'
import type { Fronted } from './front.ts'
import { answerHttp } from './http.ts'
import { Instance } from './instance.ts'
import type { JournalLine, JournalWriter } from './journal-line.ts'
import { abandon, adoptParked, isFlushed, stopBetweenFrames } from './parking.ts'
import { RawTalk } from './raw-socket.ts'

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
const flushLookEveryMs = 5

/** Finishes the handshakes of this process. */
export const server: WebSocketServer = new WebSocketServer({
  noServer: true,
  maxPayload: limits.messageBytesMax,
  clientTracking: false,
})

/** A socket of this process, and what is said on it once its client was let in. */
interface Held {
  readonly websocket: WebSocket
  talk?: Talk
}

export class Resident implements Fronted {
  readonly #given: ResidentStart
  readonly #journal: JournalWriter
  readonly #instance: Instance
  readonly #sockets = new Map<string, Held>()
  readonly #entering = new Set<Promise<void>>()
  /** Connections whose client said something since the host was told last. */
  readonly #active = new Set<string>()

  /** Rebuilds the state; throws when the journal's content makes no sense. */
  constructor(given: ResidentStart) {
    const { order, backend, journal, log, onFatal } = given
    const { name, epoch, nonce, recovered, instance, folder } = order
    this.#given = given
    this.#journal = journal.writer(instance, onFatal)
    this.#instance = new Instance({
      backend,
      key: name.key,
      folder,
      epoch,
      nonce,
      recovered,
      journal: this.#journal,
      log,
      clock: systemClock,
      random: systemRandom,
      onFatal,
      onAwake: (isAwake) => given.tell({ type: 'awake', instance, isAwake }),
    })
  }

  /** Whether its code is what calls. */
  get isCurrent(): boolean {
    return this.#instance.isCurrent
  }

  start(): Promise<void> {
    return this.#instance.start()
  }

  /** These connections closed while they were parked. */
  async part(callers: readonly CallerFacts[]): Promise<void> {
    // The others, who have to hear of it, came before.
    await Promise.all(this.#entering)
    await this.#instance.part(callers)
  }

  /** Finishes the handshake on a socket that the host handed over, and lets its client in. */
  connect(facts: SocketFacts, socket: Socket): void {
    const { tell, order } = this.#given
    const { connection } = facts.caller
    // A client that vanished without a word would keep its instance awake for ever.
    socket.setKeepAlive(true, keepAliveAfterMs)
    socket.on('close', () => tell({ type: 'closed', instance: order.instance, connection }))
    const take = (websocket: WebSocket): void => {
      tell({ type: 'adopted', instance: order.instance, connection })
      this.#enter({ ...facts, url: restOf(facts.url) }, websocket)
    }
    if (facts.parked) {
      take(adoptParked(socket, facts.head))
      return
    }
    const request = { method: 'GET', url: facts.url, headers: facts.headers }
    server.handleUpgrade(request as never, socket, Buffer.from(facts.head), take)
  }

  /** The same for a WebSocket that the door relays: the host does not know of it. */
  upgrade(caller: CallerFacts, request: IncomingMessage, socket: Socket, head: Uint8Array): void {
    const { url = '', headers } = request
    const facts = { caller, url, headers: headers as Record<string, string>, head }
    server.handleUpgrade(request, socket, Buffer.from(head), (websocket) =>
      this.#enter(facts, websocket),
    )
  }

  request(caller: CallerFacts, request: IncomingMessage, response: ServerResponse): void {
    answerHttp(this.#instance, caller, request, response)
  }

  /** Tells the host which clients said something since the last time. */
  report(): void {
    const { tell, order } = this.#given
    if (this.#active.size === 0) return
    tell({ type: 'active', instance: order.instance, connections: [...this.#active] })
    this.#active.clear()
  }

  close(connections: readonly string[], code: ErrorCode): void {
    for (const connection of connections) {
      this.#instance.close(connection, code)
      // One that is no connection of the instance: it speaks a protocol of its own.
      const held = this.#sockets.get(connection)
      if (held?.talk instanceof RawTalk) closeWith(held.websocket, new SojournError(code))
    }
  }

  /** Tells its clients to come back, runs `stop` and writes the last snapshot. */
  async stop(): Promise<void> {
    for (const { websocket } of this.#sockets.values())
      closeWith(websocket, new SojournError('INSTANCE_STOPPED'))
    await this.#instance.stop()
    this.#journal.close()
  }

  /**
   * The same, but clients that wait for nothing keep their sockets: those are left open between
   * two frames, and nothing is read from them any more. The others come back by themselves.
   */
  async park(): Promise<ParkedInstance> {
    const quiet = new Map<string, ParkedFacts>()
    await this.#instance.stop(() => {
      for (const [connection, { websocket, talk }] of this.#sockets) {
        const facts = talk?.park()
        if (facts && stopBetweenFrames(websocket)) quiet.set(connection, facts)
        else closeWith(websocket, new SojournError('INSTANCE_STOPPED'))
      }
    })
    this.#journal.close()
    await this.#flush([...quiet.keys()])
    const sockets = [...quiet.keys()].flatMap((connection) => this.#giveUp(connection) ?? [])
    return { sockets, mindsPartings: this.#given.backend.definition.disconnect !== undefined }
  }

  /** Waits until these clients have taken everything that was said, but not long. */
  async #flush(connections: readonly string[]): Promise<void> {
    const untilMs = systemClock.monotonicMs() + limits.closeMs
    const waits = (): boolean =>
      connections.some((connection) => {
        const held = this.#sockets.get(connection)
        return held && !isFlushed(held.websocket)
      })
    while (waits() && systemClock.monotonicMs() < untilMs)
      await new Promise<void>((resolve) => {
        systemClock.after(flushLookEveryMs, resolve)
      })
  }

  /** Lets go of a socket that the host parks; one that can't be parked is closed. */
  #giveUp(connection: string): ParkedInstance['sockets'][number] | undefined {
    const { websocket, talk } = this.#sockets.get(connection) ?? {}
    const facts = talk?.park()
    if (!websocket || !facts || websocket.readyState !== websocket.OPEN) return undefined
    if (!isFlushed(websocket)) {
      closeWith(websocket, new SojournError('CLIENT_TOO_SLOW'))
      return undefined
    }
    abandon(websocket)
    return { connection, facts }
  }

  #enter(facts: SocketFacts, websocket: WebSocket): void {
    const entering = this.#converse(facts, websocket).catch((error) => {
      // Reads again, so that the client's half of the closing handshake arrives.
      websocket.resume()
      closeWith(websocket, toSojournError(error))
    })
    this.#entering.add(entering)
    entering.finally(() => this.#entering.delete(entering))
  }

  async #converse(facts: SocketFacts, websocket: WebSocket): Promise<void> {
    const { log } = this.#given
    const { connection } = facts.caller
    // Nothing is read, so nothing piles up, until the grant has been checked.
    websocket.pause()
    const held: Held = { websocket }
    this.#sockets.set(connection, held)
    websocket.once('close', () => {
      this.#sockets.delete(connection)
      held.talk?.closed()
    })
    websocket.on('error', (error) => log.debug({ err: error }, 'a client broke the protocol'))
    const talk = await this.#talk(facts, websocket)
    held.talk = talk
    if (websocket.readyState === websocket.CLOSED) talk.closed()
    websocket.on('message', (data: Buffer, isBinary) => {
      if (!isPing(data)) this.#active.add(connection)
      talk.message(data, isBinary)
    })
    websocket.resume()
  }

  async #talk({ caller, url, parked }: SocketFacts, websocket: WebSocket): Promise<Talk> {
    if (isProtocolPath(url)) {
      const conversation = await this.#instance.attach(caller, linkOf(websocket))
      if (parked) conversation.unpark(parked)
      return conversation
    }
    const { socket } = this.#given.backend.definition
    if (!socket) throw new SojournError('REQUEST_MALFORMED', 'This backend has no raw sockets.')
    const known = await this.#instance.callerOf(caller)
    const raw = new RawTalk({
      instance: this.#instance,
      caller: known,
      websocket,
      url,
      handlers: socket,
    })
    await raw.open()
    return raw
  }
}

/** The path behind the key: the door hands sockets over with the whole, and relays with this. */
const restOf = (url: string): string => url.replace(/^\/live\/[^/?]+\/[^/?]+/, '')

/** Sojourn's own protocol is spoken at the key itself. */
const isProtocolPath = (rest: string): boolean => /^\/?(\?|$)/.test(rest)

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
