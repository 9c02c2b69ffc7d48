/** Takes bytes apart, trusting none of them: what they claim is checked before it is used. */

import {
  type ContainerKind,
  integerMax,
  malformed,
  ownByteMax,
  powers,
  valueCodes,
} from './format.ts'
import { fitsDictionary } from './keys.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** Beyond this, TextDecoder is faster than a loop. */
const loopBytesMax = 32

/** Which first bytes begin a container. */
export const kindOfCode: Partial<Record<number, ContainerKind>> = {
  [valueCodes.object]: 'object',
  [valueCodes.array]: 'array',
  [valueCodes.map]: 'map',
}

const nothing = new Uint8Array()

/** Takes one piece of bytes after the other apart; why its fields are no `#` fields: see `Writer`. */
export class Reader {
  private bytes: Uint8Array = nothing
  private madeView: DataView | undefined
  private offset = 0
  private keys: readonly string[] = []
  /** Keys that these bytes add to the dictionary. */
  newKeys: string[] = []

  /**
   * Begins to read. Before the next time comes `close`.
   *
   * @param keys the dictionary before these bytes
   */
  open(bytes: Uint8Array, start = 0, keys: readonly string[] = []): void {
    this.bytes = bytes
    this.offset = start
    this.keys = keys
    this.newKeys = []
  }

  /** Lets go of the bytes, which may be many. */
  close(): void {
    this.bytes = nothing
    this.madeView = undefined
  }

  /** Made when the first number of a fixed width comes: most frames have none. */
  get #view(): DataView {
    const { buffer, byteOffset, byteLength } = this.bytes
    this.madeView ??= new DataView(buffer, byteOffset, byteLength)
    return this.madeView
  }

  get at(): number {
    return this.offset
  }

  get atEnd(): boolean {
    return this.offset >= this.bytes.length
  }

  byte(): number {
    const byte = this.bytes[this.offset]
    if (byte === undefined) throw malformed('The bytes end early.')
    this.offset += 1
    return byte
  }

  /** Skips `count` bytes, all of which are there, and gives their place. */
  #skip(count: number): number {
    const start = this.offset
    if (count > this.bytes.length - start) throw malformed('The bytes end early.')
    this.offset = start + count
    return start
  }

  varint(): number {
    let byte = this.byte()
    if (byte < 128) return byte
    let value = byte & 127
    for (let scale = 128; ; scale *= 128) {
      byte = this.byte()
      value += (byte & 127) * scale
      if (value > Number.MAX_SAFE_INTEGER || scale > 2 ** 49) throw malformed('A number too large.')
      if (byte < 128) return value
    }
  }

  /** The key with this number; 0 announces one in full. */
  key(number: number): string {
    if (number > 0) {
      const key = this.keys[number - 1] ?? this.newKeys[number - 1 - this.keys.length]
      if (key === undefined) throw malformed(`Unknown key ${number}.`)
      return key
    }
    const code = this.byte()
    const key = code < ownByteMax ? code : this.leaf(code)
    if (typeof key !== 'string' || key === '__proto__') throw malformed('No key.')
    if (fitsDictionary(key, this.keys.length + this.newKeys.length)) this.newKeys.push(key)
    return key
  }

  /** The single value that begins with this byte, which is at least `ownByteMax`. */
  leaf(code: number): unknown {
    if (code >= valueCodes.number) return this.#short(code)
    if (code < valueCodes.undefined) return this.#text(code - valueCodes.shortText)
    switch (code) {
      case valueCodes.undefined:
        return undefined
      case valueCodes.null:
        return null
      case valueCodes.false:
        return false
      case valueCodes.true:
        return true
      case valueCodes.integer:
        return this.#integer()
      case valueCodes.float32:
        return this.#view.getFloat32(this.#skip(4))
      case valueCodes.float64:
        return this.#view.getFloat64(this.#skip(8))
      case valueCodes.date:
        return new Date(this.#view.getFloat64(this.#skip(8)))
      case valueCodes.text:
        return this.#text(this.varint())
      case valueCodes.units:
        return this.#units(this.varint())
      case valueCodes.bytes: {
        const count = this.varint()
        const start = this.#skip(count)
        return this.bytes.slice(start, start + count)
      }
      default:
        throw malformed(`Unknown value ${code}.`)
    }
  }

  #short(code: number): number {
    const count = code & 3
    const start = this.#skip(count)
    let zigzag = (code >>> 2) & 7
    for (let i = 0; i < count; i++) zigzag |= (this.bytes[start + i] as number) << (3 + 8 * i)
    const value = zigzag & 1 ? -(zigzag >>> 1) - 1 : zigzag >>> 1
    const place = (code >>> 5) & 3
    return place === 0 ? value : value / (powers[place] as number)
  }

  #integer(): number {
    const zigzag = this.varint()
    const value = zigzag % 2 === 1 ? -Math.floor(zigzag / 2) - 1 : zigzag / 2
    if (Math.abs(value) > integerMax) throw malformed('An integer too large.')
    return value
  }

  #text(length: number): string {
    const bytes = this.bytes
    const start = this.#skip(length)
    if (length <= loopBytesMax) {
      let text = ''
      let i = start
      for (; i < start + length; i++) {
        const unit = bytes[i] as number
        if (unit > 127) break
        text += String.fromCharCode(unit)
      }
      if (i === start + length) return text
    }
    try {
      return utf8.decode(bytes.subarray(start, start + length))
    } catch (error) {
      throw malformed('A text that is no UTF-8.', error)
    }
  }

  #units(count: number): string {
    const start = this.#skip(count * 2)
    let text = ''
    for (let i = 0; i < count; i++) text += String.fromCharCode(this.#view.getUint16(start + 2 * i))
    return text
  }
}
