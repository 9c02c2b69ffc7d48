/** Plain data as bytes, bit by bit: what states, messages and sessions are written in. */
export { decodeValue, encodeValue } from './values.ts'
