import { Decoder, Encoder } from '@msgpack/msgpack'
import { type ErrorCode, SojournError } from '../core/index.ts'

const encoder = new Encoder({ ignoreUndefined: true })

/** Plain data to MessagePack; keys that hold `undefined` are left out. */
export function pack(value: unknown): Uint8Array {
  return encoder.encode(value)
}

/**
 * MessagePack from outside to plain data. Lengths are bounded by the input itself, so a claimed
 * length allocates nothing; a `__proto__` key is refused by the decoder.
 */
export function unpack(bytes: Uint8Array, code: ErrorCode = 'MESSAGE_MALFORMED'): unknown {
  const max = bytes.byteLength
  try {
    return new Decoder({
      maxStrLength: max,
      maxBinLength: max,
      maxArrayLength: max,
      maxMapLength: max,
      maxExtLength: max,
    }).decode(bytes)
  } catch (error) {
    throw new SojournError(code, undefined, { cause: error })
  }
}
