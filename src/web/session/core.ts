import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Clock, Log, Random, SessionId } from '../../base/core/index.ts'
import type { CookieCarrier } from './carrier.ts'
import type { Draft } from './draft.ts'
import type { EventSink } from './events.ts'
import type { Policy } from './policy.ts'
import type { Queue } from './queue.ts'
import type { EndReason, SessionRecord, SessionStore, SessionUser } from './store.ts'

/** What all requests share. */
export interface Core<Data extends object> {
  readonly policy: Policy
  readonly schema: StandardSchemaV1<unknown, Data> | undefined
  readonly initial: () => Data
  readonly store: SessionStore
  readonly cookie: CookieCarrier
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly updates: Queue
  readonly events: EventSink | undefined
  /** Tells the listeners that the store confirmed an end. */
  ended(id: SessionId, reason: EndReason): void
}

/** Where one request stands with its session: what it found, and what it wants done. */
export interface Stage<Data extends object> {
  /** The hash of the session's token; `undefined` while none is stored. */
  tokenHash: string | undefined
  record: SessionRecord | undefined
  /**
   * The token was replaced or logged out: another response brings the browser its successor, so
   * this request may write nothing and must not set a cookie over it.
   */
  readonly barred: 'login' | 'logout' | 'rotated' | undefined
  draft: Draft<Data>
  /** A staged `login()` or `logout()`: the session is left for another one. */
  departure: Departure | undefined
  /** A staged `rotate()`. */
  rotates: boolean
  /** The `Set-Cookie` that the response owes the client. */
  setCookie: string | undefined
  /** What the request's client is, in a few words. */
  readonly device: string | undefined
  /** Whether the request came over TLS. */
  readonly isSecure: boolean
  /** Whether a page that isn't ours made the browser send it: then it gets no cookie. */
  readonly isForged: boolean
  /** Whether the response's headers have left. */
  hasStarted: boolean
  /** Whether the response is complete, or out of our hands: nobody commits any more. */
  isOver: boolean
}

export type Departure =
  | { readonly reason: 'login'; readonly user: SessionUser }
  | { readonly reason: 'logout'; readonly user?: undefined }
