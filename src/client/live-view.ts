import { type Clock, SojournError, systemClock } from '../base/core/index.ts'
import {
  type Cursor,
  encodeFromClient,
  type FromInstance,
  parseFromInstance,
  protocolVersion,
} from '../base/protocol/index.ts'
import { type Replica, replica } from '../base/state/index.ts'
import { Link, type SocketLike } from './link.ts'
import { Outbox } from './outbox.ts'
import { onReturn, openSocket, websocketUrl } from './platform.ts'
import { Presence } from './presence.ts'
import { RoundTrips } from './round-trips.ts'
import type { ActionsOf, BackendType, InputOf, Live, StateOf, Status } from './types.ts'

export interface ConnectOptions {
  /** Opens a WebSocket; default: the platform's own. */
  readonly open?: (url: string, protocols?: string[]) => SocketLike
  /**
   * Fetches a ticket from your own server, which makes it by `app.tickets.issue()`: for clients
   * without a cookie. Asked anew for each attempt, since a ticket opens one connection. When it
   * rejects, the client tries again after a pause; for good with a `SojournError` that says so.
   */
  readonly ticket?: () => Promise<string> | string
  /** Default: the clock of the machine. */
  readonly clock?: Clock
  /** A number from 0 to below 1, for the pauses between attempts; default `Math.random`. */
  readonly random?: () => number
}

type Welcome = Extract<FromInstance, { type: 'welcome' }>
type Send = (bytes: Uint8Array) => void

export class LiveView<B extends BackendType> implements Live<B> {
  status: Status = 'connecting'
  error: SojournError | undefined
  readonly actions: ActionsOf<B>
  readonly presence: Live<B>['presence']
  readonly #replica: Replica<StateOf<B>> = replica()
  readonly #outbox = new Outbox()
  readonly #presence: Presence
  readonly #link: Link
  readonly #roundTrips: RoundTrips
  readonly #forgetReturn: () => void
  readonly #listeners = new Set<() => void>()
  readonly #events = new Map<string, Set<(payload: unknown) => void>>()
  /** Writes to the open socket; actions go out only after the welcome. */
  #send: Send | undefined
  #welcome: Welcome | undefined
  /** Whether the replica belongs to the history of the welcome: resumed, or replaced since. */
  #fits = false
  /** Where this replica stands, once that is sure; `undefined` asks for a snapshot. */
  #cursor: Cursor | undefined

  constructor(address: string, options: ConnectOptions) {
    const { open = openSocket, clock = systemClock, random = Math.random, ticket } = options
    const url = websocketUrl(address)
    const presence = new Presence(clock)
    this.#roundTrips = new RoundTrips(clock)
    this.#presence = presence
    this.presence = {
      get others() {
        return presence.others as Live<B>['presence']['others']
      },
      set: (value) => presence.set(value),
    }
    this.actions = callsOf((name, input) => this.#call(name, input)) as ActionsOf<B>
    this.#link = new Link({
      open: (protocols) => open(url, protocols),
      ticket,
      clock,
      random,
      onOpen: (send) => this.#hello(send),
      onMessage: (bytes) => this.#take(bytes),
      onLost: (error) => this.#lost(error),
    })
    this.#forgetReturn = onReturn(() => this.#link.hurry())
  }

  get state(): Live<B>['state'] {
    return this.#replica.state
  }

  get link(): Live<B>['link'] {
    const { bytesReceived, bytesSent } = this.#link
    const roundTripMs = this.#roundTrips.lastMs
    return { seq: this.#replica.seq, roundTripMs, bytesReceived, bytesSent }
  }

  serverTimeMs(): number {
    return this.#roundTrips.serverTimeMs()
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  input(value: InputOf<B>): void {
    if (this.#welcome) this.#send?.(encodeFromClient({ type: 'input', value }))
  }

  on(event: string, listener: (payload: unknown) => void): () => void {
    const listeners = this.#events.get(event) ?? new Set()
    this.#events.set(event, listeners.add(listener))
    return () => listeners.delete(listener)
  }

  close(): void {
    if (this.status === 'closed') return
    this.#link.close()
    this.#end(undefined)
  }

  async #call(name: string, input: unknown): Promise<unknown> {
    if (this.status === 'closed') throw this.error ?? new SojournError('CONNECTION_CLOSED')
    return this.#outbox.call(name, input, this.#welcome && this.#send)
  }

  #hello(send: Send): void {
    this.#send = send
    const { client, acked } = this.#outbox
    const cursor = this.#cursor
    this.#welcome = undefined
    send(
      encodeFromClient({
        type: 'hello',
        version: protocolVersion,
        acked,
        ...(client !== undefined && { client }),
        ...(cursor && { cursor }),
      }),
    )
  }

  #take(bytes: Uint8Array): void {
    let said: FromInstance
    try {
      said = parseFromInstance(bytes)
      this.#hear(said)
    } catch {
      // What can't be read can't be skipped either: start over, from a snapshot.
      this.#cursor = undefined
      this.#link.restart()
      return
    }
    // Outside of the try: a listener that throws says nothing about the peer.
    if (said.type === 'event')
      for (const listener of this.#events.get(said.name) ?? []) listener(said.payload)
    if (said.type !== 'pong') this.#notify()
  }

  #hear(said: FromInstance): void {
    switch (said.type) {
      case 'welcome':
        this.#enter(said)
        break
      case 'state':
        this.#apply(said.bytes)
        this.#outbox.settle(said.results)
        break
      case 'results':
        this.#outbox.settle(said.results)
        break
      case 'presence':
        this.#presence.show(said.entry)
        break
      case 'left':
        this.#presence.hide(said.connection)
        break
      case 'claim':
        this.#follow(said)
        break
      case 'pong':
        this.#roundTrips.take(said)
        break
      default:
        said satisfies { type: 'event' }
    }
  }

  #enter(welcome: Welcome): void {
    const send = this.#send
    if (!send) return
    this.#welcome = welcome
    this.#fits = welcome.resumed
    this.#presence.enter(welcome.presence, send)
    this.#outbox.resume(welcome.client, send)
    this.#link.ping()
    this.#settle()
  }

  /** What this replica has was made under the claim before; what follows is made under this one. */
  #follow({ epoch, nonce }: Extract<FromInstance, { type: 'claim' }>): void {
    const head = this.#cursor
    if (!this.#welcome || !head) throw new SojournError('MESSAGE_MALFORMED')
    this.#welcome = { ...this.#welcome, head, epoch, nonce }
  }

  #apply(bytes: Uint8Array): void {
    if (this.#replica.apply(bytes) === 'gap') throw new SojournError('FRAME_MALFORMED')
    this.#fits = true
    this.#settle()
  }

  /**
   * Frames up to the head of the welcome were made under the head's claim, later ones under the
   * claim of this connection. In between (missed frames still on their way) nothing is sure.
   */
  #settle(): void {
    if (!this.#welcome || !this.#fits) return
    const { head, epoch, nonce } = this.#welcome
    const { seq } = this.#replica
    this.#cursor = seq === head.seq ? head : seq > head.seq ? { epoch, nonce, seq } : undefined
    if (!this.#cursor) return
    this.status = 'live'
    this.#link.settled()
  }

  #lost(error: SojournError | undefined): void {
    this.#send = undefined
    this.#welcome = undefined
    this.#presence.leave()
    if (error) {
      this.#end(error)
      return
    }
    this.status = this.#replica.state ? 'stale' : 'connecting'
    this.#notify()
  }

  #end(error: SojournError | undefined): void {
    this.#forgetReturn()
    this.#presence.leave()
    this.#send = undefined
    this.status = 'closed'
    this.error = error
    this.#outbox.abandon(error ?? new SojournError('CONNECTION_CLOSED'))
    this.#notify()
  }

  #notify(): void {
    for (const listener of this.#listeners) listener()
  }
}

/** Every name is an action: the server knows which exist, the compiler knows their types. */
function callsOf(call: (name: string, input: unknown) => Promise<unknown>): object {
  return new Proxy(
    {},
    {
      // Without this, awaiting the object would call an action named `then`.
      get: (_, name) =>
        typeof name === 'string' && name !== 'then'
          ? (input: unknown) => call(name, input)
          : undefined,
    },
  )
}
