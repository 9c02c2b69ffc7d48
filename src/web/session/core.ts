import type { Clock, Log, Random, SessionId } from '../../base/core/index.ts'
import type { SessionCache } from './cache.ts'
import type { CookieCarrier } from './carrier.ts'
import type { Content, Contents } from './contents.ts'
import type { Draft } from './draft.ts'
import type { EventSink } from './events.ts'
import type { Policy } from './policy.ts'
import type { Queue } from './queue.ts'
import type { EndReason, SessionRecord, SessionStore, SessionUser } from './store.ts'

/** What all requests share. */
export interface Core<Data extends object> {
  readonly policy: Policy
  readonly contents: Contents<Data>
  /** What a new session holds, of its own. */
  readonly fresh: () => Content<Data>
  readonly store: SessionStore
  readonly cache: SessionCache<Content<Data>>
  readonly cookie: CookieCarrier
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly updates: Queue
  readonly events: EventSink | undefined
  /** Tells the listeners that the store confirmed an end. */
  ended(id: SessionId, reason: EndReason): void
}

/** What is known of a request before its session is looked up. */
export interface Arrival {
  /** The token that came along. */
  readonly token: string | undefined
  /** Whether the token came in a header. */
  readonly isHeaderClient: boolean
  /** Whether the method may change something. */
  readonly isUnsafe: boolean
  /** Whether it came over TLS. */
  readonly isSecure: boolean
  /** Whether a page that isn't ours made the browser send it: then it gets no cookie. */
  readonly isForged: boolean
  /** What the client says it is. */
  readonly userAgent: string | undefined
}

/** What a request's token led to. */
export interface Found {
  /** The token's hash, unless a session that begins anew takes its place. */
  readonly tokenHash: string | undefined
  readonly record: SessionRecord | undefined
  /**
   * The token was replaced or logged out: another response brings the browser its successor, so
   * this request may write nothing and must not set a cookie over it.
   */
  readonly barred: 'login' | 'logout' | 'rotated' | undefined
}

/** Where one request stands with its session: what it found, and what it wants done. */
export interface Stage<Data extends object> extends Omit<Arrival, 'isHeaderClient'> {
  /** The hash of the session's token; `undefined` while none is stored. */
  tokenHash: string | undefined
  /** The token that the session will get, once somebody had to know it in advance. */
  nextToken: string | undefined
  /** Whether the session must be stored even if nothing was written to it. */
  isWanted: boolean
  record: SessionRecord | undefined
  readonly barred: Found['barred']
  draft: Draft<Data>
  /** A staged `login()` or `logout()`: the session is left for another one. */
  departure: Departure | undefined
  /** A staged `rotate()`. */
  rotates: boolean
  /** The `Set-Cookie` that the response owes the client. */
  setCookie: string | undefined
  /** Whether the client carries its token in a header, so that no cookie is given. */
  isHeaderClient: boolean
  /** Whether the response's headers have left. */
  hasStarted: boolean
  /** Whether the response is complete, or out of our hands: nobody commits any more. */
  isOver: boolean
}

export type Departure =
  | {
      readonly reason: 'login'
      readonly user: SessionUser | undefined
      readonly isRemembered: boolean
      /** The session that was handed over; the new one ends with it. */
      readonly parent?: SessionRecord
    }
  | {
      readonly reason: 'logout'
      readonly user?: undefined
      readonly isRemembered: false
      readonly parent?: undefined
    }
