/** Records as the columns of a row, and back. */
import type { SessionId } from '../../base/core/index.ts'
import type { SessionRecord, UserLimit } from '../../web/session/index.ts'

export type Column = string | null
export type Value = string | number | null

/** The columns of a user's limit, after those that every statement with one has. */
export function valuesOf(limit: UserLimit | undefined): Value[] {
  if (!limit) return [null, null, null]
  return [limit.sessionsMax, limit.tombstone.reason, limit.tombstone.untilMs]
}

/** A session as a row of its table, in JSON. */
export function rowOf(session: SessionRecord): string {
  const { user } = session
  return JSON.stringify({
    id: columnOf(session.id),
    version: session.version,
    bytes: `\\x${Buffer.from(session.bytes).toString('hex')}`,
    user_id: columnOf(user?.id ?? null),
    authenticated_at: columnOf(user?.authenticatedAtMs ?? null),
    factors: user ? JSON.stringify(user.factors) : null,
    created_at: columnOf(session.createdAtMs),
    touched_at: columnOf(session.touchedAtMs),
    expires_at: columnOf(session.expiresAtMs),
    ends_at: columnOf(session.endsAtMs),
    device: columnOf(session.device ?? null),
    parent_id: columnOf(session.parentId ?? null),
  })
}

export function recordOf(columns: readonly Column[]): SessionRecord {
  const [id, version, bytes, userId, authenticatedAt, factors, created, touched, expires, ends] =
    columns
  const [device, parentId] = columns.slice(10)
  const user = typeof userId === 'string' && {
    id: textOf(userId),
    authenticatedAtMs: Number(authenticatedAt),
    factors: JSON.parse(factors ?? '[]') as readonly string[],
  }
  return {
    id: textOf(id),
    version: Number(version),
    bytes: bytesOf(bytes),
    user: user || undefined,
    createdAtMs: Number(created),
    touchedAtMs: Number(touched),
    expiresAtMs: Number(expires),
    endsAtMs: Number(ends),
    device: typeof device === 'string' ? textOf(device) : undefined,
    parentId: typeof parentId === 'string' ? textOf(parentId) : undefined,
  }
}

/**
 * PostgreSQL has no text with U+0000, and no bigint with a fraction. Ids may come from a client:
 * what can't be stored as it is must not be a fault, nor another one's id.
 */
export function columnOf(value: Value): Column {
  if (value === null) return null
  if (typeof value === 'number') return String(Math.floor(value))
  return value.replaceAll('\u0001', '\u0001e').replaceAll('\u0000', '\u0001n')
}

export function textOf(column: Column | undefined): string {
  return (column ?? '').replaceAll('\u0001n', '\u0000').replaceAll('\u0001e', '\u0001')
}

export function idsOf(json: Column | undefined): readonly SessionId[] {
  return (JSON.parse(json ?? '[]') as string[]).map(textOf)
}

export function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

export function bytesOf(base64: Column | undefined): Uint8Array {
  return Buffer.from(base64 ?? '', 'base64')
}
