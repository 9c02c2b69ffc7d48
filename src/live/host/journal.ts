import type { Awaitable } from '../../base/core/index.ts'
import type { Claim, InstanceName, Recovered } from '../../base/protocol/index.ts'

/** What one turn, or one snapshot, leaves for the disk. */
export interface JournalEntry {
  /** The record's number, or the last record that the snapshot contains. */
  readonly seq: number
  /** Private part: recorded results. Never sent to clients. */
  readonly envelope: Uint8Array
  /** The bytes that clients get; empty when the turn changed nothing that they see. */
  readonly section: Uint8Array
  /** When to start the key for its alarms; 0 for never, absent when it is as before. */
  readonly wakeAtMs?: number
}

/** One entry under the claim that it is made with. */
export interface JournalWrite {
  readonly claim: Claim
  /**
   * `append` adds record `seq`. `snapshot` keeps a state that contains all records up to `seq`:
   * records up to the snapshot before may go, those since stay, for clients that resume.
   */
  readonly type: 'append' | 'snapshot'
  readonly entry: JournalEntry
}

/**
 * Where instances keep their history. Every write is checked against its claim in the same atomic
 * step: an owner that was superseded can write nothing. Each record carries a check over itself and
 * the record before, from the name of the key on.
 */
export interface Journal {
  /**
   * The newest snapshot and the records kept, verified; read after the claim was made durable.
   * Changes nothing, whatever it finds.
   *
   * @throws SojournError `JOURNAL_DAMAGED` when what is stored isn't what was written; it names the
   * backend, the key and the seq. `JOURNAL_FENCED` when the claim isn't the newest of its key.
   * `STORE_UNAVAILABLE` when the store does not answer
   */
  recover(claim: Claim): Awaitable<Recovered>
  /**
   * Writes a batch, in order, in one atomic step; what it wrote survives the death of any process.
   * Per write: false, and nothing of it written, when its claim isn't the newest of its key, when a
   * record isn't next, or when a snapshot is ahead of the records or older than the one that is
   * kept. A refused one does not harm the others.
   *
   * @throws SojournError `STORE_UNAVAILABLE` when the store is broken: what became of the batch is
   * unknown
   */
  write(batch: readonly JournalWrite[]): Awaitable<readonly boolean[]>
  /**
   * Resolves when everything that was written before the call survives a power loss. May be called
   * at any time; calls share what they wait for. A failure is final, since the kernel tells of lost
   * data once and then forgets it: every later call of this journal fails too.
   *
   * @throws SojournError `STORE_UNAVAILABLE`
   */
  sync(): Awaitable<void>
  /**
   * Keys whose `wakeAtMs`, as last written, is `nowMs` or before: the earliest first, at most `max`.
   */
  due(nowMs: number, max: number): Awaitable<readonly InstanceName[]>
  /** The earliest `wakeAtMs` of all keys, also when it is past. */
  nextWakeMs(): Awaitable<number | undefined>
}
