import { isDeepStrictEqual } from 'node:util'
import { decodeValue, encodeValue } from '../../base/codec/index.ts'
import {
  type Clock,
  newId,
  type Random,
  SojournError,
  systemClock,
  systemRandom,
} from '../../base/core/index.ts'
import { hashToken } from '../../base/secrets/index.ts'
import {
  isTouchDue,
  Queue,
  type SessionRecord,
  type SessionStore,
  sessionLimits,
  type TokenState,
  timesAt,
} from '../session/index.ts'
import { answered, type Callback } from './answer.ts'
import { merge } from './merge.ts'
import { debug } from './notes.ts'
import type { Session } from './session.ts'
import { Store } from './store.ts'
import type { SessionRequest, StoredSession } from './types.ts'

/** How a store of Sojourn keeps sessions of `express-session`. */
export interface StoreFromOptions {
  /** Ends a session whose cookie has no `maxAge`, unused for so long. Default 1 day. */
  readonly idleAfterMs?: number
  /** Ends every session so long after its start. Default 400 days, as browsers do with cookies. */
  readonly endAfterMs?: number
  /** The encoded session may have so many bytes, else `SESSION_TOO_LARGE`. Default 1 MiB. */
  readonly dataBytesMax?: number
  /** Default: the machine's. */
  readonly clock?: Clock
  /** Where public ids come from. Default: the platform's generator. */
  readonly random?: Random
}

const dayMs = 86_400_000
/** New sessions are what fills a store: with one of them, this often, expired ones are swept. */
const sweepEveryMs = 600_000
const scanMax = 500
/** Tells these sessions from others in the same store. */
const idPrefix = 'es_'

/** What the session of a request is compared with when it is saved. */
interface Base {
  /** The newest version that is known. */
  readonly record: SessionRecord
  /** The session as the request had it then. */
  readonly seen: StoredSession
}

/**
 * Lets a store of Sojourn (SQLite, PostgreSQL, Valkey, memory) keep the sessions of this middleware,
 * or of the original one.
 *
 * A save writes what differs between the session as it was read and as it is, upon the newest
 * version, so parallel requests lose nothing of each other; and a session that has ended stays so:
 * a late save gets `SESSION_ROTATED` or `SESSION_ENDED` and brings nothing back.
 *
 * The session id of `express-session`, which `genid` makes and the cookie carries, is the secret
 * that proves a session. It is never stored: like a token, it is looked up by its SHA-256. The
 * record has a random public id beside it, `es_…`, under which the platform lists and revokes.
 */
export function storeFrom(sessions: SessionStore, options: StoreFromOptions = {}): Store {
  return new StoreFromSessions(sessions, options)
}

class StoreFromSessions extends Store {
  readonly #sessions: SessionStore
  readonly #options: Required<StoreFromOptions>
  readonly #bases = new WeakMap<object, Base>()
  readonly #queue = new Queue()
  #sweptAtMs = Number.NEGATIVE_INFINITY

  constructor(sessions: SessionStore, options: StoreFromOptions) {
    super()
    const { idleAfterMs = dayMs, endAfterMs = 400 * dayMs, dataBytesMax = 1_048_576 } = options
    const { clock = systemClock, random = systemRandom } = options
    for (const [name, value] of Object.entries({ idleAfterMs, endAfterMs, dataBytesMax }))
      if (!(value >= 1)) throw new RangeError(`${name} must be at least 1, got ${value}`)
    this.#sessions = sessions
    this.#options = { idleAfterMs, endAfterMs, dataBytesMax, clock, random }
  }

  override get(sid: string, callback?: Callback<StoredSession | null>): unknown {
    return answered(this, this.#get(hashToken(sid)), callback)
  }

  override set(sid: string, session: Session | StoredSession, callback?: Callback): unknown {
    // As it is now: what the request does to it while the store is busy comes with the next save.
    const mine = plainOf(session)
    const work = (hash: string): Promise<void> => this.#set(hash, session, mine)
    return answered(this, this.#inTurn(sid, work), callback)
  }

  override touch(sid: string, session: Session | StoredSession, callback?: Callback): unknown {
    const { cookie } = plainOf(session)
    return answered(
      this,
      this.#inTurn(sid, (hash) => this.#touch(hash, session, cookie)),
      callback,
    )
  }

  override destroy(sid: string, callback?: Callback): unknown {
    return answered(
      this,
      this.#inTurn(sid, (hash) => this.#destroy(hash)),
      callback,
    )
  }

  override createSession(
    req: Pick<SessionRequest, 'session' | 'sessionID' | 'sessionStore'>,
    data: StoredSession,
  ): ReturnType<Store['createSession']> {
    const session = super.createSession(req, data)
    const base = this.#bases.get(data)
    if (base) this.#bases.set(session, base)
    return session
  }

  /** All live sessions, without their ids: those are secrets that the store doesn't know. */
  override all(callback?: Callback<StoredSession[]>): unknown {
    const all = this.#scan().then((records) => records.map((record) => sessionOf(record)))
    return answered(this, all, callback)
  }

  override length(callback?: Callback<number>): unknown {
    const length = this.#scan().then((records) => records.length)
    return answered(this, length, callback)
  }

  override clear(callback?: Callback): unknown {
    return answered(this, this.#clear(), callback)
  }

  async #get(hash: string): Promise<StoredSession | null> {
    const state = await this.#sessions.read(hash)
    if (state?.kind !== 'live') return null
    const session = sessionOf(state.record)
    const { expires } = session.cookie
    if (expires && new Date(expires).valueOf() <= this.#options.clock.nowMs()) return null
    this.#bases.set(session, baseOf(state) as Base)
    return session
  }

  async #set(hash: string, session: object, mine: StoredSession): Promise<void> {
    let base = this.#bases.get(session)
    if (!base) {
      const state = await this.#sessions.read(hash)
      if (state?.kind === 'ended') throw endError(state)
      // Nobody has read it for this request: it is replaced as a whole.
      base = baseOf(state)
    }
    const record = base ? await this.#save(hash, base, mine) : await this.#create(hash, mine)
    this.#bases.set(session, { record, seen: mine })
  }

  /** A use of what has ended is no fault: there is nothing to store. */
  async #touch(hash: string, session: object, cookie: StoredSession['cookie']): Promise<void> {
    const base = this.#bases.get(session) ?? baseOf(await this.#sessions.read(hash))
    if (base) await this.#set(hash, session, { ...base.seen, cookie })
  }

  async #destroy(hash: string): Promise<void> {
    const state = await this.#sessions.read(hash)
    if (state?.kind !== 'live') return
    const untilMs = this.#options.clock.nowMs() + sessionLimits.tombstoneMs
    await this.#sessions.destroy(state.record.id, { reason: 'logout', untilMs })
  }

  async #create(hash: string, mine: StoredSession): Promise<SessionRecord> {
    const { clock, random, endAfterMs } = this.#options
    const createdAtMs = clock.nowMs()
    const endsAtMs = createdAtMs + endAfterMs
    const record: SessionRecord = {
      id: newId(idPrefix, random),
      version: 1,
      bytes: this.#bytesOf(mine),
      user: undefined,
      createdAtMs,
      endsAtMs,
      device: undefined,
      parentId: undefined,
      ...timesAt(createdAtMs, endsAtMs, this.#idleMsOf(mine)),
    }
    await this.#sessions.create(record, hash)
    this.#sweep(createdAtMs)
    return record
  }

  async #save(hash: string, { record, seen }: Base, mine: StoredSession): Promise<SessionRecord> {
    if (isDeepStrictEqual(seen, mine)) return this.#use(record, mine)
    let newest: SessionRecord | undefined = record
    for (let tries = 1; newest && tries <= sessionLimits.triesMax; tries++) {
      const merged = merge(seen, mine, seenIn(newest)) as StoredSession
      const bytes = this.#bytesOf(merged)
      const { id, version, endsAtMs }: SessionRecord = newest
      const times = timesAt(this.#options.clock.nowMs(), endsAtMs, this.#idleMsOf(merged))
      const outcome = await this.#sessions.commit(id, version, bytes, times)
      if (outcome === 'committed') return { ...newest, ...times, bytes, version: version + 1 }
      newest = outcome === 'gone' ? undefined : await this.#sessions.readById(id)
    }
    throw newest ? new SojournError('SESSION_CONFLICT') : endError(await this.#sessions.read(hash))
  }

  /** Writes a use at most once per tenth of the idle time; what has ended is left alone. */
  async #use(record: SessionRecord, mine: StoredSession): Promise<SessionRecord> {
    const nowMs = this.#options.clock.nowMs()
    const idle = this.#idleMsOf(mine)
    if (!isTouchDue(nowMs, record.touchedAtMs, idle)) return record
    const times = timesAt(nowMs, record.endsAtMs, idle)
    await this.#sessions.touch(record.id, times)
    return { ...record, ...times }
  }

  async #scan(): Promise<readonly SessionRecord[]> {
    const all: SessionRecord[] = []
    let after: string | undefined
    for (;;) {
      const page: readonly SessionRecord[] = await this.#sessions.scan(after, scanMax)
      all.push(...page.filter(({ id }) => id.startsWith(idPrefix)))
      after = page.at(-1)?.id
      if (page.length < scanMax) return all
    }
  }

  async #clear(): Promise<void> {
    const untilMs = this.#options.clock.nowMs() + sessionLimits.tombstoneMs
    for (const { id } of await this.#scan())
      await this.#sessions.destroy(id, { reason: 'revoked', untilMs })
  }

  /** Beside the request: whether it works out is not for this visitor to know. */
  async #sweep(nowMs: number): Promise<void> {
    if (nowMs - this.#sweptAtMs < sweepEveryMs) return
    this.#sweptAtMs = nowMs
    try {
      await this.#sessions.sweep(nowMs, sessionLimits.sweepMax, nowMs + sessionLimits.tombstoneMs)
    } catch (error) {
      debug('expired sessions could not be swept: %o', error)
    }
  }

  /** Writes of one session after each other, so that they don't compete within this process. */
  #inTurn(sid: string, work: (hash: string) => Promise<void>): Promise<void> {
    const hash = hashToken(sid)
    return this.#queue.run(hash, () => work(hash))
  }

  #idleMsOf({ cookie }: StoredSession): number {
    return cookie.originalMaxAge ?? this.#options.idleAfterMs
  }

  #bytesOf(session: StoredSession): Uint8Array {
    const bytes = encodeValue(session)
    const { dataBytesMax } = this.#options
    if (bytes.byteLength <= dataBytesMax) return bytes
    const detail = `The session takes ${bytes.byteLength} of ${dataBytesMax} bytes.`
    throw new SojournError('SESSION_TOO_LARGE', detail)
  }
}

/** A session as JSON has it, without the end of its cookie: that follows from its last use. */
function plainOf(session: object): StoredSession {
  const plain = JSON.parse(JSON.stringify(session)) as StoredSession
  const { expires: _, ...cookie } = plain.cookie ?? {}
  return { ...plain, cookie }
}

function baseOf(state: TokenState): Base | undefined {
  if (state?.kind !== 'live') return undefined
  return { record: state.record, seen: seenIn(state.record) }
}

/** As the platform answers: only what a login or logout replaced is worth another try. */
function endError(state: TokenState): SojournError {
  const isOver = state?.kind === 'ended' && /^(expired|revoked)$/.test(state.reason)
  return new SojournError(isOver ? 'SESSION_ENDED' : 'SESSION_ROTATED')
}

function seenIn({ bytes }: SessionRecord): StoredSession {
  return decodeValue(bytes) as StoredSession
}

/** A session as stores hand it out. */
function sessionOf(record: SessionRecord): StoredSession {
  const session = seenIn(record)
  const { originalMaxAge } = session.cookie
  const isLasting = typeof originalMaxAge === 'number'
  const expires = isLasting ? new Date(record.touchedAtMs + originalMaxAge) : null
  return { ...session, cookie: { ...session.cookie, expires } }
}
