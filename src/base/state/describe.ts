/** Frames for people: a debug form, and a look at the header alone. */
import { decodeBytes, decodeHeader } from './codec.ts'
import { type BytesKind, formatVersion, NodeValue, Reference } from './format.ts'

/**
 * Seq and kind of a frame or snapshot, without decoding the rest.
 *
 * @throws SojournError `FRAME_MALFORMED` when the header is none
 */
export function peekFrame(bytes: Uint8Array): { kind: BytesKind; seq: number } {
  const { kind, seq } = decodeHeader(bytes)
  return { kind, seq }
}

/**
 * A frame or snapshot in a form that `JSON.stringify` shows in full, for logs and inspectors.
 *
 * @throws SojournError `FRAME_MALFORMED`
 */
export function describeFrame(bytes: Uint8Array): unknown {
  const content = decodeBytes(bytes)
  const head = { version: formatVersion, kind: content.kind, seq: content.seq }
  if (content.kind === 'snapshot')
    return { ...head, next: content.next, root: describe(content.root) }
  const operations = content.operations.map((operation) => {
    if (operation.op === 'set') return { ...operation, value: describe(operation.value) }
    if (operation.op === 'splice')
      return { ...operation, insert: operation.insert.map((item) => describe(item)) }
    return operation
  })
  return { ...head, operations }
}

function describe(value: unknown): unknown {
  if (value instanceof Reference) return { reference: value.number }
  if (value instanceof NodeValue) {
    const values = value.values.map((item) => describe(item))
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
