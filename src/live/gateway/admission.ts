/** Who asks, and may they? The same for requests and connections, before any process is started. */
import type { IncomingMessage } from 'node:http'
import { limits, SojournError } from '../../base/core/index.ts'
import type { CallerFacts, InstanceName } from '../../base/protocol/index.ts'
import type { DoorTable, Visit } from './door-table.ts'
import { isEncrypted } from './headers.ts'
import { type Target, targetOf } from './request.ts'
import type { TicketFor } from './tickets.ts'
import type { GatewayOptions, Visitor } from './types.ts'
import { within } from './within.ts'

/** Somebody who may enter. */
export interface Entry extends Target {
  readonly caller: CallerFacts
}

type Parts<Known extends Visitor> = Pick<
  GatewayOptions<Known>,
  'rules' | 'sessions' | 'tickets' | 'clock' | 'log'
>

export class Admission<Known extends Visitor> {
  /** Why nobody is let in. */
  refusal: SojournError | undefined
  readonly #parts: Parts<Known>
  readonly #table: DoorTable

  constructor(parts: Parts<Known>, table: DoorTable) {
    this.#parts = parts
    this.#table = table
  }

  /**
   * Nobody on the way must read along.
   *
   * @throws SojournError `HOST_FOREIGN`, `TLS_REQUIRED`
   */
  checkWay(request: IncomingMessage): void {
    const { sessions } = this.#parts
    const { headers } = request
    if (!sessions.isAllowedHost(headers.host ?? '')) throw new SojournError('HOST_FOREIGN')
    if (!isEncrypted(request) && !sessions.isAllowedTransport(headers))
      throw new SojournError('TLS_REQUIRED', 'A live request came over plain http.')
  }

  /**
   * Browsers always send Origin with an upgrade, and cookies whatever page opens it (cross-site
   * WebSocket hijacking): a cookie counts only from a listed origin. With a ticket it is no
   * different: pages of origins that aren't listed don't connect.
   *
   * @throws SojournError `ORIGIN_FOREIGN`
   */
  checkOrigin({ headers }: IncomingMessage): void {
    const { origin, cookie } = headers
    const isAllowed =
      origin === undefined ? cookie === undefined : this.#parts.sessions.isAllowedOrigin(origin)
    if (!isAllowed) throw new SojournError('ORIGIN_FOREIGN')
  }

  /** @throws SojournError for a request that another site's page makes with the visitor's cookie */
  checkForgery({ method = '', headers }: IncomingMessage): void {
    if (this.#parts.sessions.isForged({ method, headers })) throw new SojournError('ORIGIN_FOREIGN')
  }

  /** @throws SojournError `REQUEST_MALFORMED`, `BACKEND_UNKNOWN`, `KEY_MALFORMED` */
  targetOf(request: IncomingMessage): Target {
    return targetOf(request, (name) => Object.hasOwn(this.#parts.rules, name))
  }

  /**
   * Lets a visit in, or throws why not. It is in the table once it is known whose it is: whoever
   * ends it takes it out.
   */
  async enter(
    request: IncomingMessage,
    { name, path }: Target,
    visit: Visit,
    ticket?: string,
  ): Promise<Entry> {
    if (this.refusal) throw this.refusal
    const right = ticket === undefined ? undefined : await this.#parts.tickets.redeem(ticket, name)
    const session = await this.#identify(request, right)
    const user = session?.user?.id ?? (right && 'user' in right ? right.user : undefined)
    Object.assign(visit, { name, session: session?.id, user })
    // Registered before the rule is asked: a logout from here on finds this visit.
    this.#table.add(visit)
    const isGranted = right !== undefined && 'grant' in right
    const grant = isGranted ? right.grant : await this.#authorize(name, session)
    await this.#checkStillLive(visit)
    const known = { ...(session && { session: session.id }), ...(user !== undefined && { user }) }
    return { name, path, caller: { connection: visit.id, grant, ...known } }
  }

  /** Notes that a session was used. */
  touch(session: string | undefined): void {
    if (session === undefined) return
    const { sessions, log } = this.#parts
    Promise.resolve(sessions.touch(session)).catch((error) => {
      log.warn({ err: error }, 'a session could not be touched')
    })
  }

  async #identify(
    request: IncomingMessage,
    right: TicketFor | undefined,
  ): Promise<Known | undefined> {
    const { sessions } = this.#parts
    if (!right) return sessions.identify(request)
    if (!('session' in right)) return undefined
    const session = await sessions.visitor(right.session)
    if (!session) throw new SojournError('SESSION_ENDED')
    return session
  }

  async #authorize({ backend, key }: InstanceName, session: Known | undefined): Promise<unknown> {
    const { rules, clock, log } = this.#parts
    const ms = limits.authorizeMs
    const late = (): Error => new Error(`no answer within ${ms} ms`)
    let grant: unknown
    try {
      const asked = (async () => rules[backend]?.({ session, key }))()
      grant = await within({ clock, ms, late }, asked)
    } catch (error) {
      log.error({ err: error, backend, key }, 'authorize failed')
      throw new SojournError('AUTHORIZE_FAILED', undefined, { cause: error })
    }
    if (!grant) throw new SojournError(session?.user ? 'FORBIDDEN' : 'UNAUTHENTICATED')
    return grant
  }

  async #checkStillLive(visit: Visit): Promise<void> {
    if (visit.session === undefined) return
    const live = await this.#parts.sessions.isLive(visit.session)
    if (!live || visit.ended) throw new SojournError(visit.ended ?? 'SESSION_ENDED')
  }
}
