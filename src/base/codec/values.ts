/** Plain data as bytes: messages, results, sessions. */
import { type ContainerKind, depthMax, malformed, ownByteMax, valueCodes } from './format.ts'
import { KeyNumbers } from './keys.ts'
import {
  type Container,
  checkKey,
  checkShape,
  entriesOf,
  hasPlainShape,
  isContainer,
  isPlainKey,
  isSingle,
  kindOf,
  type Place,
  type PlainObject,
  stepName,
  toLeaf,
  unsupported,
} from './plain.ts'
import { kindOfCode, Reader } from './reader.ts'
import { type Memory, Writer } from './writer.ts'

/** One for all: it holds nothing from one value to the next but its space. */
const shared = new Writer()
let isBusy = false

/** How bytes are made of a value. */
export interface EncodeOptions {
  /** Bytes of the caller's own before the value. */
  readonly head?: readonly number[]
  /** Where the bytes lie. Default: in memory of their own. */
  readonly memory?: Memory
  /** That the value is plain data is known: it came out of `decodeValue`, or was checked before. */
  readonly isKnown?: boolean
}

/**
 * Plain data to bytes: objects, arrays, Maps, Date, Uint8Array and single values, each of which
 * comes back as it was.
 *
 * @throws SojournError `STATE_UNSUPPORTED` for anything else; the message names its place
 */
export function encodeValue(
  value: unknown,
  { head, memory, isKnown = false }: EncodeOptions = {},
): Uint8Array {
  // A getter inside of the value may encode something itself.
  const writer = isBusy ? new Writer() : shared
  isBusy = true
  try {
    if (head) for (const byte of head) writer.byte(byte)
    const writing = { writer, keys: new KeyNumbers(), isKnown }
    if (!write(writing, value, 1)) check(value, () => 'value', 1)
    return writer.take(memory)
  } finally {
    writer.drop()
    if (writer === shared) isBusy = false
  }
}

interface Writing {
  readonly writer: Writer
  readonly keys: KeyNumbers
  readonly isKnown: boolean
}

/** False when the value can't be written; `check` says why. Nothing is made for places here. */
function write(writing: Writing, value: unknown, depth: number): boolean {
  const { writer, keys, isKnown } = writing
  if (typeof value !== 'object' || value === null) {
    if (!isSingle(value)) return false
    writer.leaf(value)
    return true
  }
  if (!isContainer(value)) {
    if (!(value instanceof Date || value instanceof Uint8Array)) return false
    writer.leaf(value)
    return true
  }
  if (depth > depthMax || !(isKnown || hasPlainShape(value))) return false
  const kind = kindOf(value)
  writer.byte(valueCodes[kind])
  if (kind === 'array') {
    const items = value as readonly unknown[]
    writer.varint(items.length)
    for (const item of items) if (!write(writing, item, depth + 1)) return false
    return true
  }
  const names = kind === 'map' ? [...(value as Map<string, unknown>).keys()] : Object.keys(value)
  writer.varint(names.length)
  for (const name of names) {
    if (!isKnown && !isPlainKey(name)) return false
    const number = keys.take(name)
    writer.varint(number)
    if (number === 0) writer.text(name)
    const item =
      kind === 'map' ? (value as Map<string, unknown>).get(name) : (value as PlainObject)[name]
    if (!write(writing, item, depth + 1)) return false
  }
  return true
}

/** Finds what is no plain data, and throws. */
function check(value: unknown, place: Place, depth: number): void {
  if (!isContainer(value)) {
    toLeaf(value, place)
    return
  }
  if (depth > depthMax) unsupported(place, `deeper than ${depthMax}`)
  checkShape(value, place)
  const kind = kindOf(value)
  for (const [key, item] of entriesOf(value)) {
    const inner = (): string => place() + stepName(kind, key)
    if (kind !== 'array') checkKey(key, inner)
    check(item, inner, depth + 1)
  }
}

/**
 * The value that `encodeValue` wrote. A claimed length allocates nothing.
 *
 * @throws SojournError `FRAME_MALFORMED` for bytes that it did not write
 */
export function decodeValue(bytes: Uint8Array): unknown {
  const reader = new Reader()
  reader.open(bytes)
  const value = read(reader, 1)
  if (!reader.atEnd) throw malformed('Bytes after the end.')
  return value
}

function read(reader: Reader, depth: number): unknown {
  const code = reader.byte()
  if (code < ownByteMax) return code
  const kind = kindOfCode[code]
  if (kind === undefined) return reader.leaf(code)
  if (depth > depthMax) throw malformed(`Deeper than ${depthMax}.`)
  return readContainer(reader, kind, depth)
}

function readContainer(reader: Reader, kind: ContainerKind, depth: number): Container {
  const size = reader.varint()
  if (kind === 'array') {
    const items: unknown[] = []
    for (let i = 0; i < size; i++) items.push(read(reader, depth + 1))
    return items
  }
  const container: Map<string, unknown> | PlainObject = kind === 'map' ? new Map() : {}
  for (let i = 0; i < size; i++) {
    const key = reader.key(reader.varint())
    const isKnown = container instanceof Map ? container.has(key) : Object.hasOwn(container, key)
    if (isKnown) throw malformed(`The key ${key} twice.`)
    const item = read(reader, depth + 1)
    if (container instanceof Map) container.set(key, item)
    else container[key] = item
  }
  return container
}
