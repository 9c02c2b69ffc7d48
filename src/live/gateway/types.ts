/** What the door is given: who comes, who may enter, and the way to the instances. */
import type { IncomingMessage } from 'node:http'
import type { Awaitable, Clock, ErrorCode, Log, Random } from '../../base/core/index.ts'
import type { Address, InstanceName, SocketFacts } from '../../base/protocol/index.ts'
import type { Tickets } from './tickets.ts'

/** A visitor as the web session knows them; `undefined` for one without a session. */
export interface Visitor {
  readonly id: string
  readonly user?: { readonly id: string } | undefined
}

/** The sessions behind the door. */
export interface DoorSessions<Known extends Visitor> {
  /** Throws a `SojournError` for a token that is malformed, or whose session has ended. */
  identify(request: IncomingMessage): Awaitable<Known | undefined>
  /** Who a session id belongs to; `undefined` when no live session has it. */
  visitor(id: string): Awaitable<Known | undefined>
  /** Whether a session that was identified before is still there. */
  isLive(id: string): Awaitable<boolean>
  /** A client of the session said something. */
  touch(id: string): Awaitable<void>
  isAllowedHost(host: string): boolean
  isAllowedOrigin(origin: string): boolean
  isAllowedTransport(headers: IncomingMessage['headers']): boolean
  /** Whether another site makes an unsafe request with the session's cookie. */
  isForged(request: {
    readonly method: string
    readonly headers: IncomingMessage['headers']
  }): boolean
  /** A header's value without the session's token; `undefined` when nothing else was in it. */
  withoutToken(name: string, value: string): string | undefined
}

/** What a rule gets to decide upon. */
export interface Ask<Known extends Visitor> {
  readonly session: Known | undefined
  readonly key: string
}

/**
 * Decides who enters: what it returns is the grant of the connection or request; anything falsy
 * refuses. Throwing, or taking longer than 5 s, refuses with `AUTHORIZE_FAILED`.
 */
export type Authorize<Known extends Visitor> = (ask: Ask<Known>) => Awaitable<unknown>

/** An instance that runs, and stays until it is released. */
export interface Located {
  /** Where it serves HTTP; `undefined` when the backend serves none. */
  readonly address: Address | undefined
  /** Its number inside its process, told as `x-sojourn-instance` to `path` addresses. */
  readonly instance: number
  release(): void
}

/** The way to the host process. */
export interface HostLink {
  connect(name: InstanceName, socket: SocketFacts, handle: object): void
  close(connections: readonly string[], code: ErrorCode): void
  /**
   * Finds or starts the instance and keeps it awake until `release` is called. Rejects with a
   * `SojournError`.
   *
   * @param user who asks; a program is told whose visit started it
   */
  locate(name: InstanceName, user: string | undefined): Promise<Located>
}

export interface GatewayOptions<Known extends Visitor> {
  readonly rules: Readonly<Record<string, Authorize<Known>>>
  /**
   * Backends whose programs listen on a port of their own and can't be handed a socket. Default
   * none.
   */
  readonly commands?: ReadonlySet<string>
  /** Whether `x-forwarded-for` and `-proto` of a proxy in front are believed. Default false. */
  readonly trustProxy?: boolean
  readonly sessions: DoorSessions<Known>
  readonly tickets: Pick<Tickets, 'redeem'>
  readonly host: HostLink
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}
