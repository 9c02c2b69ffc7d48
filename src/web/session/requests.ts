/** What a request must look like before its session is looked up, and the look-up. */
import { SojournError } from '../../base/core/index.ts'
import { hashToken, isToken } from '../../base/secrets/index.ts'
import { type Carriers, type HeaderRecord, headerText } from './carrier.ts'
import type { Core } from './core.ts'
import { deviceOf } from './device.ts'
import type { Policy } from './policy.ts'
import { type Steps, wait } from './steps.ts'
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

/** The session of a request. Without a token the store isn't asked. */
export function* openVisit<Data extends object>(
  core: Core<Data>,
  carriers: Carriers,
  facts: RequestFacts,
): Steps<Visit<Data>> {
  const { policy, store } = core
  const { headers } = facts
  if (!isAllowedHost(headerText(headers, 'host') ?? '', policy))
    throw new SojournError('HOST_FOREIGN')
  const isCookieSent = carriers.cookie.read(headers).length > 0
  // Without a cookie nothing is done in a visitor's name yet; but none may be given either, since
  // it would take the place of theirs (login CSRF): that is refused when it comes to it.
  const isForged = isForgery(facts, policy)
  if (isCookieSent && isForged) throw new SojournError('ORIGIN_FOREIGN')
  const token = tokenOf(headers, carriers)
  const isSecure = facts.isTls || (policy.trustProxy && isForwardedTls(headers))
  const way = {
    isSecure,
    isForged,
    isUnsafe: !safeMethods.has(facts.method),
    isHeaderClient: token !== undefined && !isCookieSent,
    device: deviceOf(headerText(headers, 'user-agent')),
  }
  if (token === undefined) return new Visit(core, way)
  // Whoever can read along has the token already; to go on would hide it.
  if (!isSecure && policy.developmentPort === undefined)
    throw new SojournError('TLS_REQUIRED', 'A session token came over plain http.')
  const tokenHash = hashToken(token)
  const state = yield* wait(store.read(tokenHash))
  if (state?.kind === 'live')
    return new Visit(core, { ...way, token, tokenHash, record: state.record })
  const reason = state?.reason
  // After expiry and revocation no other response brings a successor: the visitor may start anew.
  if (reason === undefined || reason === 'expired' || reason === 'revoked')
    return new Visit(core, way)
  return new Visit(core, { ...way, tokenHash, barred: reason })
}

/**
 * The token that came with a request, whatever carried it.
 *
 * @throws SojournError `COOKIE_MALFORMED`; `CARRIER_CONFLICT` for two different ones: a sibling
 * domain may have planted one of them (ASVS 5.0 §15.3.7)
 */
export function tokenOf(headers: HeaderRecord, { cookie, bearer }: Carriers): string | undefined {
  const cookies = cookie.read(headers)
  const tokens = new Set([...cookies, ...bearer.read(headers)])
  if (tokens.size > 1) throw new SojournError('CARRIER_CONFLICT')
  if (!cookies.every(isToken)) throw new SojournError('COOKIE_MALFORMED')
  return tokens.values().next().value
}

/** Node keeps the first of two Hosts without a word (RFC 9112 §3.2 asks to refuse them). */
export function withAllHosts(headers: HeaderRecord, raw: readonly string[]): HeaderRecord {
  const hosts = raw.filter(
    (_, index) => raw[index - 1]?.toLowerCase() === 'host' && index % 2 === 1,
  )
  return hosts.length > 1 ? { ...headers, host: hosts } : headers
}

/** Compared without case: host names have none. */
export function isAllowedHost(host: string, { hosts }: Policy): boolean {
  return hosts.has(host.toLowerCase())
}

/**
 * Whether an unsafe request comes from a page that isn't ours: Fetch Metadata first,
 * Origin for older browsers. Clients that send neither aren't browsers, which nobody can lure.
 */
function isForgery({ method, headers }: RequestFacts, { origins }: Policy): boolean {
  if (safeMethods.has(method)) return false
  const site = headerText(headers, 'sec-fetch-site')
  const origin = headerText(headers, 'origin')
  if (site === 'same-origin' || site === 'none') return false
  if (origin !== undefined) return !origins.has(origin)
  return site !== undefined
}

/** The hop nearest to the client is named first. */
function isForwardedTls(headers: HeaderRecord): boolean {
  const [first = ''] = (headerText(headers, 'x-forwarded-proto') ?? '').split(',')
  return first.trim().toLowerCase() === 'https'
}
