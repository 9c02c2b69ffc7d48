/** What a request must look like before its session is looked up, and the look-up. */
import { type Awaitable, SojournError } from '../../base/core/index.ts'
import { isToken } from '../../base/secrets/index.ts'
import { type Carriers, type HeaderRecord, headerText } from './carrier.ts'
import type { Arrival, Core } from './core.ts'
import type { Policy } from './policy.ts'
import { Visit } from './visit.ts'

/** What adapters tell of a request. */
export interface RequestFacts {
  readonly method: string
  readonly headers: HeaderRecord
  /** Whether this server itself spoke TLS with the other end of the socket. */
  readonly isTls: boolean
}

/** The methods that change nothing (RFC 9110 §9.2.1). */
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/** How the session of a request is looked up. */
export type Opening = 'always' | 'manual'

/**
 * The session of a request. Without a token the store isn't asked; nor is one that answers at once
 * before the session is used.
 */
export function openVisit<Data extends object>(
  core: Core<Data>,
  carriers: Carriers,
  facts: RequestFacts,
  opening: Opening,
): Awaitable<Visit<Data>> {
  const visit = new Visit(core, arrivalOf(core.policy, carriers, facts))
  if (core.store.answersAtOnce || opening === 'manual') return visit
  const opened = visit.open()
  return opened instanceof Promise ? opened.then(() => visit) : visit
}

function arrivalOf(policy: Policy, carriers: Carriers, facts: RequestFacts): Arrival {
  const { headers } = facts
  if (!isAllowedHost(headerText(headers, 'host') ?? '', policy))
    throw new SojournError('HOST_FOREIGN')
  const cookies = carriers.cookie.read(headers)
  const isCookieSent = cookies.length > 0
  // Without a cookie nothing is done in a visitor's name yet; but none may be given either, since
  // it would take the place of theirs (login CSRF): that is refused when it comes to it.
  const isForged = isForgery(facts, policy)
  if (isCookieSent && isForged) throw new SojournError('ORIGIN_FOREIGN')
  const token = tokenAmong(cookies, carriers.header.read(headers))
  // Whoever can read along has the token already; to go on would hide it.
  if (token !== undefined && !isTransportSafe(facts, policy))
    throw new SojournError('TLS_REQUIRED', 'A session token came over plain http.')
  return {
    token,
    isSecure: isTls(facts, policy),
    isForged,
    isUnsafe: !safeMethods.has(facts.method),
    isHeaderClient: token !== undefined && !isCookieSent,
    userAgent: headerText(headers, 'user-agent'),
  }
}

/**
 * The token that came with a request, whatever carried it.
 *
 * @throws SojournError `COOKIE_MALFORMED`; `CARRIER_CONFLICT` for two different ones: a sibling
 * domain may have planted one of them (ASVS 5.0 §15.3.7)
 */
export function tokenOf(headers: HeaderRecord, { cookie, header }: Carriers): string | undefined {
  return tokenAmong(cookie.read(headers), header.read(headers))
}

function tokenAmong(cookies: readonly string[], others: readonly string[]): string | undefined {
  const token = cookies[0] ?? others[0]
  const isOther = (other: string): boolean => other !== token
  if (cookies.some(isOther) || others.some(isOther)) throw new SojournError('CARRIER_CONFLICT')
  if (!cookies.every(isToken)) throw new SojournError('COOKIE_MALFORMED')
  return token
}

/** Node keeps the first of two Hosts without a word (RFC 9112 §3.2 asks to refuse them). */
export function withAllHosts(headers: HeaderRecord, raw: readonly string[]): HeaderRecord {
  let hosts: string[] | undefined
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] as string
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue
    hosts ??= []
    hosts.push(raw[at + 1] as string)
  }
  return hosts && hosts.length > 1 ? { ...headers, host: hosts } : headers
}

/** Compared without case: host names have none. */
export function isAllowedHost(host: string, { hosts }: Policy): boolean {
  return hosts.has(host) || hosts.has(host.toLowerCase())
}

/**
 * Whether an unsafe request comes from a page that isn't ours: Fetch Metadata first,
 * Origin for older browsers. Clients that send neither aren't browsers, which nobody can lure.
 */
export function isForgery(
  { method, headers }: Pick<RequestFacts, 'method' | 'headers'>,
  { origins }: Policy,
): boolean {
  if (safeMethods.has(method)) return false
  const site = headerText(headers, 'sec-fetch-site')
  const origin = headerText(headers, 'origin')
  if (site === 'same-origin' || site === 'none') return false
  if (origin !== undefined) return !origins.has(origin)
  return site !== undefined
}

type Transport = Pick<RequestFacts, 'headers' | 'isTls'>

/** Whether a request may carry what nobody else must read: over TLS, or in development. */
export function isTransportSafe(facts: Transport, policy: Policy): boolean {
  return policy.developmentPort !== undefined || isTls(facts, policy)
}

function isTls(facts: Transport, { trustProxy }: Policy): boolean {
  return facts.isTls || (trustProxy && isForwardedTls(facts.headers))
}

/** The hop nearest to the client is named first. */
function isForwardedTls(headers: HeaderRecord): boolean {
  const [first = ''] = (headerText(headers, 'x-forwarded-proto') ?? '').split(',')
  return first.trim().toLowerCase() === 'https'
}
