/** What a state may hold, how a place in it is named, and plain helpers over plain data. */
import { SojournError } from '../core/errors.ts'
import type { NodeKind } from './codec/format.ts'

/** Containers inside containers, the root included; bounds every recursion on both sides. */
export const depthMax = 128

export type PlainObject = Record<string, unknown>
/** A container of the state: everything else in it is a value. */
export type Container = PlainObject | unknown[] | Map<string, unknown>

/** Where in the state something is: how to name it is decided only when an error needs it. */
export type Place = () => string

export function unsupported(place: Place, why: string): never {
  throw new SojournError('STATE_UNSUPPORTED', `${place()}: ${why}.`)
}

/** `.key`, `["odd key"]`, `[3]` or `.get("key")`, after the kind of the container. */
export function stepName(kind: NodeKind, key: string | number): string {
  if (kind === 'map') return `.get(${JSON.stringify(key)})`
  if (typeof key === 'number') return `[${key}]`
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}

/** True for an object made by a literal, also of another realm, or with no prototype at all. */
export function isPlainObject(value: unknown): value is PlainObject {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** True for what becomes a node: no subclass of Array or Map, since its class would be lost. */
export function isContainer(value: unknown): value is Container {
  // The prototype of arrays is an array itself, in every realm; that of a subclass is not.
  if (Array.isArray(value)) return Array.isArray(Object.getPrototypeOf(value))
  if (value instanceof Map) return Object.getPrototypeOf(value) === Map.prototype
  return isPlainObject(value)
}

export function kindOf(container: Container): NodeKind {
  if (Array.isArray(container)) return 'array'
  return container instanceof Map ? 'map' : 'object'
}

/** The value itself, or the copy of a Date or Uint8Array; refuses what is no single value. */
export function toLeaf(value: unknown, place: Place): unknown {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'undefined':
      return value
    case 'object':
      if (value === null) return value
      if (value instanceof Date) return new Date(value.getTime())
      if (value instanceof Uint8Array) return new Uint8Array(value)
      return unsupported(place, 'an instance of a class')
    default:
      return unsupported(place, `a ${typeof value}`)
  }
}

/** Refuses keys that no state can hold. */
export function checkKey(key: unknown, place: Place): asserts key is string {
  if (typeof key !== 'string') unsupported(place, `a key that is a ${typeof key}`)
  if (key === '__proto__') unsupported(place, 'the key `__proto__`')
}

/** Keys and values of an object or Map, indexes and items of an array. */
export function entriesOf(container: Container): Iterable<[string | number, unknown]> {
  if (container instanceof Map || Array.isArray(container)) return container.entries()
  return Object.entries(container)
}

/** A deep copy that shares nothing with the original but its primitives. */
export function plainCopy(value: unknown, depth = 0): unknown {
  if (depth > depthMax) unsupported(() => 'state', `deeper than ${depthMax}`)
  if (value instanceof Map)
    return new Map(Array.from(value, ([key, item]) => [key, plainCopy(item, depth + 1)]))
  if (Array.isArray(value)) return value.map((item) => plainCopy(item, depth + 1))
  if (!isPlainObject(value)) return toLeaf(value, () => 'state')
  const copy: PlainObject = {}
  for (const [key, item] of Object.entries(value))
    if (key !== '__proto__') copy[key] = plainCopy(item, depth + 1)
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
