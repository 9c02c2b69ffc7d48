/**
 * Frames and snapshots as bytes: version, kind, seq as a varint, then a flat run of MessagePack
 * scalars. Containers are spelled out as marker, kind, length and entries instead of nested
 * arrays, so a length from outside never allocates and nesting is bounded by `depthMax`.
 */
import { encode } from '@msgpack/msgpack'
import { isSojournError } from '../core/errors.ts'
import {
  type BytesKind,
  bytesKinds,
  type Frame,
  formatVersion,
  malformed,
  NodeValue,
  type Snapshot,
} from './format.ts'
import { Reader } from './reader.ts'
import { extensionCodec } from './scalars.ts'

/** Bytes of a frame or snapshot from the items of its body. */
export function encodeBytes(kind: BytesKind, seq: number, items: readonly unknown[]): Uint8Array {
  const header: number[] = [formatVersion, bytesKinds.indexOf(kind)]
  let rest = seq
  for (; rest >= 128; rest = Math.floor(rest / 128)) header.push((rest % 128) + 128)
  header.push(rest)
  // MessagePack writes a whole array faster than item by item; its header is dropped again.
  const body = encode(items, { extensionCodec })
  const skip = items.length < 16 ? 1 : items.length < 65_536 ? 3 : 5
  const bytes = new Uint8Array(header.length + body.length - skip)
  bytes.set(header)
  bytes.set(body.subarray(skip), header.length)
  return bytes
}

/** Kind and seq of a frame or snapshot, and where its body begins. */
export function decodeHeader(bytes: Uint8Array): { kind: BytesKind; seq: number; start: number } {
  if (!(bytes instanceof Uint8Array)) throw malformed('Not a Uint8Array.')
  if (bytes[0] !== formatVersion) throw malformed(`Unknown format version ${bytes[0]}.`)
  const kind = bytesKinds[bytes[1] ?? -1]
  if (kind === undefined) throw malformed(`Unknown kind ${bytes[1]}.`)
  let seq = 0
  let start = 2
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[start++]
    if (byte === undefined) throw malformed('The header ends early.')
    seq += (byte % 128) * scale
    if (scale > 2 ** 49 || !Number.isSafeInteger(seq)) throw malformed('The seq is too large.')
    if (byte < 128) break
  }
  if (kind === 'frame' && seq === 0) throw malformed('A frame has no seq 0.')
  return { kind, seq, start }
}

/** The whole content of a frame or snapshot. Throws FRAME_MALFORMED and nothing else. */
export function decodeBytes(bytes: Uint8Array): Frame | Snapshot {
  const { kind, seq, start } = decodeHeader(bytes)
  try {
    const reader = new Reader(bytes.subarray(start), kind === 'snapshot')
    if (kind === 'frame') return { kind, seq, operations: reader.operations() }
    const next = reader.count()
    const root = reader.value()
    if (!(root instanceof NodeValue)) throw malformed('The root is no node.')
    if (!reader.atEnd) throw malformed('Bytes after the end.')
    return { kind, seq, next, root }
  } catch (error) {
    throw isSojournError(error) ? error : malformed('The body is broken.', error)
  }
}
