/**
 * The pipe between an instance and its host: the instance asks to append, the host answers.
 * Every message is a length (4 bytes, big-endian), a type (1 byte), a seq (6 bytes) and, for
 * requests, the length of the envelope (4 bytes), the envelope and the section.
 */
import { limits, SojournError } from '../core/index.ts'

export type JournalRequest = {
  readonly type: 'append' | 'snapshot'
  /** The record's number, or the last record that the snapshot contains. */
  readonly seq: number
  /** Private part: recorded results. Never sent to clients. */
  readonly envelope: Uint8Array
  /** The bytes that clients get; empty when the turn changed nothing that they see. */
  readonly section: Uint8Array
}

export type JournalReply = { readonly type: 'appended' | 'fenced' | 'failed'; readonly seq: number }

const types = { append: 1, snapshot: 2, appended: 3, fenced: 4, failed: 5 } as const
const names = Object.fromEntries(Object.entries(types).map(([name, type]) => [type, name]))
const prefixBytes = 4
const headBytes = 7

function start(type: keyof typeof types, seq: number, bodyBytes: number): Uint8Array {
  const bytes = new Uint8Array(prefixBytes + headBytes + bodyBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, headBytes + bodyBytes)
  view.setUint8(4, types[type])
  view.setUint16(5, Math.floor(seq / 2 ** 32))
  view.setUint32(7, seq >>> 0)
  return bytes
}

export function encodeJournalRequest(request: JournalRequest): Uint8Array {
  const { envelope, section } = request
  const bytes = start(request.type, request.seq, 4 + envelope.byteLength + section.byteLength)
  new DataView(bytes.buffer).setUint32(prefixBytes + headBytes, envelope.byteLength)
  bytes.set(envelope, prefixBytes + headBytes + 4)
  bytes.set(section, prefixBytes + headBytes + 4 + envelope.byteLength)
  return bytes
}

export function encodeJournalReply(reply: JournalReply): Uint8Array {
  return start(reply.type, reply.seq, 0)
}

function parseHead(bytes: Uint8Array): { type: string; seq: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.byteLength < headBytes)
    throw new SojournError('MESSAGE_MALFORMED', 'Short journal message.')
  const seq = view.getUint16(1) * 2 ** 32 + view.getUint32(3)
  return { type: names[view.getUint8(0)] ?? 'unknown', seq }
}

export function parseJournalRequest(bytes: Uint8Array): JournalRequest {
  const { type, seq } = parseHead(bytes)
  if (type !== 'append' && type !== 'snapshot')
    throw new SojournError('MESSAGE_MALFORMED', `Unexpected ${type}.`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = bytes.byteLength >= headBytes + 4 ? view.getUint32(headBytes) : -1
  const from = headBytes + 4
  if (length < 0 || from + length > bytes.byteLength) {
    throw new SojournError('MESSAGE_MALFORMED', 'Short journal request.')
  }
  return {
    type,
    seq,
    envelope: bytes.subarray(from, from + length),
    section: bytes.subarray(from + length),
  }
}

export function parseJournalReply(bytes: Uint8Array): JournalReply {
  const { type, seq } = parseHead(bytes)
  if (type === 'appended' || type === 'fenced' || type === 'failed') return { type, seq }
  throw new SojournError('MESSAGE_MALFORMED', `Unexpected ${type}.`)
}

/**
 * Cuts a stream of chunks into messages. Each message is a copy of its own, so that it may be
 * kept; a length above `recordBytesMax` throws before anything is allocated for it.
 */
export function splitMessages(onMessage: (bytes: Uint8Array) => void): (chunk: Uint8Array) => void {
  const prefix = new Uint8Array(prefixBytes)
  let prefixFilled = 0
  let body: Uint8Array | undefined
  let bodyFilled = 0
  return (chunk) => {
    for (let at = 0; at < chunk.byteLength; ) {
      const target: Uint8Array = body ?? prefix
      const filled = body ? bodyFilled : prefixFilled
      const part = chunk.subarray(at, at + target.byteLength - filled)
      target.set(part, filled)
      at += part.byteLength
      if (body) bodyFilled += part.byteLength
      else prefixFilled += part.byteLength
      if (!body && prefixFilled === prefixBytes) {
        body = new Uint8Array(lengthOf(prefix))
        bodyFilled = 0
      }
      if (body && bodyFilled === body.byteLength) {
        const whole = body
        body = undefined
        prefixFilled = 0
        onMessage(whole)
      }
    }
  }
}

function lengthOf(prefix: Uint8Array): number {
  const length = new DataView(prefix.buffer).getUint32(0)
  if (length <= limits.recordBytesMax) return length
  throw new SojournError('MESSAGE_TOO_LARGE', 'Journal message.')
}
