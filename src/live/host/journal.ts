import type { Awaitable } from '../../base/core/index.ts'
import type { Claim, InstanceName, JournalRequest, Recovered } from '../../base/protocol/index.ts'

/** What one turn, or one snapshot, leaves for the disk. */
export type JournalEntry = Omit<JournalRequest, 'type' | 'level'>

/**
 * Where instances keep their history. Every write is checked against the claim in the same
 * atomic step: an owner that was superseded can write nothing. Throws only when the store itself
 * is broken (`STORE_UNAVAILABLE`); then the outcome of the write is unknown.
 */
export interface Journal {
  /** The newest snapshot and the records kept, read after the claim was made durable. */
  recover(claim: Claim): Awaitable<Recovered>
  /**
   * Appends record `seq`. False, and nothing written, when the claim isn't the newest of its key
   * or `seq` isn't next.
   */
  append(claim: Claim, record: JournalEntry): Awaitable<boolean>
  /**
   * Keeps a snapshot that contains all records up to `seq`. Records before the *previous* snapshot
   * may go; those since stay, for clients that resume. False as in `append`.
   */
  snapshot(claim: Claim, snapshot: JournalEntry): Awaitable<boolean>
  /**
   * Keys whose `wakeAtMs`, as last written, is `nowMs` or before: the earliest first, at most `max`.
   */
  due(nowMs: number, max: number): Awaitable<readonly InstanceName[]>
  /** The earliest `wakeAtMs` of all keys, also when it is past. */
  nextWakeMs(): Awaitable<number | undefined>
}
