/** The changes of a turn by key path, free of node numbers, for a replay on other plain data. */
import type { Graph } from './graph.ts'
import type { Step, TrackedNode } from './steps.ts'
import { entriesOf, plainCopy } from './values.ts'

/** Keys from the root on; entries of a Map count like keys of an object. */
export type Path = readonly string[]

/**
 * One change. All values are plain deep copies. `before` of a key is its value at the start of
 * the turn (`undefined` when it was absent), and `read` tells whether the turn had read it, or
 * something in it, before writing; known only with `recordReads`.
 *
 * A change of an array that isn't at its end, or of something inside of an array, is a `splice`
 * of the outermost array, whose `before` is its whole content just before this change.
 */
export type Change =
  | {
      readonly kind: 'set'
      readonly path: Path
      readonly value: unknown
      readonly before: unknown
      readonly read: boolean
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

/**
 * Plays the turn back and forth: paths and contents of a change are those of its moment, and
 * keeping them with every write would burden all who never ask.
 */
export function recordChanges(graph: Graph): Change[] {
  const { steps, player, root } = graph
  for (const step of [...steps].reverse()) player.backwards(step)
  let played = 0
  try {
    const start = plainCopy(root.raw)
    return steps.flatMap((step) => {
      const finish = step.kind === 'adopt' ? [] : recordersOf(graph, step, start)
      player.forwards(step)
      played += 1
      return finish.map((record) => record())
    })
  } finally {
    for (const step of steps.slice(played)) player.forwards(step)
  }
}

type SpliceStep = Extract<Step, { kind: 'splice' }>
type KeyedStep = Extract<Step, { kind: 'set' | 'delete' }>

/** Where the outermost array around a change is, and which of its items hold the change. */
interface ArrayPlace {
  readonly path: Path
  readonly raw: readonly unknown[]
  /** Empty when the change is of the array itself. */
  readonly items: readonly number[]
}

interface Place {
  readonly path: Path
  readonly array: ArrayPlace | undefined
}

/** What to do before a step; the functions given give the changes after it. */
function recordersOf(graph: Graph, step: KeyedStep | SpliceStep, start: unknown): (() => Change)[] {
  const arrays = new Map<string, ArrayPlace>()
  const recorders: (() => Change)[] = []
  for (const { path, array } of placesOf(graph, step.node)) {
    if (array === undefined) {
      recorders.push(recordAtKey(step as KeyedStep, path, start))
      continue
    }
    const name = JSON.stringify(array.path)
    const items = [...(arrays.get(name)?.items ?? []), ...array.items]
    arrays.set(name, { ...array, items })
  }
  for (const array of arrays.values())
    recorders.push(
      array.items.length > 0 ? recordInItems(array) : recordSplice(step as SpliceStep, array),
    )
  return recorders
}

/** All places of a node: none while it is detached, several amid a move. */
function placesOf(graph: Graph, node: TrackedNode): Place[] {
  const own = (path: Path): ArrayPlace | undefined =>
    Array.isArray(node.raw) ? { path, raw: node.raw, items: [] } : undefined
  if (node === graph.root) return [{ path: [], array: own([]) }]
  return [...new Set(node.parents)].flatMap((parent) => {
    const keys = Array.from(entriesOf(parent.raw)).filter(([, item]) => item === node.raw)
    return placesOf(graph, parent).flatMap(({ path, array }) =>
      keys.map(([key]): Place => {
        const items = array?.items.length ? array.items : [Number(key)]
        if (array) return { path, array: { ...array, items } }
        const inner = [...path, String(key)]
        return { path: inner, array: own(inner) }
      }),
    )
  })
}

function recordAtKey(step: KeyedStep, holder: Path, start: unknown): () => Change {
  const path = [...holder, step.key]
  const before = valueAt(start, path)
  const { kind, read } = step
  return () =>
    kind === 'delete'
      ? { kind, path, before, read }
      : { kind, path, value: plainCopy(step.after), before, read }
}

function recordSplice(step: SpliceStep, { path, raw }: ArrayPlace): () => Change {
  const { index, removed, inserted } = step
  const before = plainCopy(raw) as unknown[]
  return () => {
    const insert = inserted.map((item) => plainCopy(item))
    return index === before.length
      ? { kind: 'push', path, values: insert }
      : { kind: 'splice', path, index, remove: removed.length, insert, before }
  }
}

function recordInItems({ path, raw, items }: ArrayPlace): () => Change {
  const before = plainCopy(raw) as unknown[]
  const index = Math.min(...items)
  const end = Math.max(...items) + 1
  return () => {
    const insert = raw.slice(index, end).map((item) => plainCopy(item))
    return { kind: 'splice', path, index, remove: end - index, insert, before }
  }
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
