/** The private part of a record and of a snapshot: what an instance knows beside its state. */
import { SojournError } from '../../base/core/index.ts'
import { type Cursor, pack, unpack } from '../../base/protocol/index.ts'

/** What a turn did beside the state; parts that are absent are null in the bytes. */
export interface RecordEnvelope {
  /** The answer that is remembered, as `Results` gave it. */
  readonly result?: unknown
  /** The alarms that changed, as `Alarms` gave them. */
  readonly alarms?: unknown
}

export interface SnapshotEnvelope {
  readonly results: unknown
  /** Where the state stands. */
  readonly head: Cursor
  readonly alarms: unknown
}

const version = 1
const none = new Uint8Array(0)

export function packRecord({ result, alarms }: RecordEnvelope): Uint8Array {
  if (result === undefined && alarms === undefined) return none
  return pack([version, result ?? null, alarms ?? null])
}

export function unpackRecord(bytes: Uint8Array): RecordEnvelope {
  if (bytes.byteLength === 0) return {}
  const [, result, alarms] = parts(bytes)
  return { result: result ?? undefined, alarms: alarms ?? undefined }
}

export function packSnapshot({ results, head, alarms }: SnapshotEnvelope): Uint8Array {
  return pack([version, results, [head.epoch, head.nonce, head.seq], alarms])
}

export function unpackSnapshot(bytes: Uint8Array): SnapshotEnvelope {
  const [, results, head, alarms] = parts(bytes)
  const [epoch, nonce, seq] = head as [number, string, number]
  return { results, head: { epoch, nonce, seq }, alarms }
}

function parts(bytes: Uint8Array): unknown[] {
  const all = unpack(bytes, 'JOURNAL_DAMAGED')
  if (Array.isArray(all) && all[0] === version) return all
  throw new SojournError('JOURNAL_DAMAGED', 'A record is of another version.')
}
