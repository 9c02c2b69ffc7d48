/** Sessions that were read before, for as long as the store can tell that nobody changed them. */
import type { Awaitable, Clock, SessionId } from '../../base/core/index.ts'
import { sessionLimits } from './policy.ts'
import type { SessionRecord, SessionStore, TokenState, Watch } from './store.ts'

/** What an entry takes beside its data: the record, its hash, its places in Maps. */
const entryBytes = 1_024

interface Entry<Content> {
  readonly record: SessionRecord
  /** What its bytes hold, once somebody asked. */
  content: Content | undefined
}

/** A read that is under way: what changes meanwhile may be older in its answer. */
interface Reading {
  readonly changed: Set<SessionId>
  hasMissed: boolean
}

/**
 * Two generations of entries, each of half of the limit: what is used moves to the younger one;
 * when that is full, the older one is forgotten.
 */
export class SessionCache<Content> {
  readonly #store: SessionStore
  readonly #clock: Clock
  readonly #watch: Watch
  readonly #bytesMax: number
  #young = new Map<string, Entry<Content>>()
  #old = new Map<string, Entry<Content>>()
  /** Counts what was put into the younger generation, also what has left since. */
  #youngBytes = 0
  readonly #hashes = new Map<SessionId, string>()
  readonly #readings = new Set<Reading>()
  #isClosed = false

  constructor(store: SessionStore, clock: Clock, bytesMax: number = sessionLimits.cachedBytesMax) {
    this.#store = store
    this.#clock = clock
    this.#bytesMax = bytesMax
    this.#watch = store.watch((id) => this.#forget(id))
  }

  /** What a token leads to, by the store only if that isn't known. */
  read(tokenHash: string): Awaitable<TokenState> {
    const isCurrent = !this.#isClosed && this.#watch.isCurrent()
    const known = isCurrent ? this.#known(tokenHash) : undefined
    if (known) return { kind: 'live', record: known, isReplaced: false }
    // What changes before the news come through isn't told: it must not be kept either.
    const reading: Reading = { changed: new Set(), hasMissed: !isCurrent }
    const state = this.#store.read(tokenHash)
    if (!(state instanceof Promise)) return this.#keep(tokenHash, state, reading)
    this.#readings.add(reading)
    return state
      .then((late) => this.#keep(tokenHash, late, reading))
      .finally(() => this.#readings.delete(reading))
  }

  #keep(tokenHash: string, state: TokenState, reading: Reading): TokenState {
    if (state?.kind !== 'live' || state.isReplaced) return state
    const { record } = state
    if (!reading.hasMissed && !reading.changed.has(record.id)) this.put(tokenHash, record)
    return state
  }

  /** Remembers nothing any more. */
  close(): void {
    this.#isClosed = true
    this.#watch.stop()
    this.#forget(undefined)
  }

  #known(tokenHash: string): SessionRecord | undefined {
    const young = this.#young.get(tokenHash)
    const entry = young ?? this.#old.get(tokenHash)
    if (!entry) return undefined
    const { record, content } = entry
    const nowMs = this.#clock.nowMs()
    // Past its times the store decides.
    if (record.expiresAtMs <= nowMs || record.endsAtMs <= nowMs) return undefined
    if (!young) this.put(tokenHash, record, content)
    return record
  }

  /** What a record holds: read out of it once, as long as this very record is remembered. */
  contentOf(record: SessionRecord, readOut: (record: SessionRecord) => Content): Content {
    const hash = this.#hashes.get(record.id) ?? ''
    const entry = this.#young.get(hash) ?? this.#old.get(hash)
    if (entry?.record !== record) return readOut(record)
    entry.content ??= readOut(record)
    return entry.content
  }

  /**
   * Whether a token is known to lead to this very record: then nobody has rotated it, nor changed
   * the session, since.
   */
  holds(tokenHash: string, record: SessionRecord): boolean {
    const entry = this.#young.get(tokenHash) ?? this.#old.get(tokenHash)
    return entry?.record === record
  }

  /** Remembers a session as it was just read, or just written by a store that answers at once. */
  put(tokenHash: string, record: SessionRecord, content?: Content): void {
    if (this.#isClosed) return
    const before = this.#hashes.get(record.id)
    if (before !== undefined && before !== tokenHash) this.#forget(record.id)
    if (this.#youngBytes >= this.#bytesMax / 2) this.#age()
    this.#young.set(tokenHash, { record, content })
    this.#youngBytes += record.bytes.byteLength + entryBytes
    this.#hashes.set(record.id, tokenHash)
  }

  #age(): void {
    for (const [hash, { record }] of this.#old)
      if (!this.#young.has(hash) && this.#hashes.get(record.id) === hash)
        this.#hashes.delete(record.id)
    this.#old = this.#young
    this.#young = new Map()
    this.#youngBytes = 0
  }

  #forget(id: SessionId | undefined): void {
    if (id === undefined) {
      for (const reading of this.#readings) reading.hasMissed = true
      this.#young.clear()
      this.#old.clear()
      this.#hashes.clear()
      this.#youngBytes = 0
      return
    }
    for (const { changed } of this.#readings) changed.add(id)
    const hash = this.#hashes.get(id)
    if (hash === undefined) return
    this.#hashes.delete(id)
    this.#young.delete(hash)
    this.#old.delete(hash)
  }
}
