/** Single values as MessagePack items that give back every bit. */
import { type DecoderOptions, ExtData } from '@msgpack/msgpack'
import { malformed } from './format.ts'

/** Everything that MessagePack, or its UTF-8, would not give back bit by bit. */
const extensions = { undefined: 0, negativeZero: 1, date: 2, text: 3 } as const
const nothing = new Uint8Array(0)
const undefinedItem = new ExtData(extensions.undefined, nothing)
const negativeZeroItem = new ExtData(extensions.negativeZero, nothing)

/** The form of a value in a body. */
export function toItem(value: unknown): unknown {
  if (value === undefined) return undefinedItem
  if (Object.is(value, -0)) return negativeZeroItem
  if (value instanceof Date) {
    const data = new Uint8Array(8)
    new DataView(data.buffer).setFloat64(0, value.getTime())
    return new ExtData(extensions.date, data)
  }
  // Decoders of UTF-8 replace lone surrogates and may swallow a leading byte order mark.
  if (typeof value === 'string' && (value.startsWith('\ufeff') || !value.isWellFormed()))
    return new ExtData(extensions.text, toUnits(value))
  return value
}

export const extensionCodec: NonNullable<DecoderOptions['extensionCodec']> = {
  tryToEncode: (item) => (item instanceof ExtData ? item : null),
  decode(data, type) {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
    if (type === extensions.text) return fromUnits(view)
    if (type === extensions.date && data.length === 8) return new Date(view.getFloat64(0))
    if (type === extensions.undefined && data.length === 0) return undefined
    if (type === extensions.negativeZero && data.length === 0) return -0
    throw malformed(`Unknown extension ${type} of ${data.length} bytes.`)
  },
}

function toUnits(text: string): Uint8Array {
  const view = new DataView(new ArrayBuffer(text.length * 2))
  for (let i = 0; i < text.length; i++) view.setUint16(i * 2, text.charCodeAt(i))
  return new Uint8Array(view.buffer)
}

function fromUnits(view: DataView): string {
  if (view.byteLength % 2 !== 0) throw malformed('Half a character.')
  let text = ''
  for (let i = 0; i < view.byteLength; i += 2) text += String.fromCharCode(view.getUint16(i))
  return text
}
