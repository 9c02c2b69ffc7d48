/** How session data becomes bytes and back: MessagePack behind one format byte. */
import { Decoder, Encoder, ExtensionCodec } from '@msgpack/msgpack'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { SojournError } from '../../base/core/index.ts'
import { type Steps, wait } from './steps.ts'

/** The first byte of every record: later formats (sealed data) are told apart by it. */
const formatPlain = 1

/** MessagePack has dates, but no Map. The number is part of the format. */
const extensions = new ExtensionCodec()
extensions.register({
  type: 1,
  encode: (value) => (value instanceof Map ? encoder.encode([...value]) : null),
  decode: (bytes) => new Map(decoder.decode(bytes) as [unknown, unknown][]),
})
const encoder = new Encoder({ extensionCodec: extensions, ignoreUndefined: true })
const decoder = new Decoder({ extensionCodec: extensions })

/**
 * Plain data to bytes; keys that hold `undefined` are left out.
 *
 * @throws SojournError `STATE_UNSUPPORTED` for what can't be stored
 */
export function encodeData(data: object): Uint8Array {
  try {
    const packed = encoder.encode(data)
    const bytes = new Uint8Array(packed.byteLength + 1)
    bytes[0] = formatPlain
    bytes.set(packed, 1)
    return bytes
  } catch (error) {
    throw new SojournError('STATE_UNSUPPORTED', undefined, { cause: error })
  }
}

/** @throws SojournError `STORE_UNAVAILABLE` for bytes that this version didn't write */
export function decodeData<Data extends object>(bytes: Uint8Array): Data {
  if (bytes[0] !== formatPlain)
    throw new SojournError('STORE_UNAVAILABLE', `A session has the unknown format ${bytes[0]}.`)
  try {
    return decoder.decode(bytes.subarray(1)) as Data
  } catch (error) {
    throw new SojournError('STORE_UNAVAILABLE', 'A session is damaged.', { cause: error })
  }
}

/**
 * Encodes data that is about to be stored, after the checks of the schema and of the size.
 *
 * @throws SojournError `SESSION_INVALID`, `SESSION_TOO_LARGE`, `STATE_UNSUPPORTED`
 */
export function* checkedBytes<Data extends object>(
  data: Data,
  schema: StandardSchemaV1<unknown, Data> | undefined,
  dataBytesMax: number,
): Steps<Uint8Array> {
  const result = schema && (yield* wait(schema['~standard'].validate(data)))
  if (result?.issues) throw new SojournError('SESSION_INVALID', describe(result.issues))
  const bytes = encodeData(data)
  if (bytes.byteLength > dataBytesMax) {
    const detail = `The session data takes ${bytes.byteLength} of ${dataBytesMax} bytes.`
    throw new SojournError('SESSION_TOO_LARGE', detail)
  }
  return bytes
}

/** Where and what, for at most five issues. */
function describe(issues: readonly StandardSchemaV1.Issue[]): string {
  const lines = issues.slice(0, 5).map(({ path = [], message }) => {
    const where = path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
    return where ? `${where}: ${message}` : message
  })
  return `${lines.join('; ')}.`
}
