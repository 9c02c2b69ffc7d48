/** How session data becomes bytes and back: a value behind one format byte. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { decodeValue, encodeValue } from '../../base/codec/index.ts'
import { SojournError } from '../../base/core/index.ts'
import { type Steps, wait } from './steps.ts'

/** The first byte of every record: later formats (sealed data) are told apart by it. */
const formatPlain = 2

/**
 * Plain data to bytes.
 *
 * @throws SojournError `STATE_UNSUPPORTED` for what can't be stored
 */
export function encodeData(data: object): Uint8Array {
  const value = encodeValue(data)
  const bytes = new Uint8Array(value.byteLength + 1)
  bytes[0] = formatPlain
  bytes.set(value, 1)
  return bytes
}

/** @throws SojournError `STORE_UNAVAILABLE` for bytes that this version didn't write */
export function decodeData<Data extends object>(bytes: Uint8Array): Data {
  if (bytes[0] !== formatPlain)
    throw new SojournError('STORE_UNAVAILABLE', `A session has the unknown format ${bytes[0]}.`)
  try {
    return decodeValue(bytes.subarray(1)) as Data
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
