import type { IncomingMessage } from 'node:http'
import type { Cookie, CookieJson } from './cookie.ts'
import type { Session } from './session.ts'
import type { Store } from './store.ts'

/**
 * What sessions hold, for the application to extend:
 * `declare module 'sojourn/express-session' { interface SessionData { views: number } }`.
 */
export interface SessionData {
  cookie: Cookie
}

/** A session as a store hands it out: what JSON can carry. */
export interface StoredSession {
  cookie: CookieJson
  [key: string]: unknown
}

/** A request as the middleware sees it; what other middleware may have added is optional. */
export type SessionRequest = IncomingMessage & {
  session?: (Session & Partial<SessionData>) | null
  sessionID?: string
  sessionStore?: Store
  readonly originalUrl?: string
  /** Express: whether the request came over TLS, as `trust proxy` has it. */
  readonly secure?: boolean
  /** cookie-parser. */
  readonly secret?: string
  readonly cookies?: Readonly<Record<string, string>>
  readonly signedCookies?: Readonly<Record<string, string | false>>
}

declare global {
  namespace Express {
    interface Request {
      session: Session & Partial<SessionData>
      sessionID: string
      sessionStore: Store
    }
  }
}
