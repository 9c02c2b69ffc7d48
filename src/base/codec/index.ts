/** Plain data as bytes, bit by bit: what states, messages and sessions are written in. */
export { decodeValue, type EncodeOptions, encodeValue } from './values.ts'
export { Memory } from './writer.ts'
