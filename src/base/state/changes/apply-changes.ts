import { isPlainObject } from '../../codec/plain.ts'
import { SojournError } from '../../core/errors.ts'
import type { KeyedContainer } from '../tracked/keyed-node.ts'
import { deepEqual, plainCopy, spliceItems } from '../values.ts'
import { type Change, type Path, valueAt } from './changes.ts'

type KeyedChange = Extract<Change, { kind: 'set' | 'delete' }>

/**
 * Replays changes on another plain version of the data, which stays as it is.
 *
 * Keys that were written without being read are overwritten, and pushes append. A plain object
 * that the turn created where none was merges with one that somebody else created meanwhile, and
 * an empty array that it created leaves the other in place.
 *
 * @returns the version with the changes, which shares nothing with either
 * @throws SojournError `SESSION_CONFLICT` when a value that the turn had read, an array that it
 * changed by position, or the container of a change is no longer the same
 */
export function applyChanges<T extends object>(data: T, changes: readonly Change[]): T {
  const target = plainCopy(data) as T
  const replay: Replay = { target, newest: data, own: new Set(), merged: new Set() }
  for (const change of changes) {
    if (change.kind === 'push') {
      for (const item of change.values) arrayAt(target, change.path).push(plainCopy(item))
    } else if (change.kind === 'splice') {
      const array = arrayAt(target, change.path)
      if (!deepEqual(array, change.before)) conflict(change.path, 'the array changed')
      const insert = change.insert.map((item) => plainCopy(item))
      spliceItems(array, change.index, change.remove, insert)
    } else applyToKey(replay, change)
  }
  return target
}

interface Replay {
  readonly target: object
  /** The version as it is: reads are compared with it, not with what earlier changes made. */
  readonly newest: unknown
  /** Paths that an earlier change wrote: what is there, and inside, is of this turn. */
  readonly own: Set<string>
  /** Paths where a container of this turn went into one of somebody else. */
  readonly merged: Set<string>
}

function applyToKey({ target, newest, own, merged }: Replay, change: KeyedChange): void {
  const { path, before, read } = change
  const key = path.at(-1) as string
  const container = containerAt(target, path.slice(0, -1))
  const name = JSON.stringify(path)
  if (!path.some((_, i) => own.has(JSON.stringify(path.slice(0, i + 1))))) {
    if (merged.has(name)) conflict(path, 'somebody else created it')
    const current = readKey(container, key)
    if (change.kind === 'set' && before === undefined && ensures(current, change.value)) {
      merge(current, change.value, path, read)
      merged.add(name)
      return
    }
    if (read && !deepEqual(valueAt(newest, path), before)) conflict(path, 'the value was read')
  }
  own.add(name)
  if (change.kind === 'delete' || change.isLast) drop(container, key)
  if (change.kind === 'set') put(container, key, plainCopy(change.value))
}

function conflict(path: Path, why: string): never {
  throw new SojournError('SESSION_CONFLICT', `${['data', ...path].join('.')}: ${why}.`)
}

function containerAt(target: unknown, path: Path): KeyedContainer {
  const container = valueAt(target, path)
  if (container instanceof Map || isPlainObject(container)) return container
  return conflict(path, 'the object is gone')
}

function arrayAt(target: unknown, path: Path): unknown[] {
  const array = valueAt(target, path)
  return Array.isArray(array) ? array : conflict(path, 'the array is gone')
}

/** Whether the new value only made sure that there is a container, and there is one. */
function ensures(current: unknown, value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0 && Array.isArray(current)
  if (value instanceof Map) return current instanceof Map
  return isPlainObject(value) && isPlainObject(current)
}

function merge(current: unknown, value: unknown, path: Path, read: boolean): void {
  if (Array.isArray(value)) return
  const into = current as KeyedContainer
  const entries = value instanceof Map ? value : Object.entries(value as object)
  for (const [key, item] of entries) {
    const inner = [...path, key]
    const other = readKey(into, key)
    if (ensures(other, item)) merge(other, item, inner, read)
    else if (read && !deepEqual(other, item)) conflict(inner, 'somebody else created it')
    else put(into, key, plainCopy(item))
  }
}

function drop(container: KeyedContainer, key: string): void {
  if (container instanceof Map) container.delete(key)
  else delete container[key]
}

function put(container: KeyedContainer, key: string, value: unknown): void {
  if (container instanceof Map) container.set(key, value)
  else
    Object.defineProperty(container, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    })
}

function readKey(container: KeyedContainer, key: string): unknown {
  if (container instanceof Map) return container.get(key)
  return Object.hasOwn(container, key) ? container[key] : undefined
}
