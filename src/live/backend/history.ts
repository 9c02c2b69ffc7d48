/**
 * The past and present of one instance: its state, the journal that makes each change durable,
 * the remembered results, the alarms and the tail of frames. Rebuilt from the journal at the start.
 */
import { type Clock, type Log, limits, SojournError } from '../../base/core/index.ts'
import type { JournalRequest, Recovered, StoredRecord } from '../../base/protocol/index.ts'
import { restore, type Tracked, track } from '../../base/state/index.ts'
import { Alarms } from './alarms.ts'
import type { Level } from './define.ts'
import { packRecord, packSnapshot, unpackRecord, unpackSnapshot } from './envelope.ts'
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

/** What a turn leaves for the journal. */
export interface TurnRecord {
  /** The frame, if clients see a change. */
  readonly section: Uint8Array | undefined
  /** The answer that `results` remembers, in its form. */
  readonly result: unknown
  /** Names of the alarms that changed. */
  readonly alarms: Iterable<string> | undefined
}

const none = new Uint8Array(0)
/** More than what the journal's pipe puts in front of a request. */
const headBytes = 64

export class History {
  readonly tracked: Tracked<object>
  readonly results: Results
  readonly alarms: Alarms = new Alarms()
  readonly tail: Tail
  /** What is shown waits here for what was appended. */
  readonly gate: Gate = new Gate()
  readonly #given: HistoryStart
  #seq: number
  // Counted on over lives: a process that never lives long must not pile up records.
  #recordsSince: number
  #bytesSince: number

  /** @throws SojournError `JOURNAL_DAMAGED` when what was recovered makes no sense */
  constructor(given: HistoryStart) {
    const { recovered, clock } = given
    this.#given = given
    this.results = new Results(clock)
    this.tracked = recoverState(given)
    this.tail = recoverTail(given, this.tracked.seq)
    recoverEnvelopes(recovered, this.results, this.alarms)
    this.#seq = Math.max(recovered.snapshot?.seq ?? 0, recovered.records.at(-1)?.seq ?? 0)
    const since = recordsAfter(recovered)
    this.#recordsSince = since.length
    this.#bytesSince = since.reduce((bytes, record) => bytes + bytesOf(record), 0)
  }

  /** Records a turn, if it left anything. */
  append({ section = none, result, alarms }: TurnRecord): void {
    const envelope = packRecord({ result, alarms: alarms && this.alarms.changes(alarms) })
    if (section === none && envelope.byteLength === 0) return
    const { epoch, nonce, level } = this.#given
    this.#recordsSince += 1
    this.#bytesSince += bytesOf({ section, envelope })
    if (section !== none) this.tail.push({ seq: this.tracked.seq, epoch, nonce, bytes: section })
    if (level === 'memory') return
    this.#seq += 1
    const wake = alarms && { wakeAtMs: this.#wakeAtMs() }
    this.#write({ type: 'append', level, seq: this.#seq, envelope, section, ...wake })
    const isDue =
      this.#recordsSince >= limits.recordsPerSnapshot ||
      this.#bytesSince >= limits.recordBytesPerSnapshot
    if (isDue) this.snapshot()
  }

  /**
   * Writes a snapshot, so that the records before it are no longer needed. False when it is too
   * large for the journal: then the records are needed for ever.
   */
  snapshot(): boolean {
    const { level, log } = this.#given
    this.#recordsSince = 0
    this.#bytesSince = 0
    const envelope = packSnapshot({
      results: this.results.dump(),
      head: this.tail.head,
      alarms: this.alarms.dump(),
    })
    const section = this.tracked.snapshot()
    const bytes = bytesOf({ section, envelope })
    if (bytes > limits.recordBytesMax - headBytes) {
      log.error({ bytes, max: limits.recordBytesMax }, 'the state is too large for a snapshot')
      return false
    }
    this.#write({
      type: 'snapshot',
      level: level === 'memory' ? 'process' : level,
      seq: this.#seq,
      envelope,
      section,
      wakeAtMs: this.#wakeAtMs(),
    })
    return true
  }

  /** Writes a last snapshot, unless the journal ends with one. */
  close(): void {
    if (this.#recordsSince > 0) this.snapshot()
  }

  #wakeAtMs(): number {
    return this.alarms.next?.atMs ?? 0
  }

  #write(request: JournalRequest): void {
    const bytes = bytesOf(request)
    this.gate.sent(bytes)
    this.#given.journal.write(request, () => this.gate.written(bytes))
  }
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
  const { head } = unpackSnapshot(snapshot.envelope)
  return head.seq === seq ? head : undefined
}

function recoverEnvelopes(recovered: Recovered, results: Results, alarms: Alarms): void {
  if (recovered.snapshot) {
    const kept = unpackSnapshot(recovered.snapshot.envelope)
    results.load(kept.results)
    alarms.recover(kept.alarms)
  }
  for (const { envelope } of recordsAfter(recovered)) {
    const turn = unpackRecord(envelope)
    if (turn.result !== undefined) results.recover(turn.result)
    if (turn.alarms !== undefined) alarms.recover(turn.alarms)
  }
}
