import {
  type Awaitable,
  type SessionId,
  SojournError,
  silentLog,
  systemClock,
  systemRandom,
} from '../../base/core/index.ts'
import { hashToken, sealer } from '../../base/secrets/index.ts'
import { plainCopy } from '../../base/state/revisions.ts'
import { SessionCache } from './cache.ts'
import type { Carriers, HeaderRecord } from './carrier.ts'
import { type Content, Contents, isRemembered } from './contents.ts'
import type { Core } from './core.ts'
import { EndFeed } from './end-feed.ts'
import { idleMsOf, isTouchDue, type Policy, policyOf, sessionLimits, timesAt } from './policy.ts'
import { type Problem, problemOf } from './problem.ts'
import { Queue } from './queue.ts'
import { contentOf, copyOfUser } from './records.ts'
import {
  isAllowedHost,
  isForgery,
  isTransportSafe,
  type Opening,
  openVisit,
  type RequestFacts,
  tokenOf,
} from './requests.ts'
import { run, type Steps, wait } from './steps.ts'
import type { EndReason, SessionRecord, SessionStore, Tombstone } from './store.ts'
import type { CreateSessionsOptions, EndListener, SessionInfo, Sessions, Visitor } from './types.ts'
import type { Visit } from './visit.ts'

/** Builds the sessions of an application upon the ways that tokens travel. */
export function buildSessions<Data extends object>(
  options: CreateSessionsOptions<Data>,
  carriersFor: (policy: Policy) => Carriers,
): Sessions<Data> {
  const policy = policyOf(options)
  return new StoredSessions(options, policy, carriersFor(policy))
}

class StoredSessions<Data extends object> implements Sessions<Data> {
  readonly #core: Core<Data>
  readonly #carriers: Carriers
  readonly #store: SessionStore
  readonly #listeners = new Set<EndListener>()
  readonly #feed: EndFeed

  constructor(options: CreateSessionsOptions<Data>, policy: Policy, carriers: Carriers) {
    const { schema, migrate, secrets, initial = () => ({}) as Data } = options
    const { store, events } = options
    const { clock = systemClock, random = systemRandom, log = silentLog } = options
    const { dataBytesMax, version } = policy
    const seals = secrets && sealer(secrets, random)
    const contents = new Contents({ schema, dataBytesMax, version, migrate, sealer: seals })
    // Whoever gives the same object each time must not find it changed.
    const fresh = () => ({ data: plainCopy(initial()) as Data, flash: [] })
    const ended: Core<Data>['ended'] = (id, reason) => this.#tell(id, reason)
    const cache = new SessionCache<Content<Data>>(store, clock)
    const shared = { store, cache, clock, random, log, updates: new Queue() }
    const { cookie } = carriers
    this.#core = { ...shared, cookie, policy, contents, fresh, events, ended }
    this.#carriers = carriers
    this.#store = store
    this.#feed = new EndFeed(store, (end) => this.#call(end))
    const { developmentPort: port } = policy
    if (port !== undefined)
      log.warn({ port }, 'development: session cookies travel over plain http, on loopback only')
  }

  on(_event: 'end', listener: EndListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  listByUser(userId: string): Awaitable<readonly SessionInfo[]> {
    return run(this.#listByUser(userId))
  }

  revoke(id: SessionId): Awaitable<boolean> {
    return run(this.#revoke(id))
  }

  revokeUser(userId: string, { except }: { except?: SessionId } = {}): Awaitable<number> {
    const ids = this.#store.destroyByUser(userId, this.#tombstone('revoked'), except)
    return run(this.#tellAll(ids, 'revoked'))
  }

  find(id: SessionId): Awaitable<SessionInfo | undefined> {
    const record = this.#store.readById(id)
    if (record instanceof Promise) return record.then((found) => found && infoOf(found))
    return record && infoOf(record)
  }

  revokeEveryone(): Awaitable<number> {
    return run(this.#revokeEveryone())
  }

  sweep(): Awaitable<number> {
    const { untilMs } = this.#tombstone('expired')
    const nowMs = this.#core.clock.nowMs()
    return run(this.#tellAll(this.#store.sweep(nowMs, sessionLimits.sweepMax, untilMs), 'expired'))
  }

  followEnds(): Awaitable<number> {
    return run(this.#feed.follow())
  }

  close(): void {
    this.#listeners.clear()
    this.#core.cache.close()
  }

  identify({ headers }: { headers: HeaderRecord }): Awaitable<Visitor<Data> | undefined> {
    return run(this.#identify(headers))
  }

  visitor(id: SessionId): Awaitable<Visitor<Data> | undefined> {
    const record = this.#store.readById(id)
    if (record instanceof Promise) return record.then((found) => found && this.#visitorOf(found))
    return record && this.#visitorOf(record)
  }

  isLive(id: SessionId): Awaitable<boolean> {
    return run(this.#isLive(id))
  }

  touch(id: SessionId): Awaitable<void> {
    return run(this.#touch(id))
  }

  isAllowedOrigin(origin: string): boolean {
    return this.#core.policy.origins.has(origin)
  }

  isAllowedHost(host: string): boolean {
    return isAllowedHost(host, this.#core.policy)
  }

  isForged(request: Pick<RequestFacts, 'method' | 'headers'>): boolean {
    const cookies = this.#carriers.cookie.read(request.headers)
    return cookies.length > 0 && isForgery(request, this.#core.policy)
  }

  withoutToken(name: string, value: string): string | undefined {
    const { cookie, header } = this.#carriers
    const rest = cookie.without(name, value)
    return rest && header.without(name, rest)
  }

  isAllowedTransport(headers: HeaderRecord): boolean {
    return isTransportSafe({ headers, isTls: false }, this.#core.policy)
  }

  visit(request: RequestFacts, opening: Opening = 'always'): Awaitable<Visit<Data>> {
    return openVisit(this.#core, this.#carriers, request, opening)
  }

  problem(error: unknown): Problem {
    const problem = problemOf(error, this.#core.log)
    const isCookie = error instanceof SojournError && error.code === 'COOKIE_MALFORMED'
    if (!isCookie) return problem
    return { ...problem, headers: { ...problem.headers, 'set-cookie': this.#core.cookie.remove() } }
  }

  *#listByUser(userId: string): Steps<readonly SessionInfo[]> {
    return (yield* wait(this.#store.listByUser(userId))).map(infoOf)
  }

  *#revoke(id: SessionId): Steps<boolean> {
    const ended = this.#store.destroy(id, this.#tombstone('revoked'))
    return (yield* this.#tellAll(ended, 'revoked')) > 0
  }

  *#identify(headers: HeaderRecord): Steps<Visitor<Data> | undefined> {
    const token = tokenOf(headers, this.#carriers)
    if (token === undefined) return undefined
    const state = yield* wait(this.#core.cache.read(hashToken(token)))
    if (state?.kind === 'live') return this.#visitorOf(state.record)
    const isReplaced = !state || state.reason === 'login' || state.reason === 'rotated'
    if (isReplaced) return undefined
    throw new SojournError('SESSION_ENDED')
  }

  *#isLive(id: SessionId): Steps<boolean> {
    return (yield* wait(this.#store.readById(id))) !== undefined
  }

  *#touch(id: SessionId): Steps<void> {
    const { policy, clock } = this.#core
    const record = yield* wait(this.#store.readById(id))
    if (!record) return
    const nowMs = clock.nowMs()
    const idleMs = idleMsOf(isRemembered(record.bytes), policy)
    if (isTouchDue(nowMs, record.touchedAtMs, idleMs))
      yield* wait(this.#store.touch(id, timesAt(nowMs, record.endsAtMs, idleMs)))
  }

  *#tellAll(ids: Awaitable<readonly SessionId[]>, reason: EndReason): Steps<number> {
    const ended = yield* wait(ids)
    for (const id of ended) this.#tell(id, reason)
    return ended.length
  }

  *#revokeEveryone(): Steps<number> {
    const store = this.#store
    let count = 0
    let page = yield* wait(store.scan(undefined, sessionLimits.sweepMax))
    while (page.length > 0) {
      for (const { id } of page)
        count += yield* this.#tellAll(store.destroy(id, this.#tombstone('revoked')), 'revoked')
      page = yield* wait(store.scan(page.at(-1)?.id, sessionLimits.sweepMax))
    }
    return count
  }

  #visitorOf(record: SessionRecord): Visitor<Data> {
    const { id, user } = record
    return {
      id,
      user: copyOfUser(user),
      data: plainCopy(contentOf(this.#core, record).data) as Data,
    }
  }

  #tell(id: SessionId, reason: EndReason): void {
    this.#feed.told(id)
    this.#call({ id, reason })
  }

  /** A listener that throws keeps neither the others nor the response from going on. */
  #call(end: { readonly id: SessionId; readonly reason: EndReason }): void {
    for (const listener of this.#listeners) {
      try {
        listener(end)
      } catch (error) {
        this.#core.log.error({ err: error, session: end.id }, 'a listener of ended sessions threw')
      }
    }
  }

  #tombstone(reason: EndReason): Tombstone {
    return { reason, untilMs: this.#core.clock.nowMs() + sessionLimits.tombstoneMs }
  }
}

function infoOf({ bytes: _, version: __, ...info }: SessionRecord): SessionInfo {
  return { ...info, user: copyOfUser(info.user) }
}
