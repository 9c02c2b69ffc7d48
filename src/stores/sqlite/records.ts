/** Records as rows of the table, and back. */
import type { SQLOutputValue } from 'node:sqlite'
import type { SessionRecord, SessionTimes } from '../../web/session/index.ts'

export type Row = Record<string, SQLOutputValue>

export function columnsOf({ touchedAtMs: touchedAt, expiresAtMs: expiresAt }: SessionTimes): Row {
  return { touchedAt, expiresAt }
}

export function recordOf(row: Row): SessionRecord {
  const user = row['user_id'] !== null && {
    id: String(row['user_id']),
    authenticatedAtMs: Number(row['authenticated_at']),
    factors: JSON.parse(String(row['factors'])) as readonly string[],
  }
  return {
    id: String(row['id']),
    version: Number(row['version']),
    bytes: row['bytes'] as Uint8Array,
    user: user || undefined,
    createdAtMs: Number(row['created_at']),
    touchedAtMs: Number(row['touched_at']),
    expiresAtMs: Number(row['expires_at']),
    endsAtMs: Number(row['ends_at']),
    device: (row['device'] as string | null) ?? undefined,
    parentId: (row['parent_id'] as string | null) ?? undefined,
  }
}
