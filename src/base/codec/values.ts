/** Plain data as bytes: messages, results, sessions. */
import { type ContainerKind, depthMax, malformed, ownByteMax, valueCodes } from './format.ts'
import { KeyNumbers } from './keys.ts'
import {
  type Container,
  checkKey,
  checkShape,
  isContainer,
  kindOf,
  type Place,
  type PlainObject,
  stepName,
  toLeaf,
  unsupported,
} from './plain.ts'
import { kindOfCode, Reader } from './reader.ts'
import { Writer } from './writer.ts'

/** One for all: it holds nothing from one value to the next but its space. */
const shared = new Writer()
let isBusy = false

/**
 * Plain data to bytes: objects, arrays, Maps, Date, Uint8Array and single values, each of which
 * comes back as it was.
 *
 * @throws SojournError `STATE_UNSUPPORTED` for anything else; the message names its place
 */
export function encodeValue(value: unknown): Uint8Array {
  // A getter inside of the value may encode something itself.
  const writer = isBusy ? new Writer() : shared
  isBusy = true
  try {
    write({ writer, keys: new KeyNumbers() }, value, () => 'value', 1)
    return writer.take()
  } finally {
    writer.drop()
    if (writer === shared) isBusy = false
  }
}

interface Writing {
  readonly writer: Writer
  readonly keys: KeyNumbers
}

function write(writing: Writing, value: unknown, place: Place, depth: number): void {
  const { writer, keys } = writing
  if (!isContainer(value)) {
    writer.leaf(toLeaf(value, place))
    return
  }
  if (depth > depthMax) unsupported(place, `deeper than ${depthMax}`)
  checkShape(value, place)
  const kind = kindOf(value)
  const inside = (key: string | number, item: unknown): void => {
    const inner = (): string => place() + stepName(kind, key)
    if (kind !== 'array') {
      checkKey(key, inner)
      const number = keys.take(key)
      writer.varint(number)
      if (number === 0) writer.text(key)
    }
    write(writing, item, inner, depth + 1)
  }
  writer.byte(valueCodes[kind])
  if (Array.isArray(value)) {
    writer.varint(value.length)
    for (let i = 0; i < value.length; i++) inside(i, value[i])
  } else if (value instanceof Map) {
    writer.varint(value.size)
    for (const [key, item] of value) inside(key, item)
  } else {
    const names = Object.keys(value)
    writer.varint(names.length)
    for (const name of names) inside(name, value[name])
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
