/**
 * `sojourn/express-session`: a drop-in for the package `express-session`, with its call, options,
 * stores and cookie. See docs/guide/express-session.md for what it does better.
 */
import '../../base/core/hints.ts'
import { Cookie } from './cookie.ts'
import { MemoryStore } from './memory-store.ts'
import { middleware, type SessionMiddleware } from './middleware.ts'
import type { SessionOptions } from './options.ts'
import { Session } from './session.ts'
import { Store } from './store.ts'

export type { CookieJson, CookieOptions } from './cookie.ts'
export type { SessionMiddleware } from './middleware.ts'
export type { SessionOptions } from './options.ts'
export { type StoreFromOptions, storeFrom } from './store-from.ts'
// `export *`, so that applications can extend SessionData by naming this module.
export * from './types.ts'
export { Cookie, MemoryStore, Session, Store }

/** Makes the middleware; the classes are found on it, too. */
export interface SessionFactory {
  (options?: SessionOptions): SessionMiddleware
  readonly Cookie: typeof Cookie
  readonly MemoryStore: typeof MemoryStore
  readonly Session: typeof Session
  readonly Store: typeof Store
}

const session: SessionFactory = Object.assign((options?: SessionOptions) => middleware(options), {
  Cookie,
  MemoryStore,
  Session,
  Store,
})

export default session
// What `require('sojourn/express-session')` returns.
export { session as 'module.exports' }
