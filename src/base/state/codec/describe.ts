/** Frames for people: a debug form, and a look at the head alone. */
import { dictionaryKeysMax } from '../../codec/format.ts'
import { decodeFrame, decodeHead, decodeSnapshot } from './decode.ts'
import {
  formatVersion,
  type Head,
  NodeValue,
  type Operation,
  type Piece,
  Reference,
} from './format.ts'

/** Stands for a dictionary that isn't known. */
const numbersAsKeys = Array.from({ length: dictionaryKeysMax }, (_, i) => `#${i + 1}`)

/**
 * Seq, kind and epoch of a frame or snapshot, without decoding the rest.
 *
 * @throws SojournError `FRAME_MALFORMED` when the head is none
 */
export function peekFrame(bytes: Uint8Array): Pick<Head, 'kind' | 'seq' | 'epoch'> {
  const { kind, seq, epoch } = decodeHead(bytes)
  return { kind, seq, epoch }
}

/**
 * A frame or snapshot as JSON lines, for logs and inspectors: first its head, then a line for each
 * operation, or one with the whole content of a snapshot. Keys that earlier frames put into the
 * dictionary show as `#` and their number.
 *
 * @throws SojournError `FRAME_MALFORMED`
 */
export function describeFrame(bytes: Uint8Array): string {
  const head = decodeHead(bytes)
  const { kind, seq, epoch, freshKeys } = head
  const lines: unknown[] = [{ version: formatVersion, kind, seq, epoch, freshKeys }]
  if (kind === 'snapshot') {
    const { next, root } = decodeSnapshot(bytes, head)
    lines.push({ next, root: describe(root) })
  } else {
    const { operations } = decodeFrame(bytes, numbersAsKeys, head)
    lines.push(...operations.map(describeOperation))
  }
  return lines.map((line) => JSON.stringify(line)).join('\n')
}

function describeOperation(operation: Operation): unknown {
  if (operation.op === 'set') return { ...operation, value: describe(operation.value) }
  if (operation.op === 'splice') return { ...operation, insert: operation.insert.map(describe) }
  if (operation.op === 'arrange')
    return { ...operation, pieces: operation.pieces.map(describePiece) }
  return operation
}

function describePiece(piece: Piece): unknown {
  return 'values' in piece ? { values: piece.values.map(describe) } : piece
}

function describe(value: unknown): unknown {
  if (value instanceof Reference) return { reference: value.number }
  if (value instanceof NodeValue) {
    const values = value.values.map(describe)
    const content = value.kind === 'array' ? values : values.map((item, i) => [value.keys[i], item])
    return { node: value.number ?? 'next', kind: value.kind, content }
  }
  if (value === undefined) return { odd: 'undefined' }
  if (value instanceof Date) return { date: String(value.getTime()) }
  if (value instanceof Uint8Array) return { bytes: Array.from(value) }
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)))
    return { odd: Object.is(value, -0) ? '-0' : String(value) }
  return value
}
