/** The cells of one stream of a replica, changed by its frames. */
import type { Frame, Snapshot } from '../codec/format.ts'
import { leafEqual } from '../values.ts'
import { Attempt } from './attempt.ts'
import type { Cell } from './cell.ts'

export class Table {
  readonly cells: Map<number, Cell> = new Map()
  readonly root: Cell
  epoch: number
  seq: number
  /** The number that the next new node gets. */
  next: number
  /** The dictionary; after a snapshot it is empty, and the next frame begins it anew. */
  keys: string[] = []
  needsFreshKeys = true

  /** @param before the same stream as it was seen last: what is equal keeps its identity */
  constructor(snapshot: Snapshot, before?: Table) {
    this.epoch = snapshot.epoch
    this.seq = snapshot.seq
    this.next = snapshot.next
    this.root = new Attempt(this).load(snapshot.root)
    if (before) reuseViews(this.root, before.cells)
  }

  /** Carries a frame out, or throws and leaves everything as it was. */
  apply(frame: Frame): void {
    new Attempt(this).carryOut(frame.operations)
    this.seq = frame.seq
    this.epoch = frame.epoch
    this.needsFreshKeys = false
    if (frame.freshKeys) this.keys = []
    for (const key of frame.newKeys) this.keys.push(key)
  }
}

/** Lets cells that look just like those of the same number before be the same objects again. */
function reuseViews(cell: Cell, before: ReadonlyMap<number, Cell>): void {
  for (const child of cell.children()) reuseViews(child, before)
  const old = before.get(cell.number)
  if (old?.kind === cell.kind && isSame(old.view, cell.view)) cell.reuse(old.view)
}

function isSame(left: object, right: object): boolean {
  const [lefts, rights] = [left, right].map((view) =>
    view instanceof Map ? [...view] : Object.entries(view),
  ) as [[string, unknown][], [string, unknown][]]
  return (
    lefts.length === rights.length &&
    lefts.every(([key, item], i) => {
      const [otherKey, other] = rights[i] as [string, unknown]
      return key === otherKey && leafEqual(item, other)
    })
  )
}
