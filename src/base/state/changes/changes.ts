/** The changes of a turn by key path, free of node numbers, for a replay on other plain data. */
import { type Container, type PlainObject, toLeaf } from '../../codec/plain.ts'
import { ArrayNode } from '../tracked/array-node.ts'
import type { Graph } from '../tracked/graph.ts'
import type { KeyedNode } from '../tracked/keyed-node.ts'
import { TrackedNode } from '../tracked/node.ts'
import { absent, type Write } from '../tracked/writes.ts'

/** Keys from the root on; entries of a Map count like keys of an object. */
export type Path = readonly string[]

/**
 * One change. All values are plain deep copies. `before` of a key is its value at the start of
 * the turn (`undefined` when it was absent), and `read` tells whether the turn had read it, or
 * something in it, before writing. A container that was made in
 * the turn is set as it was made; what the turn then did to it follows as changes of its own.
 *
 * A change of an array that isn't at its end, or of something inside of an array, is a `splice`
 * of the outermost array, whose `before` is its whole content at the start of the turn.
 */
export type Change =
  | {
      readonly kind: 'set'
      readonly path: Path
      readonly value: unknown
      readonly before: unknown
      readonly read: boolean
      /** It was deleted before, so that it is the last key. */
      readonly isLast?: true
    }
  | {
      readonly kind: 'delete'
      readonly path: Path
      readonly before: unknown
      readonly read: boolean
    }
  | { readonly kind: 'push'; readonly path: Path; readonly values: readonly unknown[] }
  | {
      readonly kind: 'splice'
      readonly path: Path
      readonly index: number
      readonly remove: number
      readonly insert: readonly unknown[]
      readonly before: readonly unknown[]
    }

/** Between any two writes of a key lies nothing that others see, so each is told once. */
export function recordChanges(graph: Graph): Change[] {
  if (graph.changed.length === 0) return []
  const changes: Change[] = []
  collect(changes, graph.root, [], dirtyOf(graph))
  return changes
}

/**
 * Whether anything is not as it was; `recordChanges` tells nothing then, but for items of arrays
 * that were changed back. A node that was there when the turn began and that is not
 * as it was shows either in its place, or in the node that let go of it.
 */
export function hasChanges(graph: Graph): boolean {
  return graph.changed.some((node) => !isNew(node) && node.differs)
}

type Dirty = ReadonlySet<unknown>

/** The nodes that changed, and all that hold them. */
function dirtyOf(graph: Graph): Dirty {
  const dirty = new Set<TrackedNode>(graph.changed)
  for (const node of dirty) {
    if (node.parent) dirty.add(node.parent)
    for (const other of node.others ?? []) dirty.add(other)
  }
  return dirty
}

/** All of a state as plain data, which shares what did not change with what the state stands upon. */
export function outcomeOf(graph: Graph): Container {
  const dirty = dirtyOf(graph)
  const contentOf = (node: TrackedNode): Container => node.raw
  const kept = (node: TrackedNode): unknown => (dirty.has(node) ? undefined : node.source)
  return plain(graph.root, contentOf, kept) as Container
}

function collect(changes: Change[], node: TrackedNode, path: Path, dirty: Dirty): void {
  if (node instanceof ArrayNode) {
    const change = changeOfArray(node, path, dirty)
    if (change) changes.push(change)
    return
  }
  const keyed = node as KeyedNode
  for (let write = keyed.writes.first; write; write = write.next) {
    const change = changeOfKey(keyed, write, path)
    if (change) changes.push(change)
  }
  for (const key of keyed.keys()) {
    const value = keyed.at(key)
    if (!(value instanceof TrackedNode) || !dirty.has(value)) continue
    const write = keyed.writes.find(key)
    const stayed = !write || (write.before === value && !write.isReinserted)
    if (stayed || isNew(value)) collect(changes, value, [...path, key], dirty)
  }
}

function changeOfKey(
  node: KeyedNode,
  { key, before, wasRead: read, isReinserted }: Write,
  holder: Path,
): Change | undefined {
  const now = node.current(key)
  if (Object.is(now, before) && !isReinserted) return undefined
  const path = [...holder, key]
  const start = before === absent ? undefined : plain(before, atStart)
  const isLast = isReinserted && before !== absent && ({ isLast: true } as const)
  if (now !== absent)
    return { kind: 'set', path, value: asMade(now), before: start, read, ...isLast }
  return before === absent ? undefined : { kind: 'delete', path, before: start, read }
}

/** Whether it was made in this turn: what moved is set whole, as it is now. */
function isNew(node: TrackedNode): boolean {
  return node.born === node.graph.turn
}

function asMade(value: unknown): unknown {
  return plain(value, value instanceof TrackedNode && isNew(value) ? atStart : asItIs)
}

function changeOfArray(node: ArrayNode, path: Path, dirty: Dirty): Change | undefined {
  const start = node.contentAtStart()
  const { raw } = node
  const isSame = (from: number, to: number): boolean =>
    Object.is(start[from], raw[to]) && !dirty.has(raw[to])
  const shorter = Math.min(start.length, raw.length)
  let index = 0
  while (index < shorter && isSame(index, index)) index++
  let end = 0
  while (end < shorter - index && isSame(start.length - 1 - end, raw.length - 1 - end)) end++
  const remove = start.length - index - end
  const insert = raw.slice(index, raw.length - end).map((item) => plain(item, asItIs))
  if (remove === 0 && insert.length === 0) return undefined
  if (index === start.length) return { kind: 'push', path, values: insert }
  const before = start.map((item) => plain(item, atStart))
  return { kind: 'splice', path, index, remove, insert, before }
}

type ContentOf = (node: TrackedNode) => Container
const asItIs: ContentOf = (node) => node.raw
const atStart: ContentOf = (node) => node.contentAtStart()

/**
 * A plain deep copy of a value as raws hold it.
 *
 * @param kept what stands for a node instead of a copy
 */
function plain(
  value: unknown,
  contentOf: ContentOf,
  kept?: (node: TrackedNode) => unknown,
): unknown {
  if (!(value instanceof TrackedNode)) return toLeaf(value, () => 'state')
  const content = kept?.(value) ?? contentOf(value)
  if (content === value.source) return content
  if (Array.isArray(content)) return content.map((item) => plain(item, contentOf, kept))
  if (content instanceof Map)
    return new Map(Array.from(content, ([key, item]) => [key, plain(item, contentOf, kept)]))
  const copy: PlainObject = {}
  for (const key of Object.keys(content))
    copy[key] = plain((content as PlainObject)[key], contentOf, kept)
  return copy
}

/** What plain data holds at a path; `undefined` when nothing. */
export function valueAt(data: unknown, path: Path): unknown {
  let value = data
  for (const key of path) {
    if (value instanceof Map) value = value.get(key)
    else if (typeof value === 'object' && value !== null && Object.hasOwn(value, key))
      value = (value as Record<string, unknown>)[key]
    else return undefined
  }
  return value
}
