/** What applications see: a session, all sessions, and what they are made with. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Awaitable, Clock, Log, Random, SessionId } from '../../base/core/index.ts'
import type { HeaderRecord } from './carrier.ts'
import type { EventProps, EventSink } from './events.ts'
import type { Problem } from './problem.ts'
import type { RequestFacts } from './requests.ts'
import type { EndReason, SessionStore, SessionUser } from './store.ts'
import type { Visit } from './visit.ts'

/** The stay of one visitor, as a request sees it. */
export interface Session<Data extends object = Record<string, unknown>> {
  /** The public handle: safe in lists, logs and URLs. `undefined` until something is stored. */
  readonly id: SessionId | undefined
  /** True while this request has found no stored session. */
  readonly isNew: boolean
  /**
   * What the session holds: plain objects and arrays, changed in place. The changes are stored
   * before the response leaves; if a parallel request changed the session meanwhile they are
   * carried out again on its newest version, and what can't be is `SESSION_CONFLICT`.
   * Take it anew after `login()`, `logout()`, `update()` and `commit()`: a change through a
   * reference from before fails the request.
   */
  readonly data: Data
  /** Who is logged in. */
  readonly user: SessionUser | undefined
  /**
   * Logs a user in: a new session with a new id and a new token; the old token is dead at once.
   * Carried out with the response.
   *
   * @param userId the application's id of the user
   * @param options `factors`: how they proved who they are (default none); `keep`: the keys of
   * `data` that the new session takes over (default none), all others start as `initial()`
   * @throws SojournError `SESSION_COMMITTED` once the response has started
   */
  login(userId: string, options?: LoginOptions<Data>): void
  /**
   * Ends the session and removes the cookie, with the response. What is written to `data` after it
   * goes to a fresh session.
   *
   * @throws SojournError `SESSION_COMMITTED` once the response has started
   */
  logout(): void
  /**
   * Gives the session a new token, with the response; its id stays. The old token works for 10 s
   * more, for requests that are on their way. Nothing happens to a session that isn't stored, nor
   * when a parallel request rotated it first: the client gets that one's token.
   *
   * @throws SojournError `SESSION_COMMITTED` once the response has started
   */
  rotate(): void
  /**
   * Reads, changes and writes exactly, whatever parallel requests do: `change` runs on the newest
   * version, again if another process was faster (at most 5 times), and what it did is stored when
   * the promise resolves. Other changes of this request go along. On a session that isn't stored
   * yet `change` works on `data` and is stored with the response.
   *
   * @param change must be synchronous and may run more than once; its result is handed on
   * @throws SojournError `SESSION_CONFLICT`, `SESSION_ROTATED`, `SESSION_ENDED`, `SESSION_INVALID`,
   * `SESSION_TOO_LARGE`, `STORE_UNAVAILABLE`; TypeError when `change` is asynchronous
   */
  update<Result>(change: (data: Data) => Result): Promise<Result>
  /**
   * Stores the changes now. Needed only for changes after the start of the response, which can't
   * touch the cookie any more; all others are stored before it.
   *
   * @throws SojournError as in `update`; `SESSION_COMMITTED` when it would need a cookie after the
   * start of the response; `TLS_REQUIRED`
   */
  commit(): Awaitable<void>
  /**
   * Tells analytics that the session did something; nothing happens where they are off. The event
   * counts once the session is stored with the response; a request that fails did nothing, and
   * neither did a visitor for whom no session is stored: an event alone creates none. What is
   * tracked before `login()` or `logout()` belongs to the session that was, what is tracked after
   * it to the next.
   *
   * @param event 1 to 64 printable characters; the names of the built-in events are taken
   * @param props at most 16 facts; names have 1 to 64 characters, texts at most 256, all of it as
   * JSON at most 2,048 bytes. Put nothing in that names a person
   * @throws TypeError, RangeError at once for what doesn't fit, and beyond 100 events of a request
   */
  track(event: string, props?: EventProps): void
}

/** How a login is carried out. */
export interface LoginOptions<Data extends object> {
  readonly factors?: readonly string[]
  readonly keep?: readonly (keyof Data & string)[]
}

/** A session as lists show it. */
export interface SessionInfo {
  readonly id: SessionId
  readonly user: SessionUser | undefined
  /** What the client said it is, made coarse: `Firefox on Linux`. */
  readonly device: string | undefined
  /** The session that this one was handed over from. */
  readonly parentId: SessionId | undefined
  /** Epoch milliseconds, as all times here. */
  readonly createdAtMs: number
  /** The last written use; at most a tenth of the idle time old. */
  readonly touchedAtMs: number
  readonly expiresAtMs: number
  readonly endsAtMs: number
}

/** Who stands behind a request, without the means to change the session. */
export interface Visitor<Data extends object = Record<string, unknown>> {
  readonly id: SessionId
  readonly user: SessionUser | undefined
  /** A copy. */
  readonly data: Readonly<Data>
}

/** Told when a session has ended, after the store confirmed it. */
export type EndListener = (end: { readonly id: SessionId; readonly reason: EndReason }) => void

/** All sessions of an application. */
export interface Sessions<Data extends object = Record<string, unknown>> {
  /** Calls `listener` for every session that ends through this object; returns how to stop it. */
  on(event: 'end', listener: EndListener): () => void
  /** The live sessions of a user, the last used first. */
  listByUser(userId: string): Awaitable<readonly SessionInfo[]>
  /** Ends a session. False when no live one has this id. */
  revoke(id: SessionId): Awaitable<boolean>
  /** Ends all sessions of a user, but `except`; returns how many. */
  revokeUser(userId: string, options?: { readonly except?: SessionId }): Awaitable<number>
  /** Ends at most 500 sessions that are past their times; returns how many. For a timer. */
  sweep(): Awaitable<number>
  /** Forgets the listeners. The store stays open: it belongs to whoever opened it. */
  close(): void

  /**
   * Who stands behind a request; `undefined` without a token, with one that is unknown, or with
   * one that a login or a rotation replaced.
   *
   * @throws SojournError `SESSION_ENDED` after logout, expiry or revocation; `COOKIE_MALFORMED`,
   * `CARRIER_CONFLICT`, `STORE_UNAVAILABLE`
   */
  identify(request: { readonly headers: HeaderRecord }): Awaitable<Visitor<Data> | undefined>
  /** Whether a session is live. */
  isLive(id: SessionId): Awaitable<boolean>
  /** Notes that a session was used; writes at most once per tenth of the idle time. */
  touch(id: SessionId): Awaitable<void>
  /** Whether pages of this origin (`https://example.com`) may act with a session. */
  isAllowedOrigin(origin: string): boolean
  /** Whether this server answers under this `Host`. */
  isAllowedHost(host: string): boolean

  /**
   * For adapters: the session of a request, loaded if a token came with it.
   *
   * @throws SojournError `HOST_FOREIGN`, `ORIGIN_FOREIGN`, `COOKIE_MALFORMED`, `CARRIER_CONFLICT`,
   * `STORE_UNAVAILABLE`
   */
  visit(request: RequestFacts): Awaitable<Visit<Data>>
  /** For adapters: the answer that stands for an error; logs what isn't the client's doing. */
  problem(error: unknown): Problem
}

/** What a session holds and how long it lives. */
export interface SessionOptions<Data extends object = Record<string, unknown>> {
  /** Checks the data before it is stored; it doesn't transform. Any Standard Schema. */
  readonly schema?: StandardSchemaV1<unknown, Data>
  /**
   * What a new session holds. Default `{}`; required with a schema, whose type it has to fit:
   * `initial: (): Visitor => ({ theme: 'light' })`.
   */
  readonly initial?: () => Data
  /** A session without a request for so long ends. Default 30 minutes, at most 400 days. */
  readonly idleAfterMs?: number
  /** A session ends so long after its start, used or not. Default 12 hours, at most 400 days. */
  readonly endAfterMs?: number
  /** The encoded data may have so many bytes, else `SESSION_TOO_LARGE`. Default 64 KiB. */
  readonly dataBytesMax?: number
  /** Live sessions of one user; a login beyond ends the one used longest ago. Default 100. */
  readonly userSessionsMax?: number
}

/**
 * Where the type of the data comes from: the schema if there is one, so that `initial` has to fit
 * it, else `initial`. For the overloads of what takes `SessionOptions`.
 */
export interface DataBySchema<Data extends object> {
  readonly schema: StandardSchemaV1<unknown, Data>
  readonly initial: () => NoInfer<Data>
}
export interface DataByInitial<Data extends object> {
  readonly schema?: undefined
  readonly initial?: () => Data
}

/** Where sessions are served and with what they work. */
export interface CreateSessionsOptions<Data extends object = Record<string, unknown>>
  extends SessionOptions<Data> {
  readonly store: SessionStore
  /** Exact origins of the pages that may use this server; their hosts are the server's own. */
  readonly origins?: readonly string[]
  /** Whether `x-forwarded-proto` of a proxy in front is believed. Required in production. */
  readonly trustProxy?: boolean
  /**
   * Plain http on loopback: an unprefixed cookie named after the port, and `origins` default to
   * this port on localhost and 127.0.0.1. Leave it out in production.
   */
  readonly development?: { readonly port: number }
  /** Default: the machine's. */
  readonly clock?: Clock
  /** Default: the platform's generator. */
  readonly random?: Random
  /** Default: silent. */
  readonly log?: Log
  /** Where events go, as `createAnalytics()` takes them. Default: nowhere. */
  readonly events?: EventSink
}
