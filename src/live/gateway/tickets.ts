/** Tickets: the right to open one connection, for clients that can't bring a cookie. */
import {
  type Awaitable,
  type Clock,
  isBackendName,
  isKey,
  limits,
  type Random,
  SojournError,
} from '../../base/core/index.ts'
import type { InstanceName } from '../../base/protocol/index.ts'
import { hashToken } from '../../base/secrets/index.ts'

/** Where tickets wait to be used. Drivers keep no more than `limits.ticketsMax`. */
export interface TicketStore {
  /** Keeps what a ticket stands for under its hash; false when too many wait already. */
  add(hash: string, content: string, untilMs: number): Awaitable<boolean>
  /** Takes a ticket out, in one atomic step: of several that ask for one, one gets it. */
  take(hash: string, nowMs: number): Awaitable<string | undefined>
  /** Forgets those that were too old at `nowMs`. */
  sweep(nowMs: number): Awaitable<void>
}

/** For whom a ticket is: somebody with a session, or somebody whom the issuer knows. */
export type TicketFor =
  | {
      /** The public id of a session. Its end makes the ticket worthless; `authorize` is asked. */
      readonly session: string
    }
  | {
      /** What the backend gets as the grant, any JSON; `authorize` isn't asked. */
      readonly grant: unknown
      /** The user's id. */
      readonly user?: string
    }

/** What `issue()` is given. */
export type TicketOptions = InstanceName &
  TicketFor & {
    /** How long it can be used. Default 30 s, at most 300 s. */
    readonly ttlMs?: number
  }

export interface TicketsOptions {
  readonly store: TicketStore
  readonly isBackend: (name: string) => boolean
  readonly clock: Clock
  readonly random: Random
}

/** Marks a text as a ticket, for scanners of leaked secrets. */
const prefix = 'sjt_'
const ticketBytes = 32
const ticketPattern = /^sjt_[A-Za-z0-9_-]{43}$/

/**
 * Single-use rights for one (backend, key). A ticket is 256 random bits, of which only the SHA-256
 * is stored. It travels as a subprotocol, `Sec-WebSocket-Protocol: sojourn, ticket.<ticket>`, never
 * in a URL. It takes the place of the cookie, not of the list of origins: a browser's page that
 * brings one must be of a listed origin, whatever else comes along.
 */
export class Tickets {
  readonly #options: TicketsOptions

  constructor(options: TicketsOptions) {
    this.#options = options
  }

  /**
   * Makes a ticket.
   *
   * @throws TypeError for a backend, key or grant that can't be; RangeError for a `ttlMs` that isn't
   * 1 to 300,000; SojournError `TICKETS_TOO_MANY`, `STORE_UNAVAILABLE`
   */
  async issue(options: TicketOptions): Promise<string> {
    const { store, clock, random } = this.#options
    const { ttlMs = limits.ticketMs } = options
    this.#check(options, ttlMs)
    const ticket = prefix + Buffer.from(random(ticketBytes)).toString('base64url')
    const { backend, key } = options
    const content = JSON.stringify({ backend, key, for: bearerOf(options) })
    if (!(await store.add(hashToken(ticket), content, clock.nowMs() + ttlMs)))
      throw new SojournError('TICKETS_TOO_MANY')
    return ticket
  }

  /**
   * Uses a ticket up, also when it is for another place.
   *
   * @throws SojournError `TICKET_INVALID`, `STORE_UNAVAILABLE`
   */
  async redeem(ticket: string, { backend, key }: InstanceName): Promise<TicketFor> {
    const { store, clock } = this.#options
    const content = ticketPattern.test(ticket)
      ? await store.take(hashToken(ticket), clock.nowMs())
      : undefined
    const found = content === undefined ? undefined : (JSON.parse(content) as Content)
    if (found?.backend !== backend || found.key !== key) throw new SojournError('TICKET_INVALID')
    return found.for
  }

  /** Forgets those that are too old. For a timer. */
  async sweep(): Promise<void> {
    await this.#options.store.sweep(this.#options.clock.nowMs())
  }

  #check({ backend, key, ...options }: TicketOptions, ttlMs: number): void {
    if (!isBackendName(backend) || !this.#options.isBackend(backend))
      throw new TypeError(`tickets: no backend is named ${backend}`)
    if (!isKey(key)) throw new TypeError(`tickets: ${key} is no key`)
    if (!(ttlMs >= 1 && ttlMs <= limits.ticketMsMax))
      throw new RangeError(`tickets: ttlMs must be 1 to ${limits.ticketMsMax}, got ${ttlMs}`)
    const isForSession = 'session' in options
    if (isForSession === 'grant' in options)
      throw new TypeError('tickets: give either a session or a grant')
    if (isForSession && (typeof options.session !== 'string' || 'user' in options))
      throw new TypeError('tickets: a session is named by its id, and has its own user')
    if (!isForSession && !('grant' in options && options.grant && JSON.stringify(options.grant)))
      throw new TypeError('tickets: a grant is JSON, and something')
  }
}

interface Content extends InstanceName {
  readonly for: TicketFor
}

function bearerOf(options: TicketOptions): TicketFor {
  if ('session' in options) return { session: options.session }
  const { grant, user } = options
  return { grant, ...(user !== undefined && { user }) }
}
