/** Plain helpers over plain data. */
import { depthMax } from '../codec/format.ts'
import {
  checkKey,
  checkShape,
  isPlainObject,
  type PlainObject,
  toLeaf,
  unsupported,
} from '../codec/plain.ts'

const place = (): string => 'data'

/**
 * A deep copy that shares nothing with the original but its primitives.
 *
 * @throws SojournError `STATE_UNSUPPORTED` for what is no plain data
 */
export function plainCopy(value: unknown, depth = 0): unknown {
  if (depth > depthMax) unsupported(place, `deeper than ${depthMax}`)
  if (value instanceof Map)
    return new Map(Array.from(value, ([key, item]) => [key, plainCopy(item, depth + 1)]))
  if (Array.isArray(value)) return value.map((item) => plainCopy(item, depth + 1))
  if (!isPlainObject(value)) return toLeaf(value, place)
  checkShape(value, place)
  const copy: PlainObject = {}
  for (const [key, item] of Object.entries(value)) {
    checkKey(key, place)
    copy[key] = plainCopy(item, depth + 1)
  }
  return copy
}

/** Whether single values are the same: numbers bit by bit, dates and bytes by content. */
export function leafEqual(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true
  if (left instanceof Date)
    return right instanceof Date && Object.is(left.getTime(), right.getTime())
  if (left instanceof Uint8Array)
    return right instanceof Uint8Array && equalItems(left, right, Object.is)
  return false
}

/** Deep equality of plain data; keys in any order. */
export function deepEqual(left: unknown, right: unknown): boolean {
  if (leafEqual(left, right)) return true
  if (Array.isArray(left)) return Array.isArray(right) && equalItems(left, right, deepEqual)
  if (left instanceof Map) {
    if (!(right instanceof Map) || left.size !== right.size) return false
    for (const [key, item] of left)
      if (!right.has(key) || !deepEqual(item, right.get(key))) return false
    return true
  }
  if (!isPlainObject(left) || !isPlainObject(right)) return false
  const keys = Object.keys(left)
  if (keys.length !== Object.keys(right).length) return false
  return keys.every((key) => Object.hasOwn(right, key) && deepEqual(left[key], right[key]))
}

function equalItems(
  left: ArrayLike<unknown>,
  right: ArrayLike<unknown>,
  equal: (left: unknown, right: unknown) => boolean,
): boolean {
  if (left.length !== right.length) return false
  for (let i = 0; i < left.length; i++) if (!equal(left[i], right[i])) return false
  return true
}

/** More arguments than this may overflow the stack of a call. */
const argumentsMax = 10_000

/** `array.splice` for any number of items. */
export function spliceItems<T>(
  array: T[],
  index: number,
  remove: number,
  items: readonly T[],
): void {
  if (items.length <= argumentsMax) {
    array.splice(index, remove, ...items)
    return
  }
  const tail = array.slice(index + remove)
  array.length = index
  for (const item of items) array.push(item)
  for (const item of tail) array.push(item)
}

/** `array.toSpliced` for any number of items. */
export function splicedItems<T>(
  array: readonly T[],
  index: number,
  remove: number,
  items: readonly T[],
): T[] {
  if (items.length <= argumentsMax) return array.toSpliced(index, remove, ...items)
  return [array.slice(0, index), items, array.slice(index + remove)].flat() as T[]
}
