import { EventEmitter } from 'node:events'
import { ask, type Callback, tell } from './answer.ts'
import { revive, type Session } from './session.ts'
import type { SessionData, SessionRequest, StoredSession } from './types.ts'

/**
 * The base of all stores. One may emit `disconnect` and `connect`: requests in between have no
 * session.
 */
abstract class BaseStore extends EventEmitter {
  /** Calls back with the session, or with nothing; an error with the code `ENOENT` means nothing. */
  abstract get(sid: string, callback: Callback<StoredSession | null>): unknown
  /** Writes a session, whether there is one of this id or not. */
  abstract set(sid: string, session: Session | StoredSession, callback?: Callback): unknown
  /** Forgets a session. */
  abstract destroy(sid: string, callback?: Callback): unknown

  /** Notes that a session was used, and takes over its cookie. */
  touch?(sid: string, session: Session | StoredSession, callback?: Callback): unknown
  /** All sessions: a list, or an object by their ids. */
  all?(callback: Callback<StoredSession[] | Record<string, StoredSession>>): unknown
  /** Forgets all sessions. */
  clear?(callback?: Callback): unknown
  /** How many sessions there are. */
  length?(callback: Callback<number>): unknown

  /** Begins a new session of a request: set by the middleware. */
  generate(_req: SessionRequest): void {
    throw new TypeError('the store is not in use by session()')
  }

  /** Ends the session of a request and begins another. */
  regenerate(req: SessionRequest, callback: Callback): void {
    const ended = ask<void>((done) => this.destroy(req.sessionID ?? '', done))
    tell(
      ended.finally(() => this.generate(req)),
      callback,
    )
  }

  /** Reads a session outside of any request. */
  load(sid: string, callback: Callback<Session>): void {
    const read = ask<StoredSession | null>((done) => this.get(sid, done))
    const req = { sessionID: sid, sessionStore: this }
    tell(
      read.then((data) => (data ? this.createSession(req, data) : undefined)),
      callback as Callback<Session | undefined>,
    )
  }

  /** Makes the session of a request from what `get` handed out. */
  createSession(
    req: Pick<SessionRequest, 'session' | 'sessionID' | 'sessionStore'>,
    data: StoredSession,
  ): Session & Partial<SessionData> {
    return revive(req, data)
  }
}

/** The base of all stores; `Store.call(this)`, as stores from before classes do, works too. */
export type Store = BaseStore
export const Store: typeof BaseStore = new Proxy(BaseStore, {
  apply: (_, store: object) => Reflect.apply(EventEmitter, store, []),
})
