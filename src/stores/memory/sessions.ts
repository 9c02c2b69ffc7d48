import { type Clock, type SessionId, SojournError } from '../../base/core/index.ts'
import type {
  Replaced,
  SessionEnd,
  SessionRecord,
  SessionStore,
  SessionTimes,
  TokenState,
  Tombstone,
  UserLimit,
  Watch,
} from '../../web/session/index.ts'
import { compareText, Deadlines } from './deadlines.ts'
import { Feed } from './feed.ts'
import { Sorted } from './sorted.ts'
import { Tokens } from './tokens.ts'

/** Long enough for every reader of the feed, as in the stores that are shared. */
const endsKeptMs = 3600e3

interface Code {
  readonly bytes: Uint8Array
  readonly untilMs: number
}

/** Answers at once; a change costs the logarithm of the number of sessions at most. */
export class MemorySessions implements SessionStore {
  readonly answersAtOnce = true
  readonly #clock: Clock
  readonly #sessionsMax: number
  readonly #records = new Map<SessionId, SessionRecord>()
  readonly #ids = new Sorted<SessionId>(compareText)
  readonly #expiry = new Deadlines()
  readonly #byUser = new Map<string, Set<SessionId>>()
  readonly #children = new Map<SessionId, Set<SessionId>>()
  readonly #tokens: Tokens
  readonly #codes = new Map<string, Code>()
  readonly #codeExpiry = new Deadlines()
  readonly #feed: Feed
  readonly #watchers = new Set<(id: SessionId) => void>()
  #isClosed = false

  /** @param sessionsMax also bounds the tombstones, the codes and the entries of the feed */
  constructor(clock: Clock, sessionsMax: number) {
    this.#clock = clock
    this.#sessionsMax = sessionsMax
    this.#tokens = new Tokens(sessionsMax)
    this.#feed = new Feed(sessionsMax)
  }

  close(): void {
    this.#isClosed = true
  }

  watch(changed: (id: SessionId) => void): Watch {
    this.#watchers.add(changed)
    return {
      isCurrent: () => {
        this.#enter()
        return true
      },
      stop: () => this.#watchers.delete(changed),
    }
  }

  create(record: SessionRecord, tokenHash: string, limit?: UserLimit): readonly SessionId[] {
    const now = this.#enter()
    this.#checkRoom('sessions', this.#records.size)
    this.#checkNew(record, tokenHash, now)
    return this.#add(record, tokenHash, limit, now)
  }

  read(tokenHash: string): TokenState {
    const now = this.#enter()
    const token = this.#tokens.get(tokenHash)
    if (!token) return undefined
    const { sessionId, reason, graceUntilMs = 0, keptUntilMs = 0 } = token
    if (reason !== undefined && graceUntilMs <= now)
      return keptUntilMs > now ? { kind: 'ended', reason } : undefined
    const record = this.#live(sessionId, now)
    return record
      ? { kind: 'live', record: copy(record), isReplaced: reason !== undefined }
      : { kind: 'ended', reason: 'expired' }
  }

  readById(id: SessionId): SessionRecord | undefined {
    const record = this.#live(id, this.#enter())
    return record && copy(record)
  }

  commit(
    id: SessionId,
    expectedVersion: number,
    bytes: Uint8Array,
    times?: SessionTimes,
  ): 'committed' | 'conflict' | 'gone' {
    const record = this.#live(id, this.#enter())
    if (!record) return 'gone'
    if (record.version !== expectedVersion) return 'conflict'
    this.#put({ ...record, version: expectedVersion + 1, bytes: bytes.slice() }, times)
    return 'committed'
  }

  touch(id: SessionId, times: SessionTimes): boolean {
    const record = this.#live(id, this.#enter())
    if (record) this.#put(record, times)
    return record !== undefined
  }

  rotate(
    id: SessionId,
    oldHash: string,
    newHash: string,
    { graceUntilMs, untilMs }: { readonly graceUntilMs: number; readonly untilMs: number },
  ): 'rotated' | 'superseded' | 'gone' {
    if (!this.#live(id, this.#enter())) return 'gone'
    const old = this.#tokens.get(oldHash)
    if (old?.sessionId !== id || old.reason !== undefined) return 'superseded'
    if (this.#tokens.get(newHash)) throw new Error('The hash of the new token is taken')
    this.#tokens.rotate(oldHash, graceUntilMs, untilMs)
    this.#tokens.add(newHash, id)
    this.#changed(id)
    return 'rotated'
  }

  replace(
    oldId: SessionId,
    expectedVersion: number,
    record: SessionRecord,
    tokenHash: string,
    tombstone: Tombstone,
    limit?: UserLimit,
  ): Replaced {
    const now = this.#enter()
    const old = this.#live(oldId, now)
    if (!old) return { outcome: 'gone' }
    if (old.version !== expectedVersion) return { outcome: 'conflict' }
    this.#checkNew(record, tokenHash, now, oldId)
    const ended = this.#endAll([oldId], tombstone, now)
    return { outcome: 'replaced', ended, evicted: this.#add(record, tokenHash, limit, now) }
  }

  destroy(id: SessionId, tombstone: Tombstone): readonly SessionId[] {
    const now = this.#enter()
    return this.#live(id, now) ? this.#endAll([id], tombstone, now) : []
  }

  listByUser(userId: string): readonly SessionRecord[] {
    return this.#ofUser(userId, this.#enter()).map(copy)
  }

  destroyByUser(userId: string, tombstone: Tombstone, except?: SessionId): readonly SessionId[] {
    const now = this.#enter()
    const kept = this.#line(except, now)
    const ids = this.#ofUser(userId, now).map(({ id }) => id)
    return this.#endAll(
      ids.filter((id) => !kept.has(id)),
      tombstone,
      now,
    )
  }

  sweep(nowMs: number, limit: number, untilMs: number): readonly SessionId[] {
    const now = this.#enter()
    this.#tokens.forget(nowMs, limit)
    for (const hash of this.#codeExpiry.due(nowMs, limit)) this.#dropCode(hash)
    this.#feed.forget(nowMs - endsKeptMs, limit)
    return this.#endAll(this.#expiry.due(nowMs, limit), { reason: 'expired', untilMs }, now)
  }

  ends(after: number, limit: number): readonly SessionEnd[] {
    this.#enter()
    return this.#feed.after(after, limit)
  }

  scan(after: SessionId | undefined, limit: number): readonly SessionRecord[] {
    const now = this.#enter()
    const found: SessionRecord[] = []
    for (const id of this.#ids.from(after)) {
      if (found.length >= limit) break
      const record = id === after ? undefined : this.#live(id, now)
      if (record) found.push(copy(record))
    }
    return found
  }

  putCode(codeHash: string, bytes: Uint8Array, untilMs: number): void {
    this.#enter()
    this.#checkRoom('codes', this.#codes.size)
    if (this.#codes.has(codeHash)) throw new Error('The hash of the code is taken')
    this.#codes.set(codeHash, { bytes: bytes.slice(), untilMs })
    this.#codeExpiry.set(codeHash, untilMs)
  }

  readCode(codeHash: string): Uint8Array | undefined {
    const now = this.#enter()
    const code = this.#codes.get(codeHash)
    return code && code.untilMs > now ? code.bytes : undefined
  }

  takeCode(codeHash: string): Uint8Array | undefined {
    const now = this.#enter()
    const code = this.#codes.get(codeHash)
    this.#dropCode(codeHash)
    return code && code.untilMs > now ? code.bytes : undefined
  }

  #dropCode(hash: string): void {
    this.#codes.delete(hash)
    this.#codeExpiry.delete(hash)
  }

  /** The time of a call. */
  #enter(): number {
    if (this.#isClosed) throw new SojournError('STORE_UNAVAILABLE', 'The store is closed.')
    return this.#clock.nowMs()
  }

  #checkRoom(what: string, count: number): void {
    if (count < this.#sessionsMax) return
    const detail = `The store in memory is full: it holds ${count} ${what} (sessionsMax).`
    throw new SojournError('STORE_UNAVAILABLE', detail)
  }

  /** Everything that can be wrong with a new session is found before anything is written. */
  #checkNew(record: SessionRecord, hash: string, now: number, replaced?: SessionId): void {
    const { id, parentId } = record
    if (this.#records.has(id)) throw new Error(`The id ${id} is taken`)
    if (this.#tokens.get(hash)) throw new Error('The hash of the token is taken')
    if (parentId === undefined) return
    const willEnd = replaced !== undefined && this.#line(parentId, now).has(replaced)
    if (willEnd || !this.#live(parentId, now))
      throw new Error(`The session ${parentId} is no parent, it is not live`)
  }

  #live(id: SessionId, now: number): SessionRecord | undefined {
    const record = this.#records.get(id)
    return record && overAtMs(record) > now ? record : undefined
  }

  /** The live sessions of a user, the last used first. */
  #ofUser(userId: string, now: number): readonly SessionRecord[] {
    return [...(this.#byUser.get(userId) ?? [])]
      .flatMap((id) => this.#live(id, now) ?? [])
      .sort((one, other) => other.touchedAtMs - one.touchedAtMs || compareText(other.id, one.id))
  }

  /** A session, what it was handed over from, and so on. */
  #line(id: SessionId | undefined, now: number): ReadonlySet<SessionId> {
    const line = new Set<SessionId>()
    for (let one = id; one !== undefined; one = this.#live(one, now)?.parentId) line.add(one)
    return line
  }

  #add(
    record: SessionRecord,
    hash: string,
    limit: UserLimit | undefined,
    now: number,
  ): readonly SessionId[] {
    const { id, user, parentId } = record
    this.#put({ ...record, bytes: record.bytes.slice() }, record)
    this.#ids.add(id)
    this.#tokens.add(hash, id)
    if (parentId !== undefined) join(this.#children, parentId, id)
    if (!user) return []
    join(this.#byUser, user.id, id)
    if (!limit) return []
    const kept = this.#line(id, now)
    const others = this.#ofUser(user.id, now).filter((other) => !kept.has(other.id))
    const room = Math.max(limit.sessionsMax - kept.size, 0)
    return this.#endAll(
      others.slice(room).map((other) => other.id),
      limit.tombstone,
      now,
    )
  }

  /** Stores a record with its times moved, never backwards. */
  #put(record: SessionRecord, times: SessionTimes = record): void {
    const touchedAtMs = Math.max(record.touchedAtMs, times.touchedAtMs)
    const expiresAtMs = Math.max(record.expiresAtMs, times.expiresAtMs)
    const moved = { ...record, touchedAtMs, expiresAtMs }
    this.#records.set(record.id, moved)
    this.#expiry.set(record.id, overAtMs(moved))
    this.#changed(record.id)
  }

  #changed(id: SessionId): void {
    for (const changed of this.#watchers) changed(id)
  }

  /** Ends sessions and all that were handed over from them. */
  #endAll(ids: readonly SessionId[], tombstone: Tombstone, now: number): readonly SessionId[] {
    const all = new Set(ids)
    for (const id of all) {
      for (const child of this.#children.get(id) ?? []) all.add(child)
      this.#remove(id)
      this.#tokens.bury(id, tombstone)
      this.#feed.add(id, tombstone.reason, now)
    }
    return [...all]
  }

  #remove(id: SessionId): void {
    const record = this.#records.get(id)
    this.#records.delete(id)
    this.#ids.delete(id)
    this.#expiry.delete(id)
    this.#children.delete(id)
    this.#changed(id)
    if (record?.user) leave(this.#byUser, record.user.id, id)
    if (record?.parentId !== undefined) leave(this.#children, record.parentId, id)
  }
}

function overAtMs({ expiresAtMs, endsAtMs }: SessionRecord): number {
  return Math.min(expiresAtMs, endsAtMs)
}

/** Neither side can change what the other holds. */
function copy(record: SessionRecord): SessionRecord {
  return { ...record, bytes: record.bytes.slice() }
}

function join(groups: Map<string, Set<SessionId>>, name: string, id: SessionId): void {
  groups.set(name, (groups.get(name) ?? new Set()).add(id))
}

function leave(groups: Map<string, Set<SessionId>>, name: string, id: SessionId): void {
  const group = groups.get(name)
  group?.delete(id)
  if (group?.size === 0) groups.delete(name)
}
