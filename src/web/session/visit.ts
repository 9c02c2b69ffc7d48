import { type Awaitable, type SessionId, SojournError } from '../../base/core/index.ts'
import { commit, reopen, update } from './commit.ts'
import type { Core, Departure, Stage } from './core.ts'
import { encodeData } from './data.ts'
import { Draft } from './draft.ts'
import { sessionLimits } from './policy.ts'
import { run, type Steps } from './steps.ts'
import type { SessionRecord, SessionUser } from './store.ts'
import type { LoginOptions, Session } from './types.ts'

/** What was found under a request's token. */
export interface Found {
  readonly isSecure: boolean
  readonly isForged: boolean
  readonly device: string | undefined
  readonly tokenHash?: string | undefined
  readonly record?: SessionRecord | undefined
  readonly barred?: Stage<never>['barred']
}

/** One request's session, as adapters and the response barrier handle it. */
export class Visit<Data extends object> {
  /** What the application gets. */
  readonly session: Session<Data>
  readonly #core: Core<Data>
  readonly #stage: Stage<Data>
  readonly #isNew: boolean
  #wasRead = false
  /** What is under way in the store: one thing of a request after the other. */
  #pending: Promise<unknown> | undefined

  constructor(core: Core<Data>, found: Found) {
    const { isSecure, isForged, device, tokenHash, record, barred } = found
    this.#core = core
    this.#isNew = record === undefined
    this.#stage = {
      isSecure,
      isForged,
      device,
      tokenHash,
      record,
      barred,
      draft: new Draft<Data>(record ? () => record.bytes : this.#initialBytes),
      departure: undefined,
      rotates: false,
      setCookie: undefined,
      hasStarted: false,
      isOver: false,
    }
    this.session = new RequestSession(this)
  }

  /** Stores what is staged. Synchronous where the store and the schema are. */
  commit(): Awaitable<void> {
    return this.#inTurn(() => run(commit(this.#core, this.#stage)))
  }

  /** Forgets what isn't stored, for a request that failed. */
  discard(): void {
    const { record } = this.#stage
    this.#stage.draft.enter('stale')
    this.#stage.draft = new Draft<Data>(record ? () => record.bytes : this.#initialBytes)
    this.#stage.departure = undefined
    this.#stage.rotates = false
  }

  /** Whether there is something that `commit()` would store. */
  get isUnsaved(): boolean {
    return this.#stage.draft.isChanged
  }

  /**
   * The headers that the response needs, now that it starts. `cache-control` only counts if the
   * application set none.
   */
  start(): readonly (readonly [name: 'set-cookie' | 'cache-control', value: string])[] {
    this.#stage.hasStarted = true
    const { setCookie } = this.#stage
    return [
      ...(setCookie ? [['set-cookie', setCookie] as const] : []),
      ...(setCookie || this.#wasRead ? [['cache-control', 'no-store'] as const] : []),
    ]
  }

  /**
   * For a response that started before its end: what was changed since would be lost.
   *
   * @throws SojournError `SESSION_COMMITTED` when something was
   */
  finish(): void {
    if (!this.isUnsaved) return
    const detail = 'The session was changed after the response had started.'
    throw new SojournError('SESSION_COMMITTED', detail)
  }

  /** From here on changes of the data throw; `update()` still stores by itself. */
  seal(): void {
    this.#stage.isOver = true
    reopen(this.#stage)
  }

  get id(): SessionId | undefined {
    return this.#read().record?.id
  }

  get isNew(): boolean {
    this.#read()
    return this.#isNew
  }

  get data(): Data {
    return this.#read().draft.data
  }

  get user(): SessionUser | undefined {
    const { departure, record } = this.#read()
    return departure ? departure.user : record?.user
  }

  login(userId: string, { factors = [], keep = [] }: LoginOptions<Data> = {}): void {
    for (const text of [userId, ...factors])
      if (typeof text !== 'string' || text === '' || text.length > sessionLimits.userIdCharsMax)
        throw new TypeError(`login: a user id or factor must be a short text, got ${text}`)
    const authenticatedAtMs = this.#core.clock.nowMs()
    const user = { id: userId, authenticatedAtMs, factors: [...factors] }
    this.#depart({ reason: 'login', user }, keep)
  }

  logout(): void {
    this.#depart({ reason: 'logout' }, [])
  }

  rotate(): void {
    this.#checkNotStarted()
    this.#stage.rotates = true
  }

  async update<Result>(change: (data: Data) => Result): Promise<Result> {
    const { record, departure, barred } = this.#read()
    if (barred) throw new SojournError('SESSION_ROTATED')
    if (!record || departure) return this.#updateUnstored(change)
    const steps = (): Steps<Result> => update(this.#core, this.#stage, record, change)
    return this.#inTurn(() => this.#core.updates.run(record.id, async () => run(steps())))
  }

  #updateUnstored<Result>(change: (data: Data) => Result): Result {
    this.#checkNotStarted()
    const result = change(this.#stage.draft.data)
    if (result instanceof Promise) throw new TypeError('session.update() takes no async function')
    return result
  }

  #depart(departure: Departure, keep: readonly (keyof Data & string)[]): void {
    this.#checkNotStarted()
    this.#stage.draft = this.#stage.draft.followedBy(this.#initialBytes, keep)
    this.#stage.departure = departure
  }

  #checkNotStarted(): void {
    if (this.#stage.hasStarted) throw new SojournError('SESSION_COMMITTED')
  }

  #read(): Stage<Data> {
    this.#wasRead = true
    return this.#stage
  }

  readonly #initialBytes = (): Uint8Array => encodeData(this.#core.initial())

  /** Runs at once when nothing is under way, else after it, whatever becomes of that. */
  #inTurn<Result>(work: () => Awaitable<Result>): Awaitable<Result> {
    const result = this.#pending ? this.#pending.then(work) : work()
    if (!(result instanceof Promise)) return result
    const pending: Promise<unknown> = result
      .catch(() => {})
      .then(() => {
        if (this.#pending === pending) this.#pending = undefined
      })
    this.#pending = pending
    return result
  }
}

/** The public face of a visit. */
class RequestSession<Data extends object> implements Session<Data> {
  readonly #visit: Visit<Data>

  constructor(visit: Visit<Data>) {
    this.#visit = visit
  }
  get id(): SessionId | undefined {
    return this.#visit.id
  }
  get isNew(): boolean {
    return this.#visit.isNew
  }
  get data(): Data {
    return this.#visit.data
  }
  get user(): SessionUser | undefined {
    return this.#visit.user
  }
  login(userId: string, options?: LoginOptions<Data>): void {
    this.#visit.login(userId, options)
  }
  logout(): void {
    this.#visit.logout()
  }
  rotate(): void {
    this.#visit.rotate()
  }
  update<Result>(change: (data: Data) => Result): Promise<Result> {
    return this.#visit.update(change)
  }
  commit(): Awaitable<void> {
    return this.#visit.commit()
  }
}
