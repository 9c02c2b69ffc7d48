/** Frames and snapshots from bytes: pure functions that throw FRAME_MALFORMED and nothing else. */
import { malformed } from '../../codec/format.ts'
import {
  type Frame,
  formatVersion,
  type Head,
  headFlags,
  NodeValue,
  type Operation,
  operationCodes,
  type Piece,
  pieceCodes,
  type Snapshot,
} from './format.ts'
import { NodeReader } from './node-reader.ts'

/** One for all: it holds nothing from one piece of bytes to the next. */
const reader = new NodeReader()

function reading<T>(
  bytes: Uint8Array,
  start: number,
  keys: readonly string[],
  kind: Head['kind'],
  read: () => T,
): T {
  reader.openNodes(bytes, start, keys, kind)
  try {
    return read()
  } finally {
    reader.close()
  }
}

/** What the first bytes say. */
export function decodeHead(bytes: Uint8Array): Head {
  if (!(bytes instanceof Uint8Array)) throw malformed('Not a Uint8Array.')
  const first = bytes[0] ?? 0
  if (first >> 4 !== formatVersion) throw malformed(`Unknown format version ${first >> 4}.`)
  const has = (flag: number): boolean => (first & flag) !== 0
  const kind = has(headFlags.frame) ? 'frame' : 'snapshot'
  const freshKeys = has(headFlags.freshKeys)
  if (has(8) || (freshKeys && kind === 'snapshot')) throw malformed(`Unknown kind ${first}.`)
  return reading(bytes, 1, [], kind, () => {
    const seq = reader.varint()
    if (kind === 'frame' && seq === 0) throw malformed('A frame has no seq 0.')
    const epoch = has(headFlags.epoch) ? reader.varint() : 0
    return { kind, seq, epoch, freshKeys, start: reader.at }
  })
}

/** @throws SojournError `FRAME_MALFORMED` */
export function decodeSnapshot(bytes: Uint8Array, head: Head = decodeHead(bytes)): Snapshot {
  if (head.kind !== 'snapshot') throw malformed('A frame in place of the snapshot.')
  return reading(bytes, head.start, [], 'snapshot', () => {
    const next = reader.varint()
    const root = reader.value()
    if (!(root instanceof NodeValue) || root.number !== 1) throw malformed('The root is no node 1.')
    if (!reader.atEnd) throw malformed('Bytes after the end.')
    return { ...head, next, root }
  })
}

/**
 * @param head of these bytes, which are a frame
 * @param keys the dictionary as the frame before left it; not used when it begins anew
 * @throws SojournError `FRAME_MALFORMED`
 */
export function decodeFrame(bytes: Uint8Array, keys: readonly string[], head: Head): Frame {
  return reading(bytes, head.start, head.freshKeys ? [] : keys, 'frame', () => {
    const operations = readOperations()
    return { ...head, operations, newKeys: reader.newKeys }
  })
}

function readOperations(): Operation[] {
  const operations: Operation[] = []
  // The root is where a frame begins.
  let node = 1
  while (!reader.atEnd) {
    const code = reader.varint()
    const argument = Math.floor(code / 4)
    switch (code % 4) {
      case operationCodes.node:
        node += unzigzag(argument)
        break
      case operationCodes.set:
        operations.push({ op: 'set', node, key: reader.key(argument), value: reader.value() })
        break
      case operationCodes.delete:
        operations.push({ op: 'delete', node, key: reader.key(argument) })
        break
      default:
        operations.push(arrayOperation(node, argument))
    }
  }
  return operations
}

function unzigzag(value: number): number {
  return value % 2 === 1 ? -(value + 1) / 2 : value / 2
}

function values(count: number): unknown[] {
  const found: unknown[] = []
  for (let i = 0; i < count; i++) {
    const value = reader.value()
    if (value === undefined) throw malformed('An array with undefined.')
    found.push(value)
  }
  return found
}

function arrayOperation(node: number, argument: number): Operation {
  const index = Math.floor(argument / 2)
  const remove = reader.varint()
  const count = reader.varint()
  if (argument % 2 === 0) return { op: 'splice', node, index, remove, insert: values(count) }
  const pieces: Piece[] = []
  let end = 0
  for (let i = 0; i < count; i++) {
    const piece = pieceOf(end)
    if ('start' in piece) end = piece.start + piece.count
    pieces.push(piece)
  }
  return { op: 'arrange', node, index, remove, pieces }
}

function pieceOf(end: number): Piece {
  const code = reader.varint()
  const argument = Math.floor(code / 4)
  if (code % 4 === pieceCodes.values) return { values: values(argument) }
  if (code % 4 === 3) throw malformed('Unknown piece.')
  const start = end + unzigzag(argument)
  return { start, count: code % 4 === pieceCodes.item ? 1 : reader.varint() }
}
