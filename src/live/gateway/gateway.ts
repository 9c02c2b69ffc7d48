/**
 * The door to all instances: who asks, may they, and only then the process. It authenticates,
 * authorizes, hands the socket over, and remembers whose it is, so that the end of a session
 * reaches it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import {
  type Awaitable,
  type Clock,
  type ErrorCode,
  type Log,
  limits,
  newId,
  type Random,
  SojournError,
  toSojournError,
} from '../../base/core/index.ts'
import type { HostToDoor, InstanceName, SocketFacts } from '../../base/protocol/index.ts'
import { answerPlainly } from './answer.ts'
import { DoorTable, type Visit } from './door-table.ts'
import { release } from './handover.ts'
import { checkUpgrade, handshakeHeaders, instanceOf } from './request.ts'

/** A visitor as the web session knows them; `undefined` for one without a session. */
export interface Visitor {
  readonly id: string
  readonly user?: { readonly id: string } | undefined
}

/** The sessions behind the door. */
export interface DoorSessions<Known extends Visitor> {
  /** Throws a `SojournError` for a token that is malformed, or whose session has ended. */
  identify(request: IncomingMessage): Awaitable<Known | undefined>
  /** Whether a session that was identified before is still there. */
  isLive(id: string): Awaitable<boolean>
  /** A client of the session said something on a live connection. */
  touch(id: string): Awaitable<void>
  isAllowedHost(host: string): boolean
  isAllowedOrigin(origin: string): boolean
  isAllowedTransport(headers: IncomingMessage['headers']): boolean
}

/** What a rule gets to decide upon. */
export interface Ask<Known extends Visitor> {
  readonly session: Known | undefined
  readonly key: string
}

/**
 * Decides who enters: what it returns is the connection's grant; anything falsy refuses. Throwing,
 * or taking longer than 5 s, refuses with `AUTHORIZE_FAILED`.
 */
export type Authorize<Known extends Visitor> = (ask: Ask<Known>) => Awaitable<unknown>

/** The way to the host process. */
export interface HostLink {
  connect(name: InstanceName, socket: SocketFacts, handle: object): void
  close(connections: readonly string[], code: ErrorCode): void
}

export interface GatewayOptions<Known extends Visitor> {
  readonly rules: Readonly<Record<string, Authorize<Known>>>
  readonly sessions: DoorSessions<Known>
  readonly host: HostLink
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export class Gateway<Known extends Visitor> {
  readonly #options: GatewayOptions<Known>
  readonly #table = new DoorTable()
  /** Why nobody is let in. */
  #refusal: SojournError | undefined
  readonly #handshakes = new WebSocketServer({ noServer: true, maxPayload: limits.messageBytesMax })

  constructor(options: GatewayOptions<Known>) {
    this.#options = options
  }

  /** Takes an upgrade request below `/live/`. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): Promise<void> {
    socket.on('error', () => {})
    const visit: Visit = {
      id: newId('c_', this.#options.random),
      socket,
      session: undefined,
      user: undefined,
    }
    let trusted = false
    try {
      checkUpgrade(request)
      this.#checkOrigin(request)
      trusted = true
      if (this.#refusal) throw this.#refusal
      const name = instanceOf(request, this.#isBackend)
      const session = await this.#identify(request, visit)
      const grant = await this.#authorize(name, session)
      await this.#checkStillLive(visit)
      this.#handOver(request, visit, head, name, grant)
    } catch (error) {
      this.#table.remove(visit.id)
      if (trusted) this.#closeWith(request, visit, head, toSojournError(error))
      else refusePlainly(socket, toSojournError(error))
    }
  }

  /** Answers a plain HTTP request below `/live/`. */
  request(request: IncomingMessage, response: ServerResponse): void {
    answerPlainly(request, response, this.#isBackend)
  }

  /** Closes the live connections of a session that ended, those still on their way included. */
  endSession(session: string, code: ErrorCode = 'SESSION_ENDED'): void {
    const visits = this.#table.ofSession(session)
    for (const visit of visits) visit.ended = code
    this.#close(visits.filter((visit) => visit.adopted))
  }

  /** Refuses all upgrades with this error; `undefined` lets them in again. */
  refuseAll(error: SojournError | undefined): void {
    this.#refusal = error
  }

  /** Closes the live connections of all sessions, those still on their way included. */
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
    if (!visit) return
    if (message.type === 'refused') visit.refuse?.(new SojournError(message.code))
    if (message.type === 'adopted') {
      visit.adopted = true
      if (visit.ended) this.#close([visit])
    } else {
      this.#table.remove(visit.id)
    }
    // The process has a descriptor of its own now, or has closed it: ours only holds it open.
    if (message.type !== 'refused') visit.socket?.destroy()
    visit.socket = undefined
  }

  /** The host process is gone, and every connection with it. */
  hostLost(): void {
    for (const visit of this.#table.all()) {
      this.#table.remove(visit.id)
      visit.socket?.destroy()
    }
  }

  readonly #isBackend = (name: string): boolean => Object.hasOwn(this.#options.rules, name)

  #close(visits: readonly Visit[]): void {
    for (const { id, ended = 'SESSION_ENDED' } of visits) this.#options.host.close([id], ended)
  }

  /**
   * Nobody on the way must read along, nor another page act in the visitor's name.
   *
   * Browsers always send Origin with an upgrade, and cookies whatever page opens it
   * (cross-site WebSocket hijacking): a cookie counts only from a listed origin.
   */
  #checkOrigin({ headers }: IncomingMessage): void {
    const { sessions } = this.#options
    if (!sessions.isAllowedHost(headers.host ?? '')) throw new SojournError('HOST_FOREIGN')
    if (!sessions.isAllowedTransport(headers))
      throw new SojournError('TLS_REQUIRED', 'A live connection came over plain http.')
    const { origin, cookie } = headers
    const allowed = origin === undefined ? cookie === undefined : sessions.isAllowedOrigin(origin)
    if (!allowed) throw new SojournError('ORIGIN_FOREIGN')
  }

  async #identify(request: IncomingMessage, visit: Visit): Promise<Known | undefined> {
    const session = await this.#options.sessions.identify(request)
    visit.session = session?.id
    visit.user = session?.user?.id
    // Registered before the rule is asked: a logout from here on finds this visit.
    this.#table.add(visit)
    return session
  }

  async #authorize({ backend, key }: InstanceName, session: Known | undefined): Promise<unknown> {
    const { rules, clock, log } = this.#options
    let grant: unknown
    try {
      grant = await within(clock, limits.authorizeMs, async () =>
        rules[backend]?.({ session, key }),
      )
    } catch (error) {
      log.error({ err: error, backend, key }, 'authorize failed')
      throw new SojournError('AUTHORIZE_FAILED', undefined, { cause: error })
    }
    if (!grant) throw new SojournError(session?.user ? 'FORBIDDEN' : 'UNAUTHENTICATED')
    return grant
  }

  async #checkStillLive(visit: Visit): Promise<void> {
    if (visit.session === undefined) return
    const live = await this.#options.sessions.isLive(visit.session)
    if (!live || visit.ended) throw new SojournError(visit.ended ?? 'SESSION_ENDED')
  }

  #handOver(
    request: IncomingMessage,
    visit: Visit,
    head: Uint8Array,
    name: InstanceName,
    grant: unknown,
  ): void {
    const released = release(visit.socket as Socket, head)
    if (!released) throw new SojournError('CONNECTION_CLOSED')
    visit.name = name
    const { id, session, user } = visit
    visit.refuse = (error) => {
      released.takeBack()
      this.#closeWith(request, visit, released.head, error)
    }
    const caller = {
      connection: id,
      grant,
      ...(session !== undefined && { session }),
      ...(user !== undefined && { user }),
    }
    const facts = {
      caller,
      url: request.url ?? '',
      headers: handshakeHeaders(request),
      head: released.head,
    }
    this.#options.host.connect(name, facts, released.handle)
  }

  /**
   * Refuses after the handshake: a browser can't read the status of a failed upgrade, but it can
   * read a close code.
   */
  #closeWith(
    request: IncomingMessage,
    { socket }: Visit,
    head: Uint8Array,
    error: SojournError,
  ): void {
    if (!socket || socket.destroyed) return
    this.#handshakes.handleUpgrade(request, socket, Buffer.from(head), (websocket) => {
      websocket.on('error', () => {})
      websocket.close(error.close, error.code)
      this.#options.clock.after(limits.refusalMs, () => websocket.terminate())
    })
  }

  #touch(connections: readonly string[]): void {
    const sessions = new Set(connections.map((id) => this.#table.find(id)?.session))
    for (const session of sessions) {
      if (session === undefined) continue
      Promise.resolve(this.#options.sessions.touch(session)).catch((error) => {
        this.#options.log.warn({ err: error }, 'a session could not be touched')
      })
    }
  }
}

function refusePlainly(socket: Duplex, { status, code, message }: SojournError): void {
  const body = JSON.stringify({ error: { code, message } })
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

async function within<Result>(
  clock: Clock,
  ms: number,
  work: () => Promise<Result>,
): Promise<Result> {
  let cancel = (): void => {}
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(ms, () => reject(new Error(`no answer within ${ms} ms`)))
  })
  return Promise.race([work(), late]).finally(() => cancel())
}
