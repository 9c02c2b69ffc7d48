import type { IncomingMessage, ServerResponse } from 'node:http'
import { silentLog } from '../../base/core/index.ts'
import type { SigningKeys } from '../../base/secrets/index.ts'
import { barrier, problemOf } from '../session/index.ts'
import { tell } from './answer.ts'
import { Exchange, generate } from './exchange.ts'
import { debug } from './notes.ts'
import { type SessionOptions, type Settings, settingsOf } from './options.ts'
import { pathOf } from './requests.ts'
import { hostOf, setHost } from './session.ts'
import type { SessionRequest } from './types.ts'

/** Middleware for Express, Connect and whatever else calls `(req, res, next)`. */
export type SessionMiddleware = (
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => void

/**
 * Gives requests their session, `req.session`, and stores it before anything of the response
 * leaves. What the store reports goes to `next`.
 *
 * @throws TypeError at once for options that can't work
 */
export function middleware(options?: SessionOptions): SessionMiddleware {
  const settings = settingsOf(options)
  const { store } = settings
  let isConnected = true
  store.on('disconnect', () => {
    isConnected = false
  })
  store.on('connect', () => {
    isConnected = true
  })
  // A store that several share: the request tells whose session it is.
  store.generate = (req) => {
    const host = hostOf(req)
    if (host) host.generate()
    else generate(settings, req)
  }
  return function session(request, response, next): void {
    const req: SessionRequest = request
    const reason = req.session ? 'there is a session already' : whyNot(req, settings, isConnected)
    if (reason !== undefined) {
      debug('no session for this request: %s', reason)
      next()
      return
    }
    const secrets = settings.secrets ?? (req.secret ? ([req.secret] as SigningKeys) : undefined)
    if (secrets) serve(new Exchange(settings, req, secrets), req, response, next)
    else next(new Error('sessions need the option `secret`'))
  }
}

function whyNot(req: SessionRequest, settings: Settings, isConnected: boolean): string | undefined {
  if (!isConnected) return 'the store is disconnected'
  const { path } = settings.cookieFor(req)
  return pathOf(req).startsWith(path || '/') ? undefined : 'the cookie is for another path'
}

function serve(
  exchange: Exchange,
  req: SessionRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
): void {
  setHost(req, exchange)
  const fail = (error: unknown): void => {
    debug('failed: %o', error)
    next(error)
  }
  // For upgrades, servers of WebSockets call with an object that is no response: nothing is stored
  // by itself then, nor a cookie sent.
  if (typeof response.getHeaders === 'function')
    barrier(response, exchange, (error) => problemOf(error, silentLog), fail)
  const opened = exchange.open()
  if (opened) tell(opened, (error) => (error ? fail(error) : next()))
  else next()
}
