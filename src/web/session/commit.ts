/** How what a request did to its session reaches the store. */
import { newId, SojournError } from '../../base/core/index.ts'
import { hashToken, newToken } from '../../base/secrets/index.ts'
import { plainCopy } from '../../base/state/index.ts'
import { type Content, isRemembered } from './contents.ts'
import type { Core, Stage } from './core.ts'
import { deviceOf } from './device.ts'
import { Draft } from './draft.ts'
import { idleMsOf, isTouchDue, sessionLimits, timesAt } from './policy.ts'
import { type Steps, wait } from './steps.ts'
import type {
  EndReason,
  Replaced,
  SessionRecord,
  SessionTimes,
  Tombstone,
  UserLimit,
} from './store.ts'

/** Carries out what is staged, at most one write for the data; without anything staged, a touch. */
export function* commit<Data extends object>(core: Core<Data>, stage: Stage<Data>): Steps<void> {
  const { record, departure, draft } = stage
  const isChanged = draft.isChanged || stage.isWanted
  const isLogin = departure?.reason === 'login'
  const isWrite = isChanged || isLogin
  // A login stands on its own: whoever missed the answer to the last one may try again.
  if (stage.barred && !isLogin && (isChanged || (departure && stage.barred !== 'logout')))
    throw new SojournError('SESSION_ROTATED')
  draft.enter('storing')
  try {
    if (!record && isWrite) yield* create(core, stage)
    else if (record && departure && isWrite) yield* replace(core, stage)
    else if (record && departure) yield* destroy(core, stage, record)
    else if (record && isWrite) yield* save(core, stage)
    else if (record) yield* touch(core, stage, record)
    if (stage.rotates && record && !departure) yield* rotate(core, stage, record)
    stage.rotates = false
    stage.isWanted = false
  } finally {
    reopen(stage)
  }
}

/** Whether a commit has anything to do: most requests only look. */
export function hasWork<Data extends object>(core: Core<Data>, stage: Stage<Data>): boolean {
  const { record, departure, draft, isWanted, rotates } = stage
  if (departure || isWanted || rotates || draft.isChanged) return true
  return record !== undefined && timesDue(core, record, isRemembered(record.bytes)) !== undefined
}

/** Reads the newest version, lets `change` work on it and writes it back: exact, or an error. */
export function* update<Data extends object, Result>(
  core: Core<Data>,
  stage: Stage<Data>,
  record: SessionRecord,
  change: (data: Data) => Result,
): Steps<Result> {
  const { draft } = stage
  draft.enter('storing')
  try {
    stage.record = yield* wait(core.store.readById(record.id))
    let result!: Result
    yield* save(core, stage, (data) => {
      result = change(data)
      if (result instanceof Promise) throw new TypeError('session.update() takes no async function')
    })
    return result
  } finally {
    stage.record ??= record
    reopen(stage)
  }
}

/** Lets the data be changed again, or not: after the response nobody would store it. */
export function reopen<Data extends object>({ draft, isOver }: Stage<Data>): void {
  draft.enter(isOver ? 'over' : 'open')
}

function* create<Data extends object>(core: Core<Data>, stage: Stage<Data>): Steps<void> {
  checkCookie(core, stage)
  // Without a cookie, and unless somebody asked for the token, nobody would ever find it again.
  if (stage.isHeaderClient && stage.nextToken === undefined) throw new SojournError('SESSION_ENDED')
  const token = takeToken(core, stage)
  const content = stage.draft.upon()
  const record = yield* newRecord(core, stage, content)
  const evicted = yield* wait(core.store.create(record, hashToken(token), limitOf(core)))
  enterNew(core, stage, { record, content }, token)
  for (const id of evicted) core.ended(id, 'revoked')
}

function* replace<Data extends object>(core: Core<Data>, stage: Stage<Data>): Steps<void> {
  checkCookie(core, stage)
  const { store } = core
  const { draft, departure } = stage
  const token = takeToken(core, stage)
  const reason = departure?.reason ?? 'login'
  let replaced: Replaced | undefined
  const written = yield* onNewest(core, stage, function* (newest) {
    const { id, version } = newest
    const content = draft.upon(newest)
    const fresh = yield* newRecord(core, stage, content)
    const [hash, tombstone] = [hashToken(token), tombstoneOf(core, reason)]
    const limit = limitOf(core)
    replaced = yield* wait(store.replace(id, version, fresh, hash, tombstone, limit))
    return replaced.outcome === 'replaced' ? { record: fresh, content } : replaced.outcome
  })
  enterNew(core, stage, written, token)
  if (replaced?.outcome !== 'replaced') return
  for (const id of replaced.ended) core.ended(id, reason)
  for (const id of replaced.evicted) core.ended(id, 'revoked')
}

/** A logout that finds its session ended already has reached its goal, unless by a login. */
function* destroy<Data extends object>(
  core: Core<Data>,
  stage: Stage<Data>,
  { id }: SessionRecord,
): Steps<void> {
  const ended = yield* wait(core.store.destroy(id, tombstoneOf(core, 'logout')))
  const isDone = ended.length > 0
  if (!isDone && (yield* endOf(core, stage)) === 'login') throw new SojournError('SESSION_ROTATED')
  if (isDone && !stage.isHeaderClient) stage.setCookie = core.cookie.remove()
  stage.record = undefined
  stage.tokenHash = undefined
  stage.departure = undefined
  for (const one of ended) core.ended(one, 'logout')
}

function* save<Data extends object>(
  core: Core<Data>,
  stage: Stage<Data>,
  change?: (data: Data) => void,
): Steps<void> {
  const { draft } = stage
  const written = yield* onNewest(core, stage, function* (newest) {
    const content = change ? changed(draft.upon(newest), change) : draft.upon(newest)
    const remembered = isRemembered(newest.bytes)
    const bytes = yield* core.contents.encode(newest.id, content, remembered)
    const times = timesDue(core, newest, remembered)
    const outcome = yield* wait(core.store.commit(newest.id, newest.version, bytes, times))
    if (outcome !== 'committed') return outcome
    return { record: { ...newest, ...times, bytes, version: newest.version + 1 }, content }
  })
  enterRecord(core, stage, written)
}

function changed<Data extends object>(
  { data, flash }: Content<Data>,
  change: (data: Data) => void,
): Content<Data> {
  const copy = plainCopy(data) as Data
  change(copy)
  return { data: plainCopy(copy) as Data, flash }
}

/** The times that this use leaves; `undefined` as long as they need not be written. */
function timesDue<Data extends object>(
  { policy, clock }: Core<Data>,
  { touchedAtMs, endsAtMs }: SessionRecord,
  remembered: boolean,
): SessionTimes | undefined {
  const nowMs = clock.nowMs()
  const idleMs = idleMsOf(remembered, policy)
  return isTouchDue(nowMs, touchedAtMs, idleMs) ? timesAt(nowMs, endsAtMs, idleMs) : undefined
}

/** A touch that fails changes nothing in what the visitor sees: the session ends a bit earlier. */
function* touch<Data extends object>(
  core: Core<Data>,
  stage: Stage<Data>,
  record: SessionRecord,
): Steps<void> {
  const times = timesDue(core, record, isRemembered(record.bytes))
  if (!times) return
  try {
    if (yield* wait(core.store.touch(record.id, times)))
      remember(core, stage, { ...record, ...times })
  } catch (error) {
    core.log.warn({ err: error, session: record.id }, 'a session could not be touched')
  }
}

function* rotate<Data extends object>(
  core: Core<Data>,
  stage: Stage<Data>,
  { id }: SessionRecord,
): Steps<void> {
  checkCookie(core, stage)
  const token = takeToken(core, stage)
  const nowMs = core.clock.nowMs()
  const graceUntilMs = nowMs + sessionLimits.rotationGraceMs
  const untilMs = nowMs + sessionLimits.tombstoneMs
  const [oldHash, newHash] = [stage.tokenHash ?? '', hashToken(token)]
  const outcome = yield* wait(core.store.rotate(id, oldHash, newHash, { graceUntilMs, untilMs }))
  if (outcome === 'gone') throw yield* endError(core, stage)
  if (outcome === 'superseded') return
  stage.tokenHash = newHash
  if (stage.record) remember(core, stage, stage.record)
  giveCookie(core, stage, token, stage.record)
}

interface Written<Data extends object> {
  readonly record: SessionRecord
  /** What its bytes were made of. */
  readonly content: Content<Data>
}

/** Tries a write upon the newest version until no parallel one comes between. */
function* onNewest<Data extends object>(
  core: Core<Data>,
  stage: Stage<Data>,
  write: (newest: SessionRecord) => Steps<Written<Data> | 'conflict' | 'gone'>,
): Steps<Written<Data>> {
  let newest = stage.record
  for (let tries = 1; newest && tries <= sessionLimits.triesMax; tries++) {
    const written: Written<Data> | 'conflict' | 'gone' = yield* write(newest)
    if (typeof written === 'object') return written
    newest = written === 'gone' ? undefined : yield* wait(core.store.readById(newest.id))
  }
  if (newest) throw new SojournError('SESSION_CONFLICT')
  throw yield* endError(core, stage)
}

function* newRecord<Data extends object>(
  core: Core<Data>,
  { departure, userAgent }: Stage<Data>,
  content: Content<Data>,
): Steps<SessionRecord> {
  const { policy, clock, random, contents } = core
  const remembered = departure?.isRemembered ?? false
  const id = newId('s_', random)
  const bytes = yield* contents.encode(id, content, remembered)
  const createdAtMs = clock.nowMs()
  const ownEndMs = createdAtMs + (remembered ? policy.rememberForMs : policy.endAfterMs)
  const endsAtMs = Math.min(ownEndMs, departure?.parent?.endsAtMs ?? ownEndMs)
  const times = timesAt(createdAtMs, endsAtMs, idleMsOf(remembered, policy))
  return {
    id,
    version: 1,
    bytes,
    user: departure?.user,
    createdAtMs,
    endsAtMs,
    device: deviceOf(userAgent),
    parentId: departure?.parent?.id,
    ...times,
  }
}

/** A browser would drop the cookie silently, so the write that needs it isn't even tried. */
function checkCookie<Data extends object>({ policy }: Core<Data>, stage: Stage<Data>): void {
  if (stage.hasStarted) throw new SojournError('SESSION_COMMITTED', 'The headers have left.')
  if (stage.isForged) throw new SojournError('ORIGIN_FOREIGN')
  if (!stage.isSecure && policy.developmentPort === undefined)
    throw new SojournError('TLS_REQUIRED', 'A session cookie would leave over plain http.')
}

function enterNew<Data extends object>(
  core: Core<Data>,
  stage: Stage<Data>,
  written: Written<Data>,
  token: string,
): void {
  stage.tokenHash = hashToken(token)
  enterRecord(core, stage, written)
  stage.departure = undefined
  giveCookie(core, stage, token, written.record)
}

function giveCookie<Data extends object>(
  core: Core<Data>,
  stage: Stage<Data>,
  token: string,
  record: SessionRecord | undefined,
): void {
  if (stage.isHeaderClient) return
  stage.setCookie = core.cookie.give(token, record && lifetimeOf(core, record))
}

/** How long the browser keeps the cookie; by default until it ends. The server keeps the time. */
function lifetimeOf<Data extends object>(
  { clock }: Core<Data>,
  { bytes, endsAtMs }: SessionRecord,
): number | undefined {
  return isRemembered(bytes) ? endsAtMs - clock.nowMs() : undefined
}

function enterRecord<Data extends object>(
  core: Core<Data>,
  stage: Stage<Data>,
  { record, content }: Written<Data>,
): void {
  stage.draft.enter('stale')
  stage.draft = draftOf(core, record)
  stage.record = record
  remember(core, stage, record, content)
}

/** Where others may come between a write and its answer, what was written need not hold any more. */
function remember<Data extends object>(
  { store, cache }: Core<Data>,
  { tokenHash, isReplaced }: Stage<Data>,
  record: SessionRecord,
  content?: Content<Data>,
): void {
  if (store.answersAtOnce && tokenHash !== undefined && !isReplaced)
    cache.put(tokenHash, record, content)
}

/** What a record holds. */
export function contentOf<Data extends object>(
  { cache, contents }: Core<Data>,
  record: SessionRecord,
): Content<Data> {
  return cache.contentOf(record, (one) => contents.decode(one))
}

/** The draft of a request that found this record, or none. */
export function draftOf<Data extends object>(
  core: Core<Data>,
  record: SessionRecord | undefined,
): Draft<Data> {
  const begin = (newest = record) => (newest ? contentOf(core, newest) : core.fresh())
  return new Draft(begin, record)
}

/** The token that somebody had to know in advance, or a new one. */
function takeToken<Data extends object>({ random }: Core<Data>, stage: Stage<Data>): string {
  const token = stage.nextToken ?? newToken(random)
  stage.nextToken = undefined
  return token
}

function limitOf<Data extends object>(core: Core<Data>): UserLimit {
  const { userSessionsMax: sessionsMax } = core.policy
  return { sessionsMax, tombstone: tombstoneOf(core, 'revoked') }
}

function tombstoneOf<Data extends object>({ clock }: Core<Data>, reason: EndReason): Tombstone {
  return { reason, untilMs: clock.nowMs() + sessionLimits.tombstoneMs }
}

/** How the session of this request ended meanwhile. */
function* endOf<Data extends object>(
  { store }: Core<Data>,
  { tokenHash = '' }: Stage<Data>,
): Steps<EndReason | 'rotated' | undefined> {
  const state = yield* wait(store.read(tokenHash))
  return state?.kind === 'ended' ? state.reason : undefined
}

function* endError<Data extends object>(core: Core<Data>, stage: Stage<Data>): Steps<SojournError> {
  const reason = yield* endOf(core, stage)
  return new SojournError(
    reason === 'expired' || reason === 'revoked' ? 'SESSION_ENDED' : 'SESSION_ROTATED',
  )
}
