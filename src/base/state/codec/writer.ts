/** Bytes, numbers, texts and single values as the format writes them. */
import {
  integerMax,
  ownByteMax,
  powers,
  shortNumberMax,
  shortTextBytesMax,
  valueCodes,
} from './format.ts'

const utf8 = new TextEncoder()
/** Beyond this, TextEncoder is faster than a loop. */
const loopUnitsMax = 64
/** Kept between frames; a larger one goes with the frame that needed it. */
const keptBytesMax = 65_536

/** Builds one frame or snapshot after the other. */
export class Writer {
  #bytes = new Uint8Array(1_024)
  #view = new DataView(this.#bytes.buffer)
  length = 0

  /** What was written, as bytes of their own; the writer is empty again. */
  take(): Uint8Array {
    const bytes = this.#bytes.slice(0, this.length)
    this.length = 0
    if (this.#bytes.length > keptBytesMax) this.#grow(keptBytesMax)
    return bytes
  }

  #grow(size: number): void {
    const bytes = new Uint8Array(size)
    bytes.set(this.#bytes.subarray(0, this.length))
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer)
  }

  #reserve(count: number): void {
    const needed = this.length + count
    if (needed > this.#bytes.length) this.#grow(Math.max(needed, this.#bytes.length * 2))
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.length++] = value
  }

  /** Seven bits a byte, the lowest first. */
  varint(value: number): void {
    this.#reserve(8)
    let rest = value
    for (; rest >= 2 ** 31; rest = Math.floor(rest / 128))
      this.#bytes[this.length++] = (rest % 128) | 128
    for (; rest >= 128; rest >>>= 7) this.#bytes[this.length++] = (rest & 127) | 128
    this.#bytes[this.length++] = rest
  }

  #raw(data: Uint8Array): void {
    this.#reserve(data.length)
    this.#bytes.set(data, this.length)
    this.length += data.length
  }

  /** A value that is no container. */
  leaf(value: unknown): void {
    if (typeof value === 'number') this.#number(value)
    else if (typeof value === 'string') this.text(value)
    else if (value === true) this.byte(valueCodes.true)
    else if (value === false) this.byte(valueCodes.false)
    else if (value === null) this.byte(valueCodes.null)
    else if (value instanceof Date) this.#float64(valueCodes.date, value.getTime())
    else if (value instanceof Uint8Array) {
      this.byte(valueCodes.bytes)
      this.varint(value.length)
      this.#raw(value)
    } else this.byte(valueCodes.undefined)
  }

  #number(value: number): void {
    if ((value | 0) === value && !Object.is(value, -0)) {
      if (value >= 0 && value < ownByteMax) this.byte(value)
      else if (value >= -shortNumberMax && value < shortNumberMax) this.#short(value, 0)
      else this.#integer(value)
      return
    }
    for (let place = 1; place < powers.length; place++) {
      const power = powers[place] as number
      const scaled = Math.round(value * power)
      if (scaled / power !== value || Object.is(scaled, -0)) continue
      if (scaled < -shortNumberMax || scaled >= shortNumberMax) break
      this.#short(scaled, place)
      return
    }
    if (Number.isInteger(value) && Math.abs(value) <= integerMax && !Object.is(value, -0))
      this.#integer(value)
    else if (Object.is(Math.fround(value), value)) {
      this.#reserve(5)
      this.#bytes[this.length] = valueCodes.float32
      this.#view.setFloat32(this.length + 1, value)
      this.length += 5
    } else this.#float64(valueCodes.float64, value)
  }

  /** An integer of at most 27 bits, sign included, and the power of ten that divides it. */
  #short(value: number, place: number): void {
    this.#reserve(4)
    const whole = zigzag(value)
    let rest = whole >>> 3
    const count = rest === 0 ? 0 : rest < 256 ? 1 : rest < 65_536 ? 2 : 3
    this.#bytes[this.length++] = valueCodes.number | (place << 5) | ((whole & 7) << 2) | count
    for (let i = 0; i < count; i++, rest >>>= 8) this.#bytes[this.length++] = rest & 255
  }

  #integer(value: number): void {
    this.byte(valueCodes.integer)
    this.varint(zigzag(value))
  }

  #float64(code: number, value: number): void {
    this.#reserve(9)
    this.#bytes[this.length] = code
    this.#view.setFloat64(this.length + 1, value)
    this.length += 9
  }

  /** A text; a key in full is one too. */
  text(text: string): void {
    const start = this.length
    // The length of a text in ASCII is known at once; only others are measured and moved.
    if (text.length <= shortTextBytesMax) {
      this.byte(valueCodes.shortText + text.length)
      if (this.#ascii(text)) return
      this.length = start
    }
    if (!text.isWellFormed()) {
      this.byte(valueCodes.units)
      this.#units(text)
      return
    }
    const data = utf8.encode(text)
    if (data.length <= shortTextBytesMax) this.byte(valueCodes.shortText + data.length)
    else {
      this.byte(valueCodes.text)
      this.varint(data.length)
    }
    this.#raw(data)
  }

  /** Writes a short text in ASCII, or nothing. */
  #ascii(text: string): boolean {
    const { length } = text
    if (length > loopUnitsMax) return false
    this.#reserve(length)
    const bytes = this.#bytes
    let at = this.length
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 127) return false
      bytes[at++] = unit
    }
    this.length = at
    return true
  }

  /** A text that UTF-8 can't carry: its UTF-16 units. */
  #units(text: string): void {
    this.varint(text.length)
    this.#reserve(text.length * 2)
    for (let i = 0; i < text.length; i++, this.length += 2)
      this.#view.setUint16(this.length, text.charCodeAt(i))
  }
}

/** Numbers near zero of either sign as small ones without. */
export function zigzag(value: number): number {
  return value < 0 ? -value * 2 - 1 : value * 2
}
