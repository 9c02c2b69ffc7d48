import { systemClock } from '../../base/core/index.ts'
import { deprecate } from './notes.ts'

/** What the session cookie says beside its name and value. */
export interface CookieOptions {
  /** Default: none, so browsers send it to this host alone. */
  readonly domain?: string | undefined
  /** When it ends; `maxAge` is the better choice. Of the two, the later one in the object counts. */
  readonly expires?: Date | null | false | undefined
  /** Default true. */
  readonly httpOnly?: boolean | undefined
  /** Milliseconds. Default null: it ends with the browser. */
  readonly maxAge?: number | null | undefined
  /** Default: what `maxAge` is. */
  readonly originalMaxAge?: number | null | undefined
  /** Keeps a cookie apart by the site that embeds this one. Default: not said. */
  readonly partitioned?: boolean | undefined
  /** Default `/`: requests outside of it have no session. */
  readonly path?: string | undefined
  /** Which cookies a browser drops first. Default: not said. */
  readonly priority?: 'low' | 'medium' | 'high' | undefined
  /** `true` is `strict`; `auto`: `none` over TLS, else `lax`. Default: not said. */
  readonly sameSite?: boolean | 'lax' | 'strict' | 'none' | 'auto' | undefined
  /** `auto`: as the request came. A cookie with `true` isn't set over plain http. Default false. */
  readonly secure?: boolean | 'auto' | undefined
}

/** The cookie of a session as stores write it. */
export type CookieJson = Omit<CookieOptions, 'maxAge'>

/** The cookie of one session: `req.session.cookie`, to be changed in place. */
export class Cookie {
  /** The attributes are those of `CookieOptions`. */
  declare path: string
  declare httpOnly: boolean
  declare domain?: string | undefined
  declare secure?: boolean | 'auto' | undefined
  declare sameSite?: CookieOptions['sameSite']
  declare partitioned?: boolean | undefined
  declare priority?: CookieOptions['priority']
  /** The lifetime that every use starts anew, milliseconds; null: until the browser closes. */
  declare originalMaxAge: number | null | undefined
  /** Where stores of old look for `expires`. */
  declare _expires: Date | null | false | undefined

  /** @throws TypeError when `options` is no object, or its `maxAge` no number */
  constructor(options?: CookieOptions | Cookie) {
    this.path = '/'
    this.maxAge = null
    this.httpOnly = true
    if (options && typeof options !== 'object')
      throw new TypeError(`the options of a cookie must be an object, got ${typeof options}`)
    const { data: _, ...known } = { ...options } as CookieOptions & { data?: unknown }
    Object.assign(this, known)
    this.originalMaxAge ??= this.maxAge
  }

  /** When the cookie ends; null or false: with the browser. */
  get expires(): Date | null | false | undefined {
    return this._expires
  }

  set expires(date: Date | null | false | undefined) {
    this._expires = date
    this.originalMaxAge = this.maxAge
  }

  /** Milliseconds from now until the cookie ends; null: with the browser. */
  get maxAge(): number | null | undefined {
    const { expires } = this
    if (expires instanceof Date) return expires.valueOf() - systemClock.nowMs()
    return expires as null | undefined
  }

  /** @throws TypeError for what is neither a number nor empty */
  set maxAge(ms: number | Date | null | undefined) {
    if (ms && typeof ms !== 'number' && !(ms instanceof Date))
      throw new TypeError(`cookie.maxAge must be a number of milliseconds, got ${ms}`)
    if (ms instanceof Date) deprecate('give cookie.maxAge as milliseconds, not as a Date')
    this.expires = typeof ms === 'number' ? new Date(systemClock.nowMs() + ms) : ms
  }

  /** All that is stored. */
  get data(): CookieJson {
    const { originalMaxAge, partitioned, priority, expires } = this
    const { secure, httpOnly, domain, path, sameSite } = this
    const times = { originalMaxAge, expires }
    return { ...times, partitioned, priority, secure, httpOnly, domain, path, sameSite }
  }

  /** The same, for JSON. */
  toJSON(): CookieJson {
    return this.data
  }

  /** The value of its `Set-Cookie` header. */
  serialize(name: string, value: string): string {
    return serialiseCookie(name, value, this.data)
  }
}

const namePattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: what no attribute may contain
const unfitPattern = /[;\u0000-\u001f\u007f]/

/**
 * The value of a `Set-Cookie` header, with the attributes in the order that clients of
 * `express-session` have seen so far.
 *
 * @throws TypeError for a name or attribute that no cookie can have
 */
export function serialiseCookie(name: string, value: string, cookie: CookieJson): string {
  if (!namePattern.test(name)) throw new TypeError(`not a cookie name: ${name}`)
  const { domain, path, expires, httpOnly, secure, partitioned, priority, sameSite } = cookie
  const parts = [`${name}=${encodeURIComponent(value)}`]
  if (domain) parts.push(`Domain=${sendable('domain', domain)}`)
  if (path) parts.push(`Path=${sendable('path', path)}`)
  if (expires) parts.push(`Expires=${dateText(expires)}`)
  if (httpOnly) parts.push('HttpOnly')
  if (secure) parts.push('Secure')
  if (partitioned) parts.push('Partitioned')
  if (priority) parts.push(`Priority=${word('priority', priority, ['Low', 'Medium', 'High'])}`)
  if (sameSite) {
    const wanted = sameSite === true ? 'strict' : sameSite
    parts.push(`SameSite=${word('sameSite', wanted, ['Strict', 'Lax', 'None'])}`)
  }
  return parts.join('; ')
}

/** The first value that a `Cookie` header has under a name, decoded where it can be. */
export function readCookie(header: string, name: string): string | undefined {
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    if (at < 0 || pair.slice(0, at).trim() !== name) continue
    const value = pair
      .slice(at + 1)
      .trim()
      .replace(/^"(.*)"$/, '$1')
    try {
      return decodeURIComponent(value)
    } catch {
      return value
    }
  }
  return undefined
}

function sendable(name: string, text: string): string {
  if (typeof text === 'string' && !unfitPattern.test(text)) return text
  throw new TypeError(`cookie.${name} can't be sent: ${text}`)
}

function dateText(date: Date): string {
  if (date instanceof Date && Number.isFinite(date.valueOf())) return date.toUTCString()
  throw new TypeError(`cookie.expires must be a valid Date, got ${date}`)
}

function word(name: string, given: unknown, known: readonly string[]): string {
  const found = known.find((one) => one.toLowerCase() === String(given).toLowerCase())
  if (found === undefined)
    throw new TypeError(`cookie.${name} must be one of ${known}, got ${given}`)
  return found
}
