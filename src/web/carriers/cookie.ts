/** Cookies as RFC 6265bis has them: only what a session needs, and strictly. */
import { type CookieCarrier, headerText } from '../session/index.ts'

/** Browsers drop a cookie whose name and value take more bytes (RFC 6265bis §5.6). */
const cookieBytesMax = 4096
const namePattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const valuePattern = /^[!#-+\--:<-[\]-~]*$/

/** What a cookie says beside its name and value. Always `HttpOnly`, `SameSite=Lax`, `Path=/`. */
export interface CookieAttributes {
  readonly isSecure: boolean
  /** 0 removes the cookie; left out, it ends with the browser. */
  readonly maxAgeSeconds?: number
}

/** Every different value that a `Cookie` header has under a name, in order. */
export function parseCookie(header: string, name: string): readonly string[] {
  let values: string[] | undefined
  for (let at = header.indexOf(name); at >= 0; at = header.indexOf(name, at + name.length)) {
    const before = header.lastIndexOf(';', at)
    const equals = header.indexOf('=', at + name.length)
    if (equals < 0) break
    const isName = isBlank(header, before + 1, at) && isBlank(header, at + name.length, equals)
    if (!isName) continue
    const end = header.indexOf(';', equals)
    const value = header.slice(equals + 1, end < 0 ? undefined : end).trim()
    if (!values) values = [value]
    else if (!values.includes(value)) values.push(value)
  }
  return values ?? none
}

const none: readonly string[] = []

function withoutCookie(header: string, name: string): string | undefined {
  const isOther = (pair: string): boolean => pair.split('=', 1)[0]?.trim() !== name
  const others = header.split(';').filter(isOther)
  return others.join(';').trim() || undefined
}

/** Browsers send a cookie without a name, `=a=b`, as if it were `a=b`; prefixes have no case. */
function setsCookie(line: string, name: string): boolean {
  const [, found] = /^[\s=]*([^=;]*)/.exec(line) ?? []
  return found?.trim().toLowerCase() === name.toLowerCase()
}

function isBlank(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (text[at] !== ' ' && text[at] !== '\t') return false
  return true
}

/**
 * The value of a `Set-Cookie` header.
 *
 * @throws TypeError for letters that no cookie may have; RangeError above 4096 bytes
 */
export function serialiseCookie(
  name: string,
  value: string,
  { isSecure, maxAgeSeconds }: CookieAttributes,
): string {
  if (!namePattern.test(name)) throw new TypeError(`not a cookie name: ${name}`)
  if (!valuePattern.test(value)) throw new TypeError(`the value of ${name} needs encoding`)
  if (name.length + value.length > cookieBytesMax)
    throw new RangeError(`the cookie ${name} takes more than ${cookieBytesMax} bytes`)
  const lifetime = maxAgeSeconds === undefined ? '' : `; Max-Age=${maxAgeSeconds}`
  return `${name}=${value}; Path=/; HttpOnly${isSecure ? '; Secure' : ''}; SameSite=Lax${lifetime}`
}

/** Carries the token in one cookie. The server keeps the time, whatever the browser does. */
export function cookieCarrier(name: string, isSecure: boolean): CookieCarrier {
  return {
    read: (headers) => parseCookie(headerText(headers, 'cookie', '; ') ?? '', name),
    without: (header, value) => {
      if (header === 'cookie') return withoutCookie(value, name)
      return header === 'set-cookie' && setsCookie(value, name) ? undefined : value
    },
    give: (token, lifetimeMs) => {
      const lasting = lifetimeMs !== undefined && { maxAgeSeconds: Math.ceil(lifetimeMs / 1_000) }
      return serialiseCookie(name, token, { isSecure, ...lasting })
    },
    remove: () => serialiseCookie(name, '', { isSecure, maxAgeSeconds: 0 }),
  }
}
