/** What the middleware reads from a request. */
import type { TLSSocket } from 'node:tls'
import { type SigningKeys, verify } from '../../base/secrets/index.ts'
import { readCookie } from './cookie.ts'
import { debug, deprecate } from './notes.ts'
import type { SessionRequest } from './types.ts'

/** The session id of the cookie; `undefined` when there is none or its signature is no good. */
export function cookieIdOf(
  req: SessionRequest,
  name: string,
  secrets: SigningKeys,
): string | undefined {
  const id = unsigned(readCookie(req.headers.cookie ?? '', name), secrets)
  if (id) return id
  // What cookie-parser found elsewhere than in the header.
  const parsed = req.signedCookies?.[name] || unsigned(req.cookies?.[name], secrets)
  if (parsed) deprecate('the session cookie should come in the header of the request')
  return parsed || undefined
}

function unsigned(value: string | undefined, secrets: SigningKeys): string | undefined {
  if (!value) return undefined
  if (!value.startsWith('s:')) {
    debug('the cookie is not signed')
    return undefined
  }
  const id = verify(value.slice(2), secrets)
  if (id === undefined) debug('the signature of the cookie is not ours')
  return id
}

/** Whether a request came over TLS. */
export function isSecure({ socket, headers, secure }: SessionRequest, proxy?: boolean): boolean {
  if ((socket as Partial<TLSSocket> | undefined)?.encrypted) return true
  if (proxy === undefined) return secure === true
  const [first = ''] = String(headers['x-forwarded-proto'] ?? '').split(',')
  return proxy && first.trim().toLowerCase() === 'https'
}

/** The path that the client asked for, wherever the middleware is mounted. */
export function pathOf({ originalUrl, url = '/' }: SessionRequest): string {
  const asked = originalUrl ?? url
  if (!asked.startsWith('/') && URL.canParse(asked)) return new URL(asked).pathname
  return asked.split(/[?#]/, 1)[0] || '/'
}
