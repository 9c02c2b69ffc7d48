/** What applications see: a session, all sessions, and what they are made with. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Awaitable, Clock, Log, Random, SessionId } from '../../base/core/index.ts'
import type { HeaderRecord } from './carrier.ts'
import type { EventProps, EventSink } from './events.ts'
import type { Problem } from './problem.ts'
import type { Opening, RequestFacts } from './requests.ts'
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
   * `data` that the new session takes over, or `'all'` (default none), all others start as
   * `initial()`; `remember`: see there. Messages left by `flash()` go along.
   * @throws SojournError `SESSION_COMMITTED` once the response has started
   */
  login(userId: string, options?: LoginOptions<Data>): void
  /**
   * Lets only a visitor on who logged in a short while ago, before something that matters ("sudo").
   * Ask for the password again and call `login(userId, { keep: 'all' })`; it is a login like any
   * other, so that what was handed over from the session before ends.
   *
   * @throws SojournError `UNAUTHENTICATED` for a visitor who isn't logged in,
   * `FRESH_LOGIN_REQUIRED` when the login is older or lacks a factor
   */
  requireFresh(options?: FreshOptions): void
  /** Leaves a message for the page that asks for it next, mostly after a redirect. */
  flash(name: string, value: unknown): void
  /** The messages left under a name, oldest first; they are gone then. */
  flash(name: string): readonly unknown[]
  /**
   * A proof for forms that the request comes from a page of this session; for browsers that send
   * neither `Origin` nor `Sec-Fetch-Site`. A session that isn't stored yet will be. It changes with
   * the token: ask for it after `login()` and `rotate()`.
   *
   * @throws SojournError `SESSION_COMMITTED` when it would need a cookie after the start of the
   * response
   */
  csrfToken(): string
  /**
   * @param text what the form sent back
   * @throws SojournError `ORIGIN_FOREIGN` when it isn't the proof of this session
   */
  checkCsrfToken(text: unknown): void
  /**
   * Ends the session and removes the cookie, with the response. What is written to `data` after it
   * goes to a fresh session.
   *
   * @throws SojournError `SESSION_COMMITTED` once the response has started
   */
  logout(): void
  /**
   * The token itself, for a client that keeps no cookies and sends `Authorization: Bearer …`, or the
   * header that `carriers` names; the response gives no cookie then. Keep it out of URLs and logs. A session that isn't stored yet
   * will be; the token works once the response has been sent.
   *
   * @throws SojournError `SESSION_COMMITTED` once the response has started
   */
  bearerToken(): string
  /**
   * A one-time code with which this session goes on elsewhere: another browser, an app, another
   * domain that uses the same store. Put it into a link, a QR code or a mail. Who redeems it gets a
   * session of their own, with this user and this login, that ends with this one.
   *
   * @throws TypeError for a session that isn't stored yet
   */
  handOver(options: HandOverOptions<Data>): Promise<string>
  /**
   * Whose session a code hands over, for a page that names the account and asks. The code stays.
   * The page tells its address to no other site.
   *
   * @throws SojournError `HANDOVER_INVALID`
   */
  lookAtHandOver(code: unknown): Promise<HandOverOffer>
  /**
   * Redeems a code, with the response; then redirect to a clean URL. Only in answer to a POST.
   *
   * @throws SojournError `HANDOVER_INVALID` for a code that is unknown, used, too old, or meant for
   * another audience or verifier; `HANDOVER_UNCONFIRMED` when nothing proves that whoever redeems it
   * also asked for it: show whose account it is, then call again with `isConfirmed`
   */
  takeOver(code: unknown, options?: TakeOverOptions): Promise<void>
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
   * Looks the session up. Needed only where the adapter was told `open: 'manual'` and the store is
   * a server: then the session must not be used before, and a request that never opens it makes no
   * call. Resolves at once otherwise.
   *
   * @throws SojournError `STORE_UNAVAILABLE`
   */
  open(): Awaitable<void>
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
  readonly keep?: readonly (keyof Data & string)[] | 'all'
  /**
   * Keeps the visitor logged in beyond the end of the browser, for `rememberForMs`. Default: as
   * before with `keep: 'all'`, else no.
   */
  readonly remember?: boolean
}

/** Where a session goes on. */
export interface HandOverOptions<Data extends object> {
  /** The origin that will redeem the code, such as `https://app.example.com`. */
  readonly audience: string
  /** How long the code works. Default one minute; at most 15, for mails. */
  readonly forMs?: number
  /** SHA-256 in base64url of a secret that whoever redeems must bring as `verifier` (RFC 7636). */
  readonly challenge?: string
  /** The session of the browser that asked for the code and may redeem it without a question. */
  readonly starter?: SessionId
  /** Keys of `data` that go along, as they are when the code is redeemed. Default none. */
  readonly keep?: readonly (keyof Data & string)[]
}

/** How a code is redeemed. */
export interface TakeOverOptions {
  /** The secret behind the `challenge` of the code. */
  readonly verifier?: string
  /** Whether the visitor was shown whose session it is, and said yes. Default false. */
  readonly isConfirmed?: boolean
}

/** Whose session a code hands over. */
export interface HandOverOffer {
  readonly user: SessionUser | undefined
  readonly device: string | undefined
}

/** How fresh a login must be. */
export interface FreshOptions {
  /** Default: `freshForMs`. */
  readonly withinMs?: number
  /** Factors that the login must have had. Default: none. */
  readonly factors?: readonly string[]
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
  /**
   * Calls `listener` for every session that ends through this object, and for all others that
   * `followEnds()` finds; returns how to stop it.
   */
  on(event: 'end', listener: EndListener): () => void
  /** The live sessions of a user, the last used first. */
  listByUser(userId: string): Awaitable<readonly SessionInfo[]>
  /** Ends a session. False when no live one has this id. */
  revoke(id: SessionId): Awaitable<boolean>
  /** Ends all sessions of a user, but `except`; returns how many. */
  revokeUser(userId: string, options?: { readonly except?: SessionId }): Awaitable<number>
  /** A live session by its id, whoever it belongs to. */
  find(id: SessionId): Awaitable<SessionInfo | undefined>
  /** Ends every session there is, in steps of 500; returns how many. */
  revokeEveryone(): Awaitable<number>
  /** Ends at most 500 sessions that are past their times; returns how many. For a timer. */
  sweep(): Awaitable<number>
  /**
   * Looks for sessions that other processes on the same store have ended, and tells the listeners;
   * returns how many. For a timer, a few times a second; the first call only notes where the feed
   * stands.
   */
  followEnds(): Awaitable<number>
  /** Forgets the listeners, and what was read. The store stays open: it belongs to whoever opened it. */
  close(): void

  /**
   * Who stands behind a request; `undefined` without a token, with one that is unknown, or with
   * one that a login or a rotation replaced.
   *
   * @throws SojournError `SESSION_ENDED` after logout, expiry or revocation; `COOKIE_MALFORMED`,
   * `CARRIER_CONFLICT`, `STORE_UNAVAILABLE`
   */
  identify(request: { readonly headers: HeaderRecord }): Awaitable<Visitor<Data> | undefined>
  /** The same by a session's id; `undefined` when no live one has it. */
  visitor(id: SessionId): Awaitable<Visitor<Data> | undefined>
  /** Whether a session is live. */
  isLive(id: SessionId): Awaitable<boolean>
  /** Notes that a session was used; writes at most once per tenth of the idle time. */
  touch(id: SessionId): Awaitable<void>
  /** Whether pages of this origin (`https://example.com`) may act with a session. */
  isAllowedOrigin(origin: string): boolean
  /** Whether this server answers under this `Host`. */
  isAllowedHost(host: string): boolean
  /** Whether a page of somebody else makes an unsafe request with the session's cookie (CSRF). */
  isForged(request: Pick<RequestFacts, 'method' | 'headers'>): boolean
  /**
   * The value of a header without the session's token, `undefined` when nothing else was in it: for
   * whoever hands requests on, and answers back (`set-cookie`).
   *
   * @param name lower case
   */
  withoutToken(name: string, value: string): string | undefined
  /**
   * Whether a live connection may begin on what a request came over: TLS, which the door leaves to
   * a proxy in front that is trusted to say so (ASVS 5.0 §4.4.1); anything in development.
   */
  isAllowedTransport(headers: HeaderRecord): boolean

  /**
   * For adapters: the session of a request, loaded if a token came with it.
   *
   * @throws SojournError `HOST_FOREIGN`, `ORIGIN_FOREIGN`, `COOKIE_MALFORMED`, `CARRIER_CONFLICT`,
   * `TLS_REQUIRED`, `STORE_UNAVAILABLE`
   */
  visit(request: RequestFacts, opening?: Opening): Awaitable<Visit<Data>>
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
  /** The version of the data, from 1; raise it with every change of its shape. Default 1. */
  readonly version?: number
  /**
   * Makes data of the current version from what an earlier one stored, in place or anew; asked
   * whenever such a session is read. Without it such sessions are `SESSION_INVALID`.
   */
  readonly migrate?: (data: never, from: number) => Data
  /**
   * Secrets of at least 32 letters that seal the data at rest (AES-256-GCM); the first one seals,
   * all open. Rotate by putting a new one in front; drop an old one after `endAfterMs`. Sessions
   * that were stored in the clear stay readable. Default: not sealed.
   */
  readonly secrets?: readonly string[]
  /** How long a remembered visitor stays logged in, used or not. Default 30 days. */
  readonly rememberForMs?: number
  /** How old a login may be for `requireFresh()`. Default 10 minutes. */
  readonly freshForMs?: number
  /** A session without a request for so long ends. Default 30 minutes, at most 400 days. */
  readonly idleAfterMs?: number
  /** A session ends so long after its start, used or not. Default 12 hours, at most 400 days. */
  readonly endAfterMs?: number
  /** The encoded data may have so many bytes, else `SESSION_TOO_LARGE`. Default 64 KiB. */
  readonly dataBytesMax?: number
  /** Live sessions of one user; a login beyond ends the one used longest ago. Default 100. */
  readonly userSessionsMax?: number
  /** The ways in which a token may come beside the cookie. */
  readonly carriers?: CarrierOptions
}

/** Headers that bring tokens. Whoever needs none closes them: there is less to attack then. */
export interface CarrierOptions {
  /** Whether `Authorization: Bearer …` is read. Default true. */
  readonly bearer?: boolean
  /** A header of the application's own that holds the token alone, like `x-session`. Default none. */
  readonly header?: string
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
