/** Records and drafts of them: what is made when a session begins, and found when it goes on. */
import { newId } from '../../base/core/index.ts'
import type { Content } from './contents.ts'
import type { Core, Stage } from './core.ts'
import { deviceOf } from './device.ts'
import { Draft } from './draft.ts'
import { idleMsOf, isTouchDue, sessionLimits, timesAt } from './policy.ts'
import type { Steps } from './steps.ts'
import type {
  EndReason,
  SessionRecord,
  SessionTimes,
  SessionUser,
  Tombstone,
  UserLimit,
} from './store.ts'

/** The times that this use leaves; `undefined` as long as they need not be written. */
export function timesDue<Data extends object>(
  { policy, clock }: Core<Data>,
  { touchedAtMs, endsAtMs }: SessionRecord,
  remembered: boolean,
): SessionTimes | undefined {
  const nowMs = clock.nowMs()
  const idleMs = idleMsOf(remembered, policy)
  return isTouchDue(nowMs, touchedAtMs, idleMs) ? timesAt(nowMs, endsAtMs, idleMs) : undefined
}

export function* newRecord<Data extends object>(
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

export function limitOf<Data extends object>(core: Core<Data>): UserLimit {
  const { userSessionsMax: sessionsMax } = core.policy
  return { sessionsMax, tombstone: tombstoneOf(core, 'revoked') }
}

export function tombstoneOf<Data extends object>(
  { clock }: Core<Data>,
  reason: EndReason,
): Tombstone {
  return { reason, untilMs: clock.nowMs() + sessionLimits.tombstoneMs }
}

/** What is remembered must not be changed by whoever it is shown to. */
export function copyOfUser(user: SessionUser | undefined): SessionUser | undefined {
  return user && { ...user, factors: [...user.factors] }
}
