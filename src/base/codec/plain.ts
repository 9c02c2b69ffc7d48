/** What plain data is: what a state, a message or a session may hold, and how a place is named. */
import { SojournError } from '../core/errors.ts'
import type { ContainerKind } from './format.ts'

export type PlainObject = Record<string, unknown>
/** What holds values; everything else is one. */
export type Container = PlainObject | unknown[] | Map<string, unknown>

/** Where something is: how to name it is decided only when an error needs it. */
export type Place = () => string

export function unsupported(place: Place, why: string): never {
  throw new SojournError('STATE_UNSUPPORTED', `${place()}: ${why}.`)
}

/** `.key`, `["odd key"]`, `[3]` or `.get("key")`, after the kind of the container. */
export function stepName(kind: ContainerKind, key: string | number): string {
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

/** True for what may hold values: no subclass of Array or Map, since its class would be lost. */
export function isContainer(value: unknown): value is Container {
  // The prototype of arrays is an array itself, in every realm; that of a subclass is not.
  if (Array.isArray(value)) return Array.isArray(Object.getPrototypeOf(value))
  if (value instanceof Map) return Object.getPrototypeOf(value) === Map.prototype
  return isPlainObject(value)
}

export function kindOf(container: Container): ContainerKind {
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

/** Keys and values of an object or Map, indexes and items of an array. */
export function entriesOf(container: Container): Iterable<[string | number, unknown]> {
  if (container instanceof Map || Array.isArray(container)) return container.entries()
  return Object.entries(container)
}

/** Whether plain data may hold this value, which is no object. */
export function isSingle(value: unknown): boolean {
  const type = typeof value
  return type === 'string' || type === 'number' || type === 'boolean' || value == null
}

/** Whether a container has nothing but its entries. */
export function hasPlainShape(container: Container): boolean {
  if (Object.getOwnPropertySymbols(container).length > 0) return false
  return !Array.isArray(container) || Object.keys(container).length === container.length
}

/** Refuses containers with more than their entries. */
export function checkShape(container: Container, place: Place): void {
  if (hasPlainShape(container)) return
  if (Array.isArray(container)) unsupported(place, 'an array with holes or keys of its own')
  unsupported(place, 'a symbol as a key')
}

export function isPlainKey(key: unknown): key is string {
  return typeof key === 'string' && key !== '__proto__'
}

/** Refuses keys that no plain data has. */
export function checkKey(key: unknown, place: Place): asserts key is string {
  if (isPlainKey(key)) return
  if (typeof key === 'string') unsupported(place, 'the key `__proto__`')
  unsupported(place, `a key that is a ${typeof key}`)
}
