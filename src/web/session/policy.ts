import type { SessionTimes } from './store.ts'
import type { CreateSessionsOptions } from './types.ts'

const minuteMs = 60e3
const dayMs = 24 * 60 * minuteMs
/** Browsers keep no cookie longer (RFC 6265bis §5.5); a session that long is a mistake anyway. */
const sessionMsMax = 400 * dayMs

/** What no option changes. */
export const sessionLimits = {
  /** Tries of a commit against parallel ones before `SESSION_CONFLICT`. */
  triesMax: 5,
  /** How long a rotated token is still accepted, for requests that are on their way. */
  rotationGraceMs: 10_000,
  /** How long the token of what ended is known as such. */
  tombstoneMs: 300_000,
  /** Sessions ended by one sweep. */
  sweepMax: 500,
  /** Updates of one session that wait for each other in this process. */
  updatesWaitingMax: 256,
  /** Bytes of a response held back while its session is stored. */
  heldBytesMax: 16_777_216,
  /** How long a hand-over code lives by default, and at most: a mail takes its time. */
  codeMs: 60_000,
  codeMsMax: 900_000,
  /** Messages that wait for the next page; the oldest make room. */
  flashMax: 32,
  /** Length of a user id and of the name of a factor. */
  userIdCharsMax: 256,
  /**
   * What this process remembers of sessions that were read, in bytes of stored data. In memory it
   * takes a few times as much; thirty times, if visitors fill their data with empty objects.
   */
  cachedBytesMax: 16_777_216,
  /** Events that one request may track before its commit. */
  eventsMax: 100,
} as const

type GivenPolicy = Pick<
  CreateSessionsOptions,
  | 'idleAfterMs'
  | 'endAfterMs'
  | 'dataBytesMax'
  | 'userSessionsMax'
  | 'carriers'
  | 'rememberForMs'
  | 'freshForMs'
  | 'version'
  | 'origins'
  | 'trustProxy'
  | 'development'
> & { readonly schema?: unknown; readonly initial?: unknown }

/** The options of `createSessions()`, checked and complete. */
export interface Policy {
  readonly idleAfterMs: number
  readonly endAfterMs: number
  readonly dataBytesMax: number
  readonly userSessionsMax: number
  readonly rememberForMs: number
  readonly freshForMs: number
  readonly version: number
  /** Headers that may hold a token; lower case. */
  readonly bearer: boolean
  readonly header: string | undefined
  readonly origins: ReadonlySet<string>
  readonly hosts: ReadonlySet<string>
  readonly trustProxy: boolean
  /** The port of a development server; `undefined` in production. */
  readonly developmentPort: number | undefined
}

/**
 * Checks the options that are data.
 *
 * @throws TypeError, RangeError with the value seen
 */
export function policyOf(options: GivenPolicy): Policy {
  const { idleAfterMs = 30 * minuteMs, endAfterMs = 720 * minuteMs, development } = options
  const { dataBytesMax = 64 * 1024, userSessionsMax = 100, trustProxy } = options
  const { rememberForMs = 30 * dayMs, freshForMs = 10 * minuteMs, version = 1 } = options
  checkRange('idleAfterMs', idleAfterMs, sessionMsMax)
  checkRange('endAfterMs', endAfterMs, sessionMsMax)
  checkRange('dataBytesMax', dataBytesMax, 16 * 1024 * 1024)
  checkRange('userSessionsMax', userSessionsMax, 10_000)
  checkRange('rememberForMs', rememberForMs, sessionMsMax)
  checkRange('freshForMs', freshForMs, sessionMsMax)
  checkRange('version', version, 2 ** 31)
  if (development) checkRange('development.port', development.port, 65_535)
  if (options.schema && !options.initial)
    throw new TypeError('initial is required with a schema: a new session must fit it')
  if (typeof trustProxy !== 'boolean' && !(development && trustProxy === undefined))
    throw new TypeError(`trustProxy must be true or false in production, got ${trustProxy}`)
  const origins = (options.origins ?? loopbackOrigins(development)).map(checkedOrigin)
  if (origins.length === 0) throw new TypeError('origins must name at least one')
  const plain = origins.find(({ protocol }) => protocol === 'http:')
  if (plain && !development)
    throw new TypeError(`origins: ${plain.origin} must be https, browsers keep no cookie else`)
  const remote = origins.find(
    ({ protocol, hostname }) => protocol === 'http:' && !isLoopback(hostname),
  )
  if (remote)
    throw new TypeError(`origins: ${remote.origin} must be https, tokens travel in the clear else`)
  const { bearer = true, header } = options.carriers ?? {}
  if (header !== undefined) checkHeader(header)
  return {
    idleAfterMs,
    endAfterMs,
    dataBytesMax,
    userSessionsMax,
    rememberForMs,
    freshForMs,
    version,
    bearer,
    header: header?.toLowerCase(),
    origins: new Set(origins.map(({ origin }) => origin)),
    hosts: new Set(origins.flatMap(hostsOf)),
    trustProxy: trustProxy ?? false,
    developmentPort: development?.port,
  }
}

/** How long a session may go without a request. */
export function idleMsOf(isRemembered: boolean, policy: Policy): number {
  return isRemembered ? policy.rememberForMs : policy.idleAfterMs
}

/** The times that a use at `nowMs` leaves. */
export function timesAt(nowMs: number, endsAtMs: number, idleMs: number): SessionTimes {
  return { touchedAtMs: nowMs, expiresAtMs: Math.min(nowMs + idleMs, endsAtMs) }
}

/**
 * Whether a use has to be written. Once per tenth of the idle time is enough: a session may end
 * that much early, never late.
 */
export function isTouchDue(nowMs: number, touchedAtMs: number, idleMs: number): boolean {
  return nowMs - touchedAtMs >= idleMs / 10
}

const foreignHeader =
  /^(accept|accept-.*|age|authorization|cache-control|connection|content-.*|cookie|date|expect|forwarded|from|host|if-.*|keep-alive|origin|pragma|priority|proxy-.*|range|referer|sec-.*|server|set-cookie|te|trailer|transfer-encoding|upgrade|user-agent|vary|via|x-forwarded-.*|x-real-ip)$/i

/** Headers that have another meaning, or that browsers send by themselves, are none for tokens. */
function checkHeader(name: unknown): void {
  const isName = typeof name === 'string' && /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}$/.test(name)
  if (!isName || foreignHeader.test(name))
    throw new TypeError(`carriers.header must be a name of the application's own, got ${name}`)
}

function checkRange(name: string, value: number, max: number): void {
  if (!Number.isInteger(value)) throw new TypeError(`${name} must be a whole number, got ${value}`)
  if (value < 1 || value > max) throw new RangeError(`${name} must be 1 to ${max}, got ${value}`)
}

function loopbackOrigins(development: { readonly port: number } | undefined): readonly string[] {
  if (!development) throw new TypeError('origins is required in production')
  return ['localhost', '127.0.0.1'].map(
    (name) => new URL(`http://${name}:${development.port}`).origin,
  )
}

/** Names that never leave the machine (RFC 6761 §6.3). */
function isLoopback(hostname: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}

function checkedOrigin(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.origin !== text || !/^https?:$/.test(url.protocol))
    throw new TypeError(`origins: ${text} must be like https://example.com, without a path`)
  return url
}

/** The `Host` of an origin; the default port of its scheme may be spelt out. */
function hostsOf({ host, port, protocol }: URL): readonly string[] {
  return port ? [host] : [host, `${host}:${protocol === 'https:' ? 443 : 80}`]
}
