/**
 * The door to all instances: who asks, may they, and only then the process. It authenticates,
 * authorizes, hands the socket over or relays, and remembers whose it is, so that the end of a
 * session reaches it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import {
  type ErrorCode,
  isSojournError,
  limits,
  newId,
  SojournError,
  toSojournError,
} from '../../base/core/index.ts'
import type { HostToDoor } from '../../base/protocol/index.ts'
import { release } from '../sockets/release.ts'
import { Admission, type Entry } from './admission.ts'
import { answerError } from './answer.ts'
import { DoorTable, type Visit } from './door-table.ts'
import { isEncrypted, upgradeHeaders } from './headers.ts'
import { chosenOf, offerOf } from './protocols.ts'
import { Relays } from './relays.ts'
import { checkRequest, checkUpgrade } from './request.ts'
import type { GatewayOptions, Visitor } from './types.ts'

export type {
  Ask,
  Authorize,
  DoorSessions,
  GatewayOptions,
  HostLink,
  Located,
  Visitor,
} from './types.ts'

export class Gateway<Known extends Visitor> {
  readonly #options: GatewayOptions<Known>
  readonly #table = new DoorTable()
  readonly #admission: Admission<Known>
  readonly #relays: Relays<Known>
  /** Where a malformed request came: what follows it there may be a part of it. */
  readonly #spoilt = new WeakSet<Socket>()
  readonly #handshakes = new WebSocketServer({
    noServer: true,
    maxPayload: limits.messageBytesMax,
    handleProtocols: chosenOf,
  })

  constructor(options: GatewayOptions<Known>) {
    this.#options = options
    this.#admission = new Admission(options, this.#table)
    this.#relays = new Relays(options, this.#table, this.#admission)
  }

  /** Takes an upgrade request below `/live/`. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): Promise<void> {
    socket.on('error', () => {})
    const visit: Visit = { id: this.#newId(), stage: 'entering', socket }
    let trusted = false
    try {
      checkUpgrade(request)
      this.#admission.checkWay(request)
      this.#admission.checkOrigin(request)
      trusted = true
      const target = this.#admission.targetOf(request)
      const { ticket } = offerOf(request)
      const entry = await this.#admission.enter(request, target, visit, ticket)
      const isRelayed = isEncrypted(request) || this.#options.commands?.has(entry.name.backend)
      if (isRelayed) await this.#relays.splice(request, socket, head, visit, entry)
      else this.#handOver(request, visit, head, entry)
    } catch (error) {
      this.#table.remove(visit)
      this.#report(error)
      if (trusted) this.#closeWith(request, socket, head, toSojournError(error))
      else refusePlainly(socket, toSojournError(error))
    }
  }

  /** Takes a plain HTTP request below `/live/`. */
  async request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#spoilt.has(request.socket)) return
    const visit: Visit = { id: this.#newId(), stage: 'relayed' }
    const ending = new AbortController()
    visit.close = (code) => ending.abort(new SojournError(code))
    response.once('close', () => {
      if (!response.writableFinished) ending.abort(new SojournError('CONNECTION_CLOSED'))
    })
    try {
      checkRequest(request)
      this.#admission.checkWay(request)
      this.#admission.checkForgery(request)
      // All that may be malformed is looked at in this turn: see `spoilt`.
      const target = this.#admission.targetOf(request)
      const entry = await this.#admission.enter(request, target, visit)
      this.#admission.touch(visit.session)
      await this.#relays.forward(request, response, entry, ending)
    } catch (error) {
      this.#report(error)
      if (toSojournError(error).code === 'REQUEST_MALFORMED') this.#spoilt.add(request.socket)
      answerError(response, toSojournError(error))
    } finally {
      this.#table.remove(visit)
    }
  }

  /** Ends what is open of a session that ended, also what is still on its way. */
  endSession(session: string, code: ErrorCode = 'SESSION_ENDED'): void {
    for (const visit of this.#table.ofSession(session)) {
      visit.ended = code
      visit.close?.(code)
    }
  }

  /** Refuses everybody with this error; `undefined` lets them in again. */
  refuseAll(error: SojournError | undefined): void {
    this.#admission.refusal = error
  }

  /** Ends what is open of all sessions, also what is still on its way. */
  closeAll(code: ErrorCode): void {
    const sessions = new Set(Array.from(this.#table.all(), ({ session }) => session))
    for (const session of sessions) if (session !== undefined) this.endSession(session, code)
  }

  /** How many sockets each instance has, by `<backend>/<key>`. */
  connectionsByInstance(): ReadonlyMap<string, number> {
    return this.#table.countByInstance()
  }

  /** Takes the host's word on connections. */
  hear(message: Extract<HostToDoor, { type: 'adopted' | 'refused' | 'closed' | 'active' }>): void {
    if (message.type === 'active') {
      this.#touch(message.connections)
      return
    }
    const visit = this.#table.find(message.connection)
    // One that was given up here: nobody counts it any more, and no end of a session reaches it.
    if (!visit && message.type === 'adopted')
      this.#options.host.close([message.connection], 'CONNECTION_CLOSED')
    // What is relayed is open as long as its sockets are, whatever the host says.
    if (!visit || visit.stage === 'relayed') return
    visit.cancel?.()
    if (message.type === 'refused') visit.refuse?.(new SojournError(message.code))
    if (message.type === 'adopted') this.#adopted(visit)
    else this.#table.remove(visit)
    // The process has a descriptor of its own now, or has closed it: ours only holds it open.
    if (message.type !== 'refused') visit.socket?.destroy()
    visit.socket = undefined
  }

  /** The host process is gone, and every connection with it. */
  hostLost(): void {
    this.#relays.destroy()
    for (const visit of this.#table.all()) {
      // What is relayed ends with its instance.
      if (visit.stage === 'relayed') continue
      this.#table.remove(visit)
      visit.socket?.destroy()
    }
  }

  #newId(): string {
    return newId('c_', this.#options.random)
  }

  #adopted(visit: Visit): void {
    visit.stage = 'adopted'
    visit.close = (code) => this.#options.host.close([visit.id], code)
    if (visit.ended) visit.close(visit.ended)
  }

  #handOver(request: IncomingMessage, visit: Visit, head: Uint8Array, entry: Entry): void {
    const socket = visit.socket as Socket
    const released = release(socket, head)
    if (!released) throw new SojournError('CONNECTION_CLOSED')
    visit.stage = 'handed'
    visit.refuse = (error) => {
      released.takeBack()
      this.#closeWith(request, socket, released.head, error)
    }
    const { host = '', 'user-agent': agent } = request.headers
    const facts = {
      caller: entry.caller,
      url: request.url ?? '',
      headers: {
        host,
        ...(agent !== undefined && { 'user-agent': agent }),
        ...upgradeHeaders(request),
      },
      head: released.head,
    }
    this.#options.host.connect(entry.name, facts, released.handle)
    // A socket that the host has no descriptor for does not arrive there, and neither side is told.
    visit.cancel = this.#options.clock.after(limits.heldMs, () =>
      this.hear({ type: 'refused', connection: visit.id, code: 'INSTANCE_STARTING' }),
    )
  }

  /**
   * Refuses after the handshake: a browser can't read the status of a failed upgrade, but it can
   * read a close code.
   */
  #closeWith(
    request: IncomingMessage,
    socket: Duplex,
    head: Uint8Array,
    error: SojournError,
  ): void {
    if (socket.destroyed) return
    this.#handshakes.handleUpgrade(request, socket, Buffer.from(head), (websocket) => {
      websocket.on('error', () => {})
      websocket.close(error.close, error.code)
      this.#options.clock.after(limits.refusalMs, () => websocket.terminate())
    })
  }

  #touch(connections: readonly string[]): void {
    const sessions = new Set(connections.map((id) => this.#table.find(id)?.session))
    for (const session of sessions) this.#admission.touch(session)
  }

  /** What nobody outside has to answer for is told to whoever can. */
  #report(error: unknown): void {
    if (!isSojournError(error)) this.#options.log.error({ err: error }, 'the door failed')
    else if (error.status === 502) this.#options.log.warn({ err: error }, 'an instance failed')
  }
}

function refusePlainly(socket: Duplex, { status, code, message }: SojournError): void {
  const body = JSON.stringify({ error: { code, message } })
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
