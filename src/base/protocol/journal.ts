/**
 * The pipe between a process and its host: its instances ask to append, the host answers in the
 * order of the requests of each instance. Every message is a length (4 bytes, big-endian), a type
 * (1 byte), the number of the instance (4 bytes), a seq (6 bytes) and, for requests, the level
 * (1 byte), the next wake (8 bytes, a double; NaN leaves it), the length of the envelope (4 bytes),
 * the envelope and the section.
 */
import { limits, SojournError } from '../core/index.ts'

/**
 * What a change survives before it is shown: `process` the death of any process (written),
 * `disk` a power loss (fsynced).
 */
export type Durability = 'process' | 'disk'

export type JournalRequest = {
  readonly type: 'append' | 'snapshot'
  readonly level: Durability
  /** The record's number, or the last record that the snapshot contains. */
  readonly seq: number
  /** Private part: recorded results and alarms. Never sent to clients. */
  readonly envelope: Uint8Array
  /** The bytes that clients get; empty when the turn changed nothing that they see. */
  readonly section: Uint8Array
  /**
   * Wall time of the earliest alarm after this write, whole milliseconds: the key is started then.
   * 0 for none; absent when it is as before.
   */
  readonly wakeAtMs?: number
}

export type JournalReply = { readonly type: 'appended' | 'fenced' | 'failed'; readonly seq: number }

/** A message of the pipe belongs to one of the instances in the process. */
export type OfInstance<Message> = Message & { readonly instance: number }

const types = { append: 1, snapshot: 2, appended: 3, fenced: 4, failed: 5 } as const
const names = Object.fromEntries(Object.entries(types).map(([name, type]) => [type, name]))
const levels: readonly Durability[] = ['process', 'disk']
const prefixBytes = 4
const headBytes = 11
/** What stands before the envelope of a request. */
const requestHeadBytes = headBytes + 13

function start(
  type: keyof typeof types,
  instance: number,
  seq: number,
  bodyBytes: number,
): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(prefixBytes + headBytes + bodyBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, headBytes + bodyBytes)
  view.setUint8(4, types[type])
  view.setUint32(5, instance)
  view.setUint16(9, Math.floor(seq / 2 ** 32))
  view.setUint32(11, seq >>> 0)
  return { bytes, view }
}

export function encodeJournalRequest(request: OfInstance<JournalRequest>): Uint8Array {
  const { type, instance, level, seq, envelope, section, wakeAtMs = Number.NaN } = request
  const { bytes, view } = start(type, instance, seq, 13 + envelope.byteLength + section.byteLength)
  const at = prefixBytes + headBytes
  view.setUint8(at, levels.indexOf(level))
  view.setFloat64(at + 1, wakeAtMs)
  view.setUint32(at + 9, envelope.byteLength)
  bytes.set(envelope, at + 13)
  bytes.set(section, at + 13 + envelope.byteLength)
  return bytes
}

export function encodeJournalReply({ type, instance, seq }: OfInstance<JournalReply>): Uint8Array {
  return start(type, instance, seq, 0).bytes
}

function parseHead(bytes: Uint8Array): { type: string; instance: number; seq: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.byteLength < headBytes)
    throw new SojournError('MESSAGE_MALFORMED', 'Short journal message.')
  const seq = view.getUint16(5) * 2 ** 32 + view.getUint32(7)
  return { type: names[view.getUint8(0)] ?? 'unknown', instance: view.getUint32(1), seq }
}

export function parseJournalRequest(bytes: Uint8Array): OfInstance<JournalRequest> {
  const { type, instance, seq } = parseHead(bytes)
  if (type !== 'append' && type !== 'snapshot')
    throw new SojournError('MESSAGE_MALFORMED', `Unexpected ${type}.`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = bytes.byteLength >= requestHeadBytes ? view.getUint32(headBytes + 9) : -1
  const level = levels[length < 0 ? -1 : view.getUint8(headBytes)]
  if (!level || requestHeadBytes + length > bytes.byteLength)
    throw new SojournError('MESSAGE_MALFORMED', 'Short journal request.')
  const split = requestHeadBytes + length
  const envelope = bytes.subarray(requestHeadBytes, split)
  const section = bytes.subarray(split)
  const wakeAtMs = view.getFloat64(headBytes + 1)
  const wake = Number.isSafeInteger(wakeAtMs) && wakeAtMs >= 0 && { wakeAtMs }
  return { type, instance, level, seq, envelope, section, ...wake }
}

export function parseJournalReply(bytes: Uint8Array): OfInstance<JournalReply> {
  const { type, instance, seq } = parseHead(bytes)
  if (type === 'appended' || type === 'fenced' || type === 'failed') return { type, instance, seq }
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
