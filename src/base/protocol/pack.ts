import { decodeValue, encodeValue } from '../codec/values.ts'
import { type ErrorCode, SojournError } from '../core/index.ts'

/** Plain data to bytes. */
export const pack: (value: unknown) => Uint8Array = encodeValue

/** Bytes from outside to plain data. */
export function unpack(bytes: Uint8Array, code: ErrorCode = 'MESSAGE_MALFORMED'): unknown {
  try {
    return decodeValue(bytes)
  } catch (error) {
    throw new SojournError(code, undefined, { cause: error })
  }
}
