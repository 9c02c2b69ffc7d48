/** The records and times that the suite of session stores works with. */
import assert from 'node:assert/strict'
import type { SessionRecord, SessionStore, TokenState, Tombstone } from '../web/session/index.ts'
import type { VirtualClock } from './clock.ts'

/** One expectation of a store that was opened for it alone. */
export type Test = (store: SessionStore, clock: VirtualClock) => Promise<void>

export const idleMs = 1_000
export const endMs = 10_000

/** A fresh record: idle after a second, over after ten. */
export function recordAt(clock: VirtualClock, over: Partial<SessionRecord> = {}): SessionRecord {
  return {
    id: 's_1',
    version: 1,
    bytes: Uint8Array.of(1),
    user: undefined,
    createdAtMs: clock.nowMs(),
    endsAtMs: clock.nowMs() + endMs,
    device: undefined,
    parentId: undefined,
    ...timesOf(clock),
    ...over,
  }
}

export function sessionOf(clock: VirtualClock, userId: string, id: string): SessionRecord {
  const user = { id: userId, authenticatedAtMs: clock.nowMs(), factors: [] }
  return recordAt(clock, { id, user })
}

export function timesOf(clock: VirtualClock): { touchedAtMs: number; expiresAtMs: number } {
  return { touchedAtMs: clock.nowMs(), expiresAtMs: clock.nowMs() + idleMs }
}

export function graceOf(clock: VirtualClock): { graceUntilMs: number; untilMs: number } {
  return { graceUntilMs: clock.nowMs() + 50, untilMs: clock.nowMs() + 300 }
}

export function tombstone(clock: VirtualClock, reason: Tombstone['reason'] = 'logout'): Tombstone {
  return { reason, untilMs: clock.nowMs() + 300 }
}

export function liveOf(state: TokenState): SessionRecord {
  assert.equal(state?.kind, 'live')
  const record = plain((state as { record: SessionRecord }).record)
  assert.ok(record)
  return record
}

/** Drivers may return a Buffer; what counts are the bytes. */
export function plain(record: SessionRecord | undefined): SessionRecord | undefined {
  return record && { ...record, bytes: Uint8Array.from(record.bytes) }
}
