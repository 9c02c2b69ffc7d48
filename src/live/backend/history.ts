/**
 * The past and present of one instance: its state, the journal that makes each change durable,
 * the remembered results and the tail of frames. Rebuilt from the journal at the start.
 */
import { type Clock, type Log, limits, SojournError } from '../../base/core/index.ts'
import {
  type JournalRequest,
  pack,
  type Recovered,
  type StoredRecord,
  unpack,
} from '../../base/protocol/index.ts'
import { restore, type Tracked, track } from '../../base/state/index.ts'
import type { Level } from './define.ts'
import { Gate } from './gate.ts'
import type { JournalWriter } from './journal-line.ts'
import { Results } from './results.ts'
import { createTail, type Tail } from './tail.ts'

export interface HistoryStart {
  readonly epoch: number
  readonly nonce: string
  readonly recovered: Recovered
  readonly journal: JournalWriter
  readonly level: Level
  readonly clock: Clock
  readonly log: Log
  /** Makes the state of a key that has none yet. */
  readonly initial: () => object
  /** Refuses a write outside of a turn. */
  readonly guard: () => void
}

export interface History {
  readonly tracked: Tracked<object>
  readonly results: Results
  readonly tail: Tail
  /** What is shown waits here for what was appended. */
  readonly gate: Gate
  /** Records a turn: its frame, if clients see a change, and its private envelope, if any. */
  append(section: Uint8Array | undefined, envelope: Uint8Array | undefined): void
  /**
   * Writes a snapshot, so that the records before it are no longer needed. False when it is too
   * large for the journal: then the records are needed for ever.
   */
  snapshot(): boolean
  /** Writes a last snapshot, unless the journal ends with one. */
  close(): void
}

const none = new Uint8Array(0)
/** More than what the journal's pipe puts in front of a request. */
const headBytes = 64

export function openHistory(start: HistoryStart): History {
  const { epoch, nonce, recovered, journal, level, log } = start
  const results = new Results(start.clock)
  const tracked = recoverState(start)
  const tail = recoverTail(start, tracked.seq)
  recoverResults(recovered, results)
  let seq = Math.max(recovered.snapshot?.seq ?? 0, recovered.records.at(-1)?.seq ?? 0)
  const gate = new Gate()
  // Counted on over lives: a process that never lives long must not pile up records.
  const since = recordsAfter(recovered)
  let recordsSince = since.length
  let bytesSince = since.reduce((bytes, record) => bytes + bytesOf(record), 0)

  function append(section: Uint8Array = none, envelope: Uint8Array = none): void {
    if (section === none && envelope === none) return
    recordsSince += 1
    bytesSince += bytesOf({ section, envelope })
    if (section !== none) tail.push({ seq: tracked.seq, epoch, nonce, bytes: section })
    if (level === 'memory') return
    seq += 1
    write({ type: 'append', level, seq, envelope, section })
    const due =
      recordsSince >= limits.recordsPerSnapshot || bytesSince >= limits.recordBytesPerSnapshot
    if (due) snapshot()
  }

  function write(request: JournalRequest): void {
    const bytes = bytesOf(request)
    gate.sent(bytes)
    journal.write(request, () => gate.written(bytes))
  }

  function snapshot(): boolean {
    recordsSince = 0
    bytesSince = 0
    const { head } = tail
    const envelope = pack([results.dump(), [head.epoch, head.nonce, head.seq]])
    const section = tracked.snapshot()
    const bytes = bytesOf({ section, envelope })
    if (bytes > limits.recordBytesMax - headBytes) {
      log.error({ bytes, max: limits.recordBytesMax }, 'the state is too large for a snapshot')
      return false
    }
    write({
      type: 'snapshot',
      level: level === 'memory' ? 'process' : level,
      seq,
      envelope,
      section,
    })
    return true
  }

  function close(): void {
    if (recordsSince > 0) snapshot()
  }

  return { tracked, results, tail, gate, append, snapshot, close }
}

function bytesOf({ section = none, envelope }: Pick<StoredRecord, 'section' | 'envelope'>): number {
  return section.byteLength + envelope.byteLength
}

/** Records that the snapshot doesn't contain; those before it are kept for resumes only. */
function recordsAfter({ snapshot, records }: Recovered): readonly StoredRecord[] {
  return records.filter((record) => record.seq > (snapshot?.seq ?? 0))
}

function recoverState({ recovered, initial, guard }: HistoryStart): Tracked<object> {
  if (!recovered.snapshot) return track(initial(), { guard })
  const frames = recordsAfter(recovered).flatMap(({ section }) => section ?? [])
  try {
    return restore(recovered.snapshot.section, frames, { guard })
  } catch (error) {
    throw new SojournError('JOURNAL_DAMAGED', undefined, { cause: error })
  }
}

function recoverTail({ epoch, nonce, recovered }: HistoryStart, headSeq: number): Tail {
  const frames = recovered.records.flatMap(({ section, ...claim }) =>
    section ? [{ epoch: claim.epoch, nonce: claim.nonce, bytes: section }] : [],
  )
  const firstSeq = headSeq - frames.length
  const tail = createTail(baseOf(recovered, firstSeq) ?? { epoch, nonce, seq: firstSeq })
  frames.forEach((frame, index) => {
    tail.push({ ...frame, seq: firstSeq + index + 1 })
  })
  return tail
}

/** The cursor that a snapshot closes with, when it is the one before the first kept frame. */
function baseOf({ snapshot }: Recovered, seq: number) {
  if (!snapshot) return undefined
  const [, head] = unpack(snapshot.envelope, 'JOURNAL_DAMAGED') as [
    unknown,
    [number, string, number],
  ]
  const [epoch, nonce, headSeq] = head
  return headSeq === seq ? { epoch, nonce, seq } : undefined
}

function recoverResults(recovered: Recovered, results: Results): void {
  if (recovered.snapshot) {
    const [dump] = unpack(recovered.snapshot.envelope, 'JOURNAL_DAMAGED') as [unknown]
    results.load(dump)
  }
  for (const { envelope } of recordsAfter(recovered)) results.recover(envelope)
}
