import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Clock, SessionId } from '../../base/core/index.ts'
import type {
  EndReason,
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
import { attempt, transaction } from './open.ts'
import { columnsOf, type Row, recordOf } from './records.ts'
import { queries } from './sessions-queries.ts'

/** How long an answer holds in a turn of the event loop that takes its time. */
const askedMsMax = 5
/** How often a sweep looks for more, when those that were due are live. */
const duePagesMax = 10
/** Long enough for every process to read the feed many times over. */
const endsKeptMs = 3600e3

/** The sessions in one SQLite file; answers at once. Power loss may cost the last commits. */
export function openSessions(db: DatabaseSync, clock: Clock): SessionStore {
  return attempt(() => new SqliteSessions(db, clock))
}

class SqliteSessions implements SessionStore {
  readonly answersAtOnce = true
  readonly #db: DatabaseSync
  readonly #clock: Clock
  readonly #watchers = new Set<(id: SessionId | undefined) => void>()
  /** Counts what other connections wrote to the file. */
  #othersWrites: unknown
  /** Whether they were counted in this turn of the event loop. */
  #isAsked = false
  #askedMs = 0
  readonly #forgetTurn = (): void => {
    this.#isAsked = false
  }
  readonly #statements: Readonly<Record<keyof typeof queries, StatementSync>>

  constructor(db: DatabaseSync, clock: Clock) {
    this.#db = db
    this.#clock = clock
    this.#statements = Object.fromEntries(
      Object.entries(queries).map(([name, sql]) => [name, db.prepare(sql)]),
    ) as Record<keyof typeof queries, StatementSync>
  }

  watch(changed: (id: SessionId | undefined) => void): Watch {
    this.#watchers.add(changed)
    return { isCurrent: () => this.#isCurrent(), stop: () => this.#watchers.delete(changed) }
  }

  /**
   * What others write isn't told by its session, so all of them may have changed. To ask takes two
   * locks of the file: once in a turn of the event loop is enough, if it is short, since nearly all
   * requests that are handled in it had arrived when it began.
   */
  #isCurrent(): boolean {
    if (this.#isAsked && performance.now() - this.#askedMs < askedMsMax) return true
    const now = attempt(() => this.#statements.othersWrites.get()?.['data_version'])
    if (now !== this.#othersWrites) this.#changed(undefined)
    this.#othersWrites = now
    this.#isAsked = true
    this.#askedMs = performance.now()
    setImmediate(this.#forgetTurn)
    return true
  }

  #changed(id: SessionId | undefined): void {
    for (const changed of this.#watchers) changed(id)
  }

  create(record: SessionRecord, tokenHash: string, limit?: UserLimit): readonly SessionId[] {
    return this.#atomically(() => this.#add(record, tokenHash, limit))
  }

  read(tokenHash: string): TokenState {
    const now = this.#nowMs()
    const row = this.#row('read', { hash: tokenHash, now })
    if (!row) return undefined
    const reason = row['reason'] as EndReason | 'rotated' | null
    const isAccepted = reason === null || Number(row['grace_until']) > now
    if (!isAccepted) return Number(row['kept_until']) > now ? { kind: 'ended', reason } : undefined
    // A session that is past its times, but not swept yet.
    if (row['id'] === null) return { kind: 'ended', reason: 'expired' }
    return { kind: 'live', record: recordOf(row), isReplaced: reason !== null }
  }

  readById(id: SessionId): SessionRecord | undefined {
    const row = this.#row('readById', { id, now: this.#nowMs() })
    return row && recordOf(row)
  }

  commit(
    id: SessionId,
    version: number,
    bytes: Uint8Array,
    times?: SessionTimes,
  ): 'committed' | 'conflict' | 'gone' {
    const now = this.#nowMs()
    const written = { id, version, bytes, now }
    const isDone = times
      ? this.#write('commitAndTouch', { ...written, ...columnsOf(times) })
      : this.#write('commit', written)
    this.#changed(id)
    if (isDone) return 'committed'
    return this.#row('readById', { id, now }) ? 'conflict' : 'gone'
  }

  touch(id: SessionId, times: SessionTimes): boolean {
    const isDone = this.#write('touch', { id, ...columnsOf(times), now: this.#nowMs() })
    this.#changed(id)
    return isDone
  }

  rotate(
    id: SessionId,
    oldHash: string,
    newHash: string,
    { graceUntilMs: graceUntil, untilMs: until }: { graceUntilMs: number; untilMs: number },
  ): 'rotated' | 'superseded' | 'gone' {
    return this.#atomically(() => {
      if (!this.readById(id)) return 'gone'
      if (!this.#write('retireToken', { id, hash: oldHash, graceUntil, until })) return 'superseded'
      this.#write('addToken', { id, hash: newHash })
      this.#changed(id)
      return 'rotated'
    })
  }

  replace(
    oldId: SessionId,
    expectedVersion: number,
    record: SessionRecord,
    tokenHash: string,
    tombstone: Tombstone,
    limit?: UserLimit,
  ): Replaced {
    return this.#atomically(() => {
      const old = this.readById(oldId)
      if (!old) return { outcome: 'gone' }
      if (old.version !== expectedVersion) return { outcome: 'conflict' }
      const ended = this.#endAll([oldId], tombstone)
      return { outcome: 'replaced', ended, evicted: this.#add(record, tokenHash, limit) }
    })
  }

  destroy(id: SessionId, tombstone: Tombstone): readonly SessionId[] {
    return this.#atomically(() => (this.readById(id) ? this.#endAll([id], tombstone) : []))
  }

  listByUser(userId: string): readonly SessionRecord[] {
    return this.#rows('listByUser', { userId, now: this.#nowMs() }).map(recordOf)
  }

  destroyByUser(userId: string, tombstone: Tombstone, except?: SessionId): readonly SessionId[] {
    return this.#atomically(() => {
      const kept = this.#line(except)
      const ids = this.listByUser(userId).map(({ id }) => id)
      return this.#endAll(
        ids.filter((id) => !kept.includes(id)),
        tombstone,
      )
    })
  }

  sweep(now: number, limit: number, untilMs: number): readonly SessionId[] {
    return this.#atomically(() => {
      const ids = this.#expired(now, limit)
      this.#write('forgetTokens', { now, limit })
      this.#write('forgetCodes', { now, limit })
      this.#write('forgetEnds', { before: now - endsKeptMs, limit })
      return this.#endAll(ids, { reason: 'expired', untilMs })
    })
  }

  /** Those that are past their times; what is due too early, since it was touched, is put off. */
  #expired(now: number, limit: number): readonly SessionId[] {
    const expired: SessionId[] = []
    let last: Row = { sweep_at: -1, row: 0 }
    for (let pages = 0; pages < duePagesMax && expired.length < limit; pages++) {
      const from = { sweepAt: last['sweep_at'] ?? null, row: last['row'] ?? null }
      const due = this.#rows('due', { now, ...from, limit: limit - expired.length })
      for (const { id = null, over_at: overAt = null } of due)
        if (Number(overAt) <= now) expired.push(String(id))
        else this.#write('putOff', { id, overAt })
      const end = due.at(-1)
      if (!end) break
      last = end
    }
    return expired
  }

  ends(after: number, limit: number): readonly SessionEnd[] {
    return this.#rows('ends', { after, limit }).map(({ position, id, reason }) => ({
      position: Number(position),
      id: id as SessionId,
      reason: reason as EndReason,
    }))
  }

  scan(after: SessionId = '', limit: number): readonly SessionRecord[] {
    return this.#rows('scan', { after, limit, now: this.#nowMs() }).map(recordOf)
  }

  putCode(hash: string, bytes: Uint8Array, until: number): void {
    this.#write('putCode', { hash, bytes, until })
  }

  readCode(hash: string): Uint8Array | undefined {
    return this.#row('readCode', { hash, now: this.#nowMs() })?.['bytes'] as Uint8Array | undefined
  }

  takeCode(hash: string): Uint8Array | undefined {
    const row = this.#row('takeCode', { hash })
    return row && Number(row['until']) > this.#nowMs() ? (row['bytes'] as Uint8Array) : undefined
  }

  #add(record: SessionRecord, hash: string, limit: UserLimit | undefined): readonly SessionId[] {
    const { id, version, bytes, user, device, parentId, ...times } = record
    if (parentId !== undefined && !this.readById(parentId))
      throw new Error(`The session ${parentId} is no parent, it is not live`)
    this.#write('create', {
      id,
      version,
      bytes,
      userId: user?.id ?? null,
      authenticatedAt: user?.authenticatedAtMs ?? null,
      factors: user ? JSON.stringify(user.factors) : null,
      createdAt: times.createdAtMs,
      touchedAt: times.touchedAtMs,
      expiresAt: times.expiresAtMs,
      endsAt: times.endsAtMs,
      device: device ?? null,
      parentId: parentId ?? null,
      sweepAt: Math.min(times.expiresAtMs, times.endsAtMs),
    })
    this.#write('addToken', { hash, id })
    if (!user || !limit) return []
    const kept = this.#line(id)
    const others = this.listByUser(user.id).filter((other) => !kept.includes(other.id))
    const room = Math.max(limit.sessionsMax - kept.length, 0)
    return this.#endAll(
      others.slice(room).map((other) => other.id),
      limit.tombstone,
    )
  }

  /** A session, what it was handed over from, and so on. */
  #line(id: SessionId | undefined): readonly SessionId[] {
    const line: SessionId[] = []
    for (let one = id; one !== undefined; one = this.readById(one)?.parentId) line.push(one)
    return line
  }

  /** Ends sessions and all that were handed over from them. */
  #endAll(ids: readonly SessionId[], { reason, untilMs }: Tombstone): readonly SessionId[] {
    const all = new Set(ids)
    for (const id of all) {
      for (const row of this.#rows('children', { id })) all.add(row['id'] as SessionId)
      this.#write('remove', { id })
      this.#write('buryTokens', { id, reason, until: untilMs })
      this.#write('addEnd', { id, reason, now: this.#nowMs() })
      this.#changed(id)
    }
    return [...all]
  }

  #nowMs(): number {
    return this.#clock.nowMs()
  }

  #atomically<Result>(work: () => Result): Result {
    return attempt(() => transaction(this.#db, work))
  }

  #row(name: keyof typeof queries, values: Parameters<StatementSync['get']>[0]): Row | undefined {
    return attempt(() => this.#statements[name].get(values))
  }

  #rows(name: keyof typeof queries, values: Parameters<StatementSync['all']>[0]): Row[] {
    return attempt(() => this.#statements[name].all(values))
  }

  /** Whether any row was written. */
  #write(name: keyof typeof queries, values: Parameters<StatementSync['run']>[0]): boolean {
    return attempt(() => Number(this.#statements[name].run(values).changes) > 0)
  }
}
