/** How what a request did to its session reaches the store. */
import { SojournError } from '../../base/core/index.ts'
import { hashToken } from '../../base/secrets/index.ts'
import { plainCopy } from '../../base/state/revisions.ts'
import { type Content, isRemembered } from './contents.ts'
import type { Core, Stage } from './core.ts'
import {
  checkCookie,
  enterNew,
  enterRecord,
  giveCookie,
  remember,
  takeToken,
  type Written,
} from './entered.ts'
import { sessionLimits } from './policy.ts'
import { limitOf, newRecord, timesDue, tombstoneOf } from './records.ts'
import { type Steps, wait } from './steps.ts'
import type { EndReason, Replaced, SessionRecord } from './store.ts'

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
  const token = takeToken(core, stage)
  const reason = stage.departure?.reason ?? 'login'
  const written = yield* onNewest(core, stage, (newest) =>
    replaceUpon(core, stage, newest, token, reason),
  )
  enterNew(core, stage, written, token)
  for (const id of written.ended) core.ended(id, reason)
  for (const id of written.evicted) core.ended(id, 'revoked')
}

function* replaceUpon<Data extends object>(
  core: Core<Data>,
  stage: Stage<Data>,
  newest: SessionRecord,
  token: string,
  reason: EndReason,
): Steps<(Written<Data> & Ends) | 'conflict' | 'gone'> {
  const content = stage.draft.upon(newest)
  const record = yield* newRecord(core, stage, content)
  const [hash, tombstone] = [hashToken(token), tombstoneOf(core, reason)]
  const { id, version } = newest
  const limit = limitOf(core)
  const replaced = yield* wait(core.store.replace(id, version, record, hash, tombstone, limit))
  return replaced.outcome === 'replaced' ? { ...replaced, record, content } : replaced.outcome
}

type Ends = Extract<Replaced, { outcome: 'replaced' }>

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
  const written = yield* onNewest(core, stage, (newest) => saveUpon(core, stage, newest, change))
  enterRecord(core, stage, written.record)
  if (written.isNewest) remember(core, stage, written)
}

function* saveUpon<Data extends object>(
  core: Core<Data>,
  { draft, tokenHash = '' }: Stage<Data>,
  newest: SessionRecord,
  change: ((data: Data) => void) | undefined,
): Steps<(Written<Data> & { readonly isNewest: boolean }) | 'conflict' | 'gone'> {
  const content = change ? changed(draft.upon(newest), change) : draft.upon(newest)
  const remembered = isRemembered(newest.bytes)
  const bytes = yield* core.contents.encode(newest.id, content, remembered)
  const times = timesDue(core, newest, remembered)
  // Somebody may have rotated since this request found the session: then it goes by another token.
  const isNewest = core.cache.holds(tokenHash, newest)
  const outcome = yield* wait(core.store.commit(newest.id, newest.version, bytes, times))
  if (outcome !== 'committed') return outcome
  const record = { ...newest, ...times, bytes, version: newest.version + 1 }
  return { record, content, isNewest }
}

function changed<Data extends object>(
  { data, flash }: Content<Data>,
  change: (data: Data) => void,
): Content<Data> {
  const copy = plainCopy(data) as Data
  change(copy)
  return { data: plainCopy(copy) as Data, flash }
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
    if (yield* wait(core.store.touch(record.id, times))) stage.record = { ...record, ...times }
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
  giveCookie(core, stage, token, stage.record)
}

/** Tries a write upon the newest version until no parallel one comes between. */
function* onNewest<Data extends object, Result extends object>(
  core: Core<Data>,
  stage: Stage<Data>,
  write: (newest: SessionRecord) => Steps<Result | 'conflict' | 'gone'>,
): Steps<Result> {
  let newest = stage.record
  for (let tries = 1; newest && tries <= sessionLimits.triesMax; tries++) {
    const written: Result | 'conflict' | 'gone' = yield* write(newest)
    if (typeof written === 'object') return written
    newest = written === 'gone' ? undefined : yield* wait(core.store.readById(newest.id))
  }
  if (newest) throw new SojournError('SESSION_CONFLICT')
  throw yield* endError(core, stage)
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
