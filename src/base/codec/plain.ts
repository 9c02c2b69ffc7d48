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

/** Refuses containers with more than their entries. */
export function checkShape(container: Container, place: Place): void {
  if (Object.getOwnPropertySymbols(container).length > 0) unsupported(place, 'a symbol as a key')
  if (Array.isArray(container) && Object.keys(container).length !== container.length)
    unsupported(place, 'an array with holes or keys of its own')
}

/** Refuses keys that no plain data has. */
export function checkKey(key: unknown, place: Place): asserts key is string {
  if (typeof key !== 'string') unsupported(place, `a key that is a ${typeof key}`)
  if (key === '__proto__') unsupported(place, 'the key `__proto__`')
}
