import type { Awaitable, SessionId } from '../../base/core/index.ts'

/** Who is logged in. */
export interface SessionUser {
  /** The application's own id of the user. */
  readonly id: string
  /** When the login took place, epoch milliseconds. */
  readonly authenticatedAtMs: number
  /** How the user proved who they are, in the application's words (`password`, `totp`). */
  readonly factors: readonly string[]
}

/** When a session was used and when it ends, epoch milliseconds. */
export interface SessionTimes {
  readonly touchedAtMs: number
  /** The idle limit: the last written touch plus the idle time. */
  readonly expiresAtMs: number
}

/** What is stored of one session. The token is no part of it: stores know tokens by their hash. */
export interface SessionRecord extends SessionTimes {
  /** The public handle. */
  readonly id: SessionId
  /** 1 at the creation, one more with every commit of the data. */
  readonly version: number
  /** The data, opaque to the store. */
  readonly bytes: Uint8Array
  readonly user: SessionUser | undefined
  readonly createdAtMs: number
  /** The absolute limit; no touch moves it. */
  readonly endsAtMs: number
  /** What the visitor's client is, in a few words for people, as it said at the creation. */
  readonly device: string | undefined
  /** The session that this one was handed over from, and with which it ends. */
  readonly parentId: SessionId | undefined
}

/** How many live sessions one user may have, and what becomes of those that must make room. */
export interface UserLimit {
  readonly sessionsMax: number
  readonly tombstone: Tombstone
}

/** Why a session ended: `login` replaced it by the session of the user who logged in. */
export type EndReason = 'logout' | 'login' | 'expired' | 'revoked'

/** How long the tokens of what ended are still known, and as what. */
export interface Tombstone {
  readonly reason: EndReason
  /** Epoch milliseconds. */
  readonly untilMs: number
}

/** What a token leads to; `rotated` is an old token of a session that lives on under a new one. */
export type TokenState =
  | {
      readonly kind: 'live'
      readonly record: SessionRecord
      /** The token was replaced, and is accepted for a while only: nobody may remember it longer. */
      readonly isReplaced: boolean
    }
  | { readonly kind: 'ended'; readonly reason: EndReason | 'rotated' }
  | undefined

/** One entry of the feed of ended sessions. */
export interface SessionEnd {
  /** Only grows; the order in which the ends were stored. */
  readonly position: number
  readonly id: SessionId
  readonly reason: EndReason
}

/**
 * What `replace` did: `ended` are the ids of what was replaced, `evicted` of what made room for the
 * new session, each with all that was handed over from them.
 */
export type Replaced =
  | {
      readonly outcome: 'replaced'
      readonly ended: readonly SessionId[]
      readonly evicted: readonly SessionId[]
    }
  | { readonly outcome: 'conflict' | 'gone' }

/** How far what a store tells of changes can be relied on. */
export interface Watch {
  /**
   * Whether `changed` was called for everything that had happened when this turn of the event loop
   * began; for a database that pushes its changes, for all but the last second. If not, nothing
   * that was read earlier is known to hold.
   */
  isCurrent(): boolean
  /** Tells no more; what was read before is not known to hold from here on. */
  stop(): void
}

/**
 * Where sessions live: a contract by intent, without an upsert, so that no late write can bring
 * an ended session back.
 *
 * A session is live while the store's clock is before both its `expiresAtMs` and its `endsAtMs`;
 * from then on no method treats it as live, swept or not. A session that ends takes those with
 * it that were handed over from it, and those handed over from them, in the same step and for the
 * same reason; a session that is past its times does so when it is swept.
 *
 * Every method is atomic. Methods throw (or reject) only when the store itself is broken, with
 * `STORE_UNAVAILABLE`; then the outcome of a write is unknown. Each call settles within the
 * driver's own time-out. A driver that answers at once may return plain values.
 */
export interface SessionStore {
  /** Whether all methods give plain values: then a session is read when it is first used. */
  readonly answersAtOnce: boolean
  /**
   * Begins to tell which sessions change, so that what was read need not be read again.
   *
   * @param changed is called for each session that a call of this store changes or ends, before
   * that call settles; and for those that others change, unless `isCurrent()` says that it can't.
   * `undefined` stands for all of them
   */
  watch(changed: (id: SessionId | undefined) => void): Watch
  /**
   * Stores a new session under its first token. An id or a hash that is taken is a fault, and so
   * is a `parentId` that is no live session: nothing is stored then.
   *
   * @param limit of its user: the sessions of theirs that were used longest ago end, but never
   * this one, nor what it was handed over from
   * @returns the ids of all sessions that made room for it
   */
  create(
    record: SessionRecord,
    tokenHash: string,
    limit?: UserLimit,
  ): Awaitable<readonly SessionId[]>
  /** What a token leads to: a live session, a tombstone, or `undefined` for an unknown one. */
  read(tokenHash: string): Awaitable<TokenState>
  /** The live session of an id, else `undefined`. */
  readById(id: SessionId): Awaitable<SessionRecord | undefined>
  /**
   * Writes the data of a live session whose version is the expected one, raises the version by one
   * and moves the times, if they are given, never backwards. `conflict`: another version, nothing written. `gone`:
   * no live session, nothing written.
   */
  commit(
    id: SessionId,
    expectedVersion: number,
    bytes: Uint8Array,
    times?: SessionTimes,
  ): Awaitable<'committed' | 'conflict' | 'gone'>
  /** Moves the times of a live session, never backwards. False when there is none. */
  touch(id: SessionId, times: SessionTimes): Awaitable<boolean>
  /**
   * Gives a live session a new token. The old one is accepted until `graceUntilMs` and known as
   * `rotated` until `untilMs`. `superseded`: `oldHash` isn't the newest token (a parallel request
   * rotated first), nothing changed. `gone`: no live session has it.
   */
  rotate(
    id: SessionId,
    oldHash: string,
    newHash: string,
    limits: { readonly graceUntilMs: number; readonly untilMs: number },
  ): Awaitable<'rotated' | 'superseded' | 'gone'>
  /**
   * Ends a live session of the expected version, leaving a tombstone for all its tokens, and
   * creates another as `create` does, in one step. `conflict` and `gone`: as in `commit`, nothing
   * changed.
   */
  replace(
    oldId: SessionId,
    expectedVersion: number,
    record: SessionRecord,
    tokenHash: string,
    tombstone: Tombstone,
    limit?: UserLimit,
  ): Awaitable<Replaced>
  /**
   * Ends a live session, leaving a tombstone for all its tokens. Returns the ids of all that ended,
   * its own first; none when there is no such session.
   */
  destroy(id: SessionId, tombstone: Tombstone): Awaitable<readonly SessionId[]>
  /** The live sessions of a user, the last used first. */
  listByUser(userId: string): Awaitable<readonly SessionRecord[]>
  /**
   * Ends the live sessions of a user, but `except` and what `except` was handed over from, leaving
   * tombstones. Returns the ids of all that ended.
   */
  destroyByUser(
    userId: string,
    tombstone: Tombstone,
    except?: SessionId,
  ): Awaitable<readonly SessionId[]>
  /**
   * Ends at most `limit` sessions that are past their times, leaving tombstones (`expired`) until
   * `untilMs`, and forgets old tombstones, codes past their time and entries of the feed older than
   * an hour, at most `limit` of each. Returns the ids of all sessions that ended.
   */
  sweep(nowMs: number, limit: number, untilMs: number): Awaitable<readonly SessionId[]>
  /**
   * The sessions that ended after a position (0: from the start), oldest first, at most `limit`:
   * durable, in one order for every process, kept for an hour.
   */
  ends(after: number, limit: number): Awaitable<readonly SessionEnd[]>
  /** The live sessions in the order of their ids, at most `limit` after the given one. */
  scan(after: SessionId | undefined, limit: number): Awaitable<readonly SessionRecord[]>
  /** Keeps bytes under the hash of a one-time code until `untilMs`. A hash that is taken is a fault. */
  putCode(codeHash: string, bytes: Uint8Array, untilMs: number): Awaitable<void>
  /** What is kept under a code, which stays; `undefined` also after its time. */
  readCode(codeHash: string): Awaitable<Uint8Array | undefined>
  /** Takes it out again: one caller gets it, all others and all after their time nothing. */
  takeCode(codeHash: string): Awaitable<Uint8Array | undefined>
}
