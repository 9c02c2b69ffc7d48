/** Plain data as bytes: messages, results, sessions. */
import { type ContainerKind, depthMax, malformed, ownByteMax, valueCodes } from './format.ts'
import { KeyNumbers } from './keys.ts'
import {
  type Container,
  checkKey,
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
const writer = new Writer()

/**
 * Plain data to bytes: objects, arrays, Maps, Date, Uint8Array and single values, each of which
 * comes back as it was.
 *
 * @throws SojournError `STATE_UNSUPPORTED` for anything else; the message names its place
 */
export function encodeValue(value: unknown): Uint8Array {
  const keys = new KeyNumbers()
  try {
    write(value, keys, () => 'value', 1)
    return writer.take()
  } finally {
    writer.drop()
  }
}

function write(value: unknown, keys: KeyNumbers, place: Place, depth: number): void {
  if (!isContainer(value)) {
    writer.leaf(toLeaf(value, place))
    return
  }
  if (depth > depthMax) unsupported(place, `deeper than ${depthMax}`)
  const kind = kindOf(value)
  const inside = (key: string | number, item: unknown): void => {
    const inner = (): string => place() + stepName(kind, key)
    if (kind !== 'array') {
      checkKey(key, inner)
      const number = keys.take(key)
      writer.varint(number)
      if (number === 0) writer.text(key)
    }
    write(item, keys, inner, depth + 1)
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
  const reader = new Reader(bytes)
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
  const map = new Map<string, unknown>()
  const object: PlainObject = {}
  for (let i = 0; i < size; i++) {
    const key = reader.key(reader.varint())
    const item = read(reader, depth + 1)
    if (kind === 'map') map.set(key, item)
    else object[key] = item
  }
  return kind === 'map' ? map : object
}
