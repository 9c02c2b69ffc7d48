/** Records as the fields of a hash, and back. */
import type { SessionId } from '../../base/core/index.ts'
import type { SessionRecord, SessionUser, UserLimit } from '../../web/session/index.ts'
import type { Argument, Reply } from './client.ts'

/** What never changes of a session and no script needs; JSON drops what is `undefined`. */
interface About {
  readonly id: SessionId
  readonly user?: SessionUser
  readonly createdAtMs: number
  readonly device?: string
  readonly parentId?: SessionId
}

/** The arguments of a new session, as the scripts `create` and `replace` expect them. */
export function newRecord(
  record: SessionRecord,
  tokenHash: string,
  limit: UserLimit | undefined,
): readonly Argument[] {
  const { id, version, bytes, touchedAtMs, expiresAtMs, endsAtMs, ...rest } = record
  const { user, createdAtMs, device, parentId } = rest
  return [
    id,
    tokenHash,
    version,
    bytes,
    touchedAtMs,
    expiresAtMs,
    endsAtMs,
    JSON.stringify({ id, user, createdAtMs, device, parentId }),
    user ? userKey(user.id) : '',
    parentId ?? '',
    limit?.sessionsMax ?? '',
    limit?.tombstone.reason ?? '',
    limit?.tombstone.untilMs ?? '',
  ]
}

/** Tells a user whose id is empty from nobody. */
export function userKey(userId: string): string {
  return `=${userId}`
}

export function recordOf(reply: Reply): SessionRecord {
  const [version, bytes, touched, expires, ends, about] = reply as readonly Buffer[]
  const { id, user, createdAtMs, device, parentId } = JSON.parse(String(about)) as About
  return {
    id,
    version: Number(version),
    bytes: bytes as Buffer,
    user,
    createdAtMs,
    touchedAtMs: Number(touched),
    expiresAtMs: Number(expires),
    endsAtMs: Number(ends),
    device,
    parentId,
  }
}

export function recordsOf(reply: Reply): readonly SessionRecord[] {
  return (reply as readonly Reply[]).map(recordOf)
}

export function idsOf(reply: Reply): readonly SessionId[] {
  return (reply as readonly Buffer[]).map(String)
}
