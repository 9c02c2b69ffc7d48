import { isContainer, kindOf } from '../../codec/plain.ts'
import { type Change, hasChanges, outcomeOf, recordChanges } from '../changes/changes.ts'
import { Graph } from './graph.ts'
import type { TrackedNode } from './node.ts'

/** Plain data as one turn changes it, while the data itself stays as it is. */
export interface Revision<T extends object> {
  /**
   * Looks like the data; read and mutate it as such. Costs as much as is looked at.
   *
   * @throws SojournError `STATE_UNSUPPORTED` when something is written that no state can hold
   */
  readonly state: T
  /**
   * What was changed, by key path, for a replay with `applyChanges`; it tells which of the
   * overwritten values had been read before.
   */
  changes(): readonly Change[]
  /** Whether anything is not as it is in the data. */
  isChanged(): boolean
  /** The data with all changes; what did not change is the same object as in the data. */
  outcome(): T
}

/** How the changes of a revision are watched. */
export interface RevisionOptions {
  /** Called before each write; throws to refuse it. */
  readonly guard: () => void
}

/**
 * Begins to change plain data without touching it.
 *
 * @param data as `decodeValue` gives it, or as an `outcome()` before; nobody may change it from
 * here on
 * @throws TypeError when `data` is no plain object, array or Map
 */
export function revise<T extends object>(data: T, { guard }: RevisionOptions): Revision<T> {
  if (!isContainer(data)) throw new TypeError('revise a plain object, an array or a Map')
  const begin = (graph: Graph): TrackedNode => {
    const root = graph.makeNode(kindOf(data))
    root.standUpon(data, graph.turn)
    return root
  }
  const graph = new Graph(begin, { guard, recordReads: true })
  return {
    state: graph.root.proxy as T,
    changes: () => recordChanges(graph),
    isChanged: () => hasChanges(graph),
    outcome: () => outcomeOf(graph) as T,
  }
}
