import { type Change, recordChanges } from './changes.ts'
import { decodeBytes, encodeBytes } from './codec.ts'
import { malformed, marker, nodeKinds } from './format.ts'
import { Graph, kindOf, sizeOf } from './graph.ts'
import { createAccess } from './proxies.ts'
import { toItem } from './scalars.ts'
import type { TrackedNode } from './steps.ts'
import { Cell, Table } from './table.ts'
import { type Container, entriesOf, isContainer } from './values.ts'

/** How a tracker watches its state. */
export interface TrackOptions {
  /** Called before each write; throws to refuse it. Default: every write is welcome. */
  readonly guard?: () => void
  /** Whether `changes()` tells which overwritten values were read before. Default: false. */
  readonly recordReads?: boolean
}

/** A state whose changes are recorded. */
export interface Tracked<T extends object> {
  /**
   * The state: read and mutate it like the plain object that it looks like. What is written is
   * copied in. Reads of Date and Uint8Array give the stored value, to be replaced, never changed.
   *
   * @throws SojournError `STATE_UNSUPPORTED` when something is written that no state can hold
   */
  readonly state: T
  /** The seq of the last frame; 0 before the first. */
  readonly seq: number
  /**
   * One frame with all changes since the last flush; `undefined` when there are none.
   *
   * @throws SojournError `STATE_UNSUPPORTED` when an object has two places, or is deeper than 128;
   * nothing is flushed then, and `rollback()` is a way out
   */
  flush(): Uint8Array | undefined
  /**
   * The whole state at `seq`; the same bytes until the next frame.
   *
   * @throws RangeError when there are changes that were not flushed
   */
  snapshot(): Uint8Array
  /** Forgets all changes since the last flush; costs as much as the changes did. */
  rollback(): void
  /** The changes since the last flush in order, by key path, for a replay with `applyChanges`. */
  changes(): readonly Change[]
}

/**
 * Starts to track a copy of `initial`, a plain object, array or Map.
 *
 * @throws TypeError when `initial` is none of them
 * @throws SojournError `STATE_UNSUPPORTED` when it holds something that no state can hold
 */
export function track<T extends object>(initial: T, options: TrackOptions = {}): Tracked<T> {
  if (!isContainer(initial)) throw new TypeError('track a plain object, an array or a Map')
  const graph = new Graph((fresh) => {
    const raw = fresh.copyIn(initial, () => 'state')
    const root = fresh.nodeOf(raw) as TrackedNode
    fresh.adoptRoot(root)
    return root
  }, options)
  return createTracked(graph, 0)
}

/**
 * The tracker as it was after `snapshot` and `frames`, with the same node numbers: the frames it
 * makes fit replicas that saw the earlier ones. Frames that the snapshot contains are skipped.
 *
 * @throws SojournError `FRAME_MALFORMED`, also when a frame is missing
 */
export function restore<T extends object>(
  snapshot: Uint8Array,
  frames: Iterable<Uint8Array>,
  options: TrackOptions = {},
): Tracked<T> {
  const first = decodeBytes(snapshot)
  if (first.kind !== 'snapshot') throw malformed('A frame in place of the snapshot.')
  const table = new Table(first)
  let { seq } = first
  for (const bytes of frames) {
    const frame = decodeBytes(bytes)
    if (frame.kind !== 'frame') throw malformed('A snapshot in place of a frame.')
    if (frame.seq <= seq) continue
    if (frame.seq !== seq + 1) throw malformed(`Frame ${seq + 1} is missing.`)
    table.apply(frame)
    seq = frame.seq
  }
  const graph = new Graph((fresh) => {
    fresh.next = table.next
    return thaw(fresh, table.root)
  }, options)
  return createTracked(graph, seq)
}

/** The tracked node of a replica's cell, under the same number. */
function thaw(graph: Graph, cell: Cell): TrackedNode {
  const inside = (item: unknown): unknown => {
    if (!(item instanceof Cell)) return item
    const child = thaw(graph, item)
    children.push(child)
    return child.raw
  }
  const children: TrackedNode[] = []
  const entries = Array.from(cell.entries, ([key, item]) => [key, inside(item)] as const)
  const raws: Record<typeof cell.kind, () => Container> = {
    object: () => Object.fromEntries(entries),
    array: () => cell.items.map(inside),
    map: () => new Map(entries),
  }
  const node = graph.addNode(raws[cell.kind]())
  node.number = cell.number
  node.depth = cell.depth
  for (const child of children) child.parents.push(node)
  return node
}

function createTracked<T extends object>(graph: Graph, seqAtStart: number): Tracked<T> {
  const state = createAccess(graph).wrap(graph.root.raw) as T
  let seq = seqAtStart
  let kept: Uint8Array | undefined
  return {
    state,
    get seq() {
      return seq
    },
    flush() {
      const items = graph.settle()
      if (items === undefined) return undefined
      kept = undefined
      seq += 1
      return encodeBytes('frame', seq, items)
    },
    snapshot() {
      if (graph.isChanged) throw new RangeError('flush() or rollback() before snapshot()')
      kept ??= encodeBytes('snapshot', seq, snapshotItems(graph))
      return kept
    },
    rollback: () => graph.rollback(),
    changes: () => recordChanges(graph),
  }
}

function snapshotItems(graph: Graph): unknown[] {
  const items: unknown[] = [graph.next]
  const visit = (value: unknown): void => {
    const node = graph.nodeOf(value)
    if (node === undefined) {
      items.push(toItem(value))
      return
    }
    const { raw, number } = node
    items.push(marker, nodeKinds.indexOf(kindOf(raw)), number, sizeOf(raw))
    for (const [key, item] of entriesOf(raw)) {
      if (typeof key === 'string') items.push(toItem(key))
      visit(item)
    }
  }
  visit(graph.root.raw)
  return items
}
