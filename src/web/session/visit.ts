import { timingSafeEqual } from 'node:crypto'
import { type Awaitable, newId, type SessionId, SojournError } from '../../base/core/index.ts'
import { csrfTokenOf, newToken } from '../../base/secrets/index.ts'
import { commit, hasWork, reopen, update } from './commit.ts'
import { type Content, isRemembered } from './contents.ts'
import type { Arrival, Core, Departure, Found, Stage } from './core.ts'
import { type EventProps, RequestEvents } from './events.ts'
import { find } from './find.ts'
import { handOver, lookAt, redeem } from './handover.ts'
import type { AddedHeaders } from './headers.ts'
import { sessionLimits } from './policy.ts'
import { contentOf, copyOfUser, draftOf } from './records.ts'
import { RequestSession } from './request-session.ts'
import { run, type Steps } from './steps.ts'
import type { SessionUser } from './store.ts'
import type {
  FreshOptions,
  HandOverOffer,
  HandOverOptions,
  LoginOptions,
  Session,
  TakeOverOptions,
} from './types.ts'

const nothingAdded: AddedHeaders = []
const notCached: AddedHeaders = [['cache-control', 'no-store']]

/** One request's session, as adapters and the response barrier handle it. */
export class Visit<Data extends object> {
  /** What the application gets. */
  readonly session: Session<Data>
  readonly #core: Core<Data>
  readonly #arrival: Arrival
  #found: Found | undefined
  /** Made when the session is first used: a request that leaves it alone pays for nothing. */
  #madeStage: Stage<Data> | undefined
  #events: RequestEvents<Data> | undefined
  #isNew = true
  #hasStarted = false
  #isOver = false
  #wasRead = false
  /** The address of the page has a code in it, which no other site must learn (ASVS 5.0 §3.4.5). */
  #hasCode = false
  /** What is under way in the store: one thing of a request after the other. */
  #pending: Promise<unknown> | undefined

  constructor(core: Core<Data>, arrival: Arrival) {
    this.#core = core
    this.#arrival = arrival
    this.session = new RequestSession(this)
  }

  /** Looks the session up. Without this it is looked up when it is first used. */
  open(): Awaitable<void> {
    if (this.#found) return undefined
    const found = find(this.#core, this.#arrival.token)
    if (!(found instanceof Promise)) {
      this.#found = found
      return undefined
    }
    return found.then((late) => {
      this.#found ??= late
    })
  }

  get #stage(): Stage<Data> {
    this.#madeStage ??= this.#makeStage()
    return this.#madeStage
  }

  #makeStage(): Stage<Data> {
    const core = this.#core
    if (!this.#found && !core.store.answersAtOnce)
      throw new TypeError("open: 'manual' needs `await session.open()` before the session is used")
    this.open()
    const { tokenHash, record, barred } = this.#found as Found
    const { token, isHeaderClient, isUnsafe, isSecure, isForged, userAgent } = this.#arrival
    const isStored = record !== undefined
    const stage: Stage<Data> = {
      token: isStored ? token : undefined,
      tokenHash,
      nextToken: undefined,
      isWanted: false,
      record,
      barred,
      draft: draftOf(core, record),
      departure: undefined,
      rotates: false,
      setCookie: undefined,
      isHeaderClient,
      isUnsafe,
      isSecure,
      isForged,
      userAgent,
      hasStarted: this.#hasStarted,
      isOver: this.#isOver,
    }
    this.#isNew = !isStored
    this.#events = core.events && new RequestEvents(core.events, core.clock, stage)
    reopen(stage)
    this.#madeStage = stage
    return stage
  }

  /** Stores what is staged. Synchronous where the store and the schema are. */
  commit(): Awaitable<void> {
    const stage = this.#madeStage
    if (!stage) return undefined
    if (!this.#pending && !hasWork(this.#core, stage)) {
      this.#events?.tell()
      return undefined
    }
    return this.#inTurn(() => {
      const steps = commit(this.#core, stage)
      return run(this.#events ? this.#events.during(steps) : steps)
    })
  }

  /** Forgets what isn't stored, for a request that failed. */
  discard(): void {
    const stage = this.#madeStage
    if (!stage) return
    // What is being stored must not change under it.
    if (this.#pending) void this.#inTurn(() => this.#discard(stage))
    else this.#discard(stage)
  }

  #discard(stage: Stage<Data>): void {
    stage.draft.enter('stale')
    stage.draft = draftOf(this.#core, stage.record)
    stage.departure = undefined
    stage.rotates = false
    stage.isWanted = false
    this.#events?.forget()
  }

  /** Whether there is something that `commit()` would store. */
  get isUnsaved(): boolean {
    return this.#madeStage?.draft.isChanged ?? false
  }

  /**
   * The headers that the response needs, now that it starts. All but the cookie only count if
   * the application set none, or beside a cookie.
   */
  start(): AddedHeaders {
    this.#hasStarted = true
    const stage = this.#madeStage
    if (!stage) return nothingAdded
    stage.hasStarted = true
    const { setCookie } = stage
    if (!setCookie && !this.#hasCode) return this.#wasRead ? notCached : nothingAdded
    return [
      ...(setCookie ? [['set-cookie', setCookie] as const] : []),
      ...(setCookie || this.#wasRead ? [['cache-control', 'no-store'] as const] : []),
      ...(this.#hasCode ? [['referrer-policy', 'same-origin'] as const] : []),
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
    this.#isOver = true
    if (!this.#madeStage) return
    this.#madeStage.isOver = true
    reopen(this.#madeStage)
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
    const user = departure ? departure.user : record?.user
    // A store in memory keeps this very object: nobody may add a factor to it.
    Object.freeze(user?.factors)
    return Object.freeze(user)
  }

  login(userId: string, options: LoginOptions<Data> = {}): void {
    const { factors = [], keep = [] } = options
    const { record } = this.#stage
    const wasRemembered = record !== undefined && isRemembered(record.bytes)
    const { remember = keep === 'all' && wasRemembered } = options
    for (const text of [userId, ...factors])
      if (typeof text !== 'string' || text === '' || text.length > sessionLimits.userIdCharsMax)
        throw new TypeError(`login: a user id or factor must be a short text, got ${text}`)
    const authenticatedAtMs = this.#core.clock.nowMs()
    const user = { id: userId, authenticatedAtMs, factors: [...factors] }
    this.#depart({ reason: 'login', user, isRemembered: remember }, keep)
  }

  logout(): void {
    this.#depart({ reason: 'logout', isRemembered: false }, [])
  }

  requireFresh({ withinMs, factors = [] }: FreshOptions = {}): void {
    const { user } = this
    if (!user) throw new SojournError('UNAUTHENTICATED')
    const ageMs = this.#core.clock.nowMs() - user.authenticatedAtMs
    const isFresh = ageMs <= (withinMs ?? this.#core.policy.freshForMs)
    if (!isFresh || factors.some((factor) => !user.factors.includes(factor)))
      throw new SojournError('FRESH_LOGIN_REQUIRED')
  }

  flash(name: string, value?: unknown): readonly unknown[] {
    const { draft } = this.#read()
    if (value === undefined) return draft.takeFlash(name)
    draft.addFlash({ id: newId('f_', this.#core.random), name, value })
    return []
  }

  csrfToken(): string {
    const stage = this.#read()
    const { record, token, departure, rotates } = stage
    if (record && token !== undefined && !departure && !rotates) return csrfTokenOf(token)
    this.#checkNotStarted()
    stage.isWanted = true
    stage.nextToken ??= newToken(this.#core.random)
    return csrfTokenOf(stage.nextToken)
  }

  checkCsrfToken(text: unknown): void {
    const { token, record } = this.#read()
    const expected = Buffer.from(csrfTokenOf(token ?? ''))
    const given = Buffer.from(typeof text === 'string' ? text : '')
    const isGiven = given.length === expected.length && timingSafeEqual(given, expected)
    if (!record || !isGiven) throw new SojournError('ORIGIN_FOREIGN')
  }

  bearerToken(): string {
    const stage = this.#read()
    this.#checkNotStarted()
    stage.isHeaderClient = true
    const { record, token, departure, rotates } = stage
    if (record && token !== undefined && !departure && !rotates) return token
    stage.isWanted = true
    stage.nextToken ??= newToken(this.#core.random)
    return stage.nextToken
  }

  async handOver(options: HandOverOptions<Data>): Promise<string> {
    const { record, departure } = this.#read()
    if (!record || departure) throw new TypeError('handOver: the session must be stored first')
    return run(handOver(this.#core, record.id, options))
  }

  async lookAtHandOver(code: unknown): Promise<HandOverOffer> {
    this.#read()
    this.#hasCode = true
    const { parent } = await run(lookAt(this.#core, code))
    const { user, device } = parent
    return { user: copyOfUser(user), device }
  }

  async takeOver(code: unknown, options: TakeOverOptions = {}): Promise<void> {
    const { isUnsafe, record } = this.#read()
    // Scanners of mails and browsers that read ahead follow links, but send no forms.
    if (!isUnsafe) throw new TypeError('takeOver: redeem a code in a POST handler, not in a GET')
    const { parent, keep } = await run(redeem(this.#core, code, options, record))
    if (record?.id === parent.id) return
    this.#depart({ reason: 'login', user: parent.user, isRemembered: false, parent }, [])
    const { data } = contentOf(this.#core, parent)
    const kept = Object.fromEntries(Object.entries(data).filter(([key]) => keep.includes(key)))
    Object.assign(this.#stage.draft.data, kept)
  }

  rotate(): void {
    this.#checkNotStarted()
    this.#stage.rotates = true
  }

  track(event: string, props?: EventProps): void {
    this.#read()
    this.#events?.track(event, props)
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

  #depart(departure: Departure, keep: LoginOptions<Data>['keep'] = []): void {
    this.#checkNotStarted()
    const fresh = (): Content<Data> => this.#core.fresh()
    this.#stage.draft =
      departure.reason === 'login'
        ? this.#stage.draft.followedBy(fresh, keep)
        : this.#stage.draft.endedBy(fresh)
    this.#stage.departure = departure
  }

  #checkNotStarted(): void {
    if (this.#stage.hasStarted) throw new SojournError('SESSION_COMMITTED')
  }

  #read(): Stage<Data> {
    this.#wasRead = true
    return this.#stage
  }

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
