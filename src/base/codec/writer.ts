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
/** Kept from one piece to the next; what a larger one needed goes with it. */
const keptBytesMax = 65_536
const firstBytes = 1_024

/**
 * Builds one piece of bytes after the other. What changes with every byte is `private`, here and
 * where else a frame passes: the middle one of an engine's compilers stores a `#` field by a call.
 */
export class Writer {
  private bytes = new Uint8Array(firstBytes)
  private view = new DataView(this.bytes.buffer)
  private at = 0

  get length(): number {
    return this.at
  }

  /** What was written since the last time, in memory of its own or cut from the given one. */
  take(memory?: Memory): Uint8Array {
    const piece = memory ? memory.keep(this.bytes, this.at) : this.bytes.slice(0, this.at)
    this.drop()
    return piece
  }

  /** Forgets what was written since the last time. */
  drop(): void {
    this.at = 0
    if (this.bytes.length > keptBytesMax) this.#grow(firstBytes)
  }

  #grow(size: number): void {
    const bytes = new Uint8Array(size)
    bytes.set(this.bytes.subarray(0, this.at))
    this.bytes = bytes
    this.view = new DataView(bytes.buffer)
  }

  #reserve(count: number): void {
    const needed = this.at + count
    if (needed > this.bytes.length) this.#grow(Math.max(needed, this.bytes.length * 2))
  }

  byte(value: number): void {
    if (this.at === this.bytes.length) this.#reserve(1)
    this.bytes[this.at++] = value
  }

  /** Seven bits a byte, the lowest first. */
  varint(value: number): void {
    if (value < 128) {
      this.byte(value)
      return
    }
    this.#reserve(8)
    let rest = value
    for (; rest >= 2 ** 31; rest = Math.floor(rest / 128))
      this.bytes[this.at++] = (rest % 128) | 128
    for (; rest >= 128; rest >>>= 7) this.bytes[this.at++] = (rest & 127) | 128
    this.bytes[this.at++] = rest
  }

  #raw(data: Uint8Array): void {
    this.#reserve(data.length)
    this.bytes.set(data, this.at)
    this.at += data.length
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
    if (this.#decimal(value, 1) || this.#decimal(value, 2) || this.#decimal(value, 3)) return
    if (Number.isInteger(value) && Math.abs(value) <= integerMax && !Object.is(value, -0))
      this.#integer(value)
    else if (Object.is(Math.fround(value), value)) {
      this.#reserve(5)
      this.bytes[this.at] = valueCodes.float32
      this.view.setFloat32(this.at + 1, value)
      this.at += 5
    } else this.#float64(valueCodes.float64, value)
  }

  /** Writes a number that is short with as many decimals, or nothing. */
  #decimal(value: number, place: 1 | 2 | 3): boolean {
    const power = powers[place]
    const scaled = Math.round(value * power)
    if (scaled / power !== value || Object.is(scaled, -0)) return false
    if (scaled < -shortNumberMax || scaled >= shortNumberMax) return false
    this.#short(scaled, place)
    return true
  }

  /** An integer of at most 27 bits, sign included, and the power of ten that divides it. */
  #short(value: number, place: number): void {
    this.#reserve(4)
    const whole = zigzag(value)
    let rest = whole >>> 3
    const count = rest === 0 ? 0 : rest < 256 ? 1 : rest < 65_536 ? 2 : 3
    this.bytes[this.at++] = valueCodes.number | (place << 5) | ((whole & 7) << 2) | count
    for (; rest > 0; rest >>>= 8) this.bytes[this.at++] = rest & 255
  }

  #integer(value: number): void {
    this.byte(valueCodes.integer)
    this.varint(zigzag(value))
  }

  #float64(code: number, value: number): void {
    this.#reserve(9)
    this.bytes[this.at] = code
    this.view.setFloat64(this.at + 1, value)
    this.at += 9
  }

  /** A text; a key in full is one too. */
  text(text: string): void {
    const start = this.at
    // The length of a text in ASCII is known at once; only others are measured and moved.
    if (text.length <= shortTextBytesMax) {
      this.byte(valueCodes.shortText + text.length)
      if (this.#ascii(text)) return
      this.at = start
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
    const bytes = this.bytes
    let at = this.at
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 127) return false
      bytes[at++] = unit
    }
    this.at = at
    return true
  }

  /** A text that UTF-8 can't carry: its UTF-16 units. */
  #units(text: string): void {
    this.varint(text.length)
    this.#reserve(text.length * 2)
    for (let i = 0; i < text.length; i++, this.at += 2)
      this.view.setUint16(this.at, text.charCodeAt(i))
  }
}

/** Numbers near zero of either sign as small ones without. */
export function zigzag(value: number): number {
  return value < 0 ? -value * 2 - 1 : value * 2
}

const blockBytes = 4_096
/** Smaller pieces are cheap in memory of their own, larger ones would waste the rest of a block. */
const piece = { bytesMin: 65, bytesMax: 1_024 }

/**
 * Blocks from which the pieces of one owner are cut: memory of its own costs a piece ten times as
 * much as its bytes do.
 */
export class Memory {
  private block: Uint8Array | undefined
  private at = 0

  /** A copy of the first `length` of these bytes. */
  keep(bytes: Uint8Array, length: number): Uint8Array {
    if (length < piece.bytesMin || length > piece.bytesMax) return bytes.slice(0, length)
    // A block that somebody transferred to another thread has no bytes left.
    if (!this.block || this.at + length > this.block.length) {
      this.block = new Uint8Array(blockBytes)
      this.at = 0
    }
    const kept = this.block.subarray(this.at, this.at + length)
    kept.set(bytes.subarray(0, length))
    this.at += length
    return kept
  }
}
