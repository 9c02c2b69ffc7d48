/** The cells of one stream of a replica, changed by its frames. */

import { malformed } from '../../codec/format.ts'
import {
  type Frame,
  NodeValue,
  type Operation,
  Reference,
  type Snapshot,
  shiftsMax,
} from '../codec/format.ts'
import { link, settle, unlink } from '../links.ts'
import { leafEqual, spliceItems } from '../values.ts'
import { Cell } from './cell.ts'

/** A key that this frame deleted: it keeps its place until the frame is sure to be taken. */
const gone = Symbol('gone')

type Keyed = Extract<Operation, { op: 'set' | 'delete' }>
type OfArray = Extract<Operation, { op: 'splice' | 'arrange' }>

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
  #undo: ((() => void) | undefined)[] = []
  readonly #touched = new Set<Cell>()
  readonly #gone: [Cell, string][] = []
  readonly #reordered = new Set<Cell>()
  readonly #arrayChanges = new Map<Cell, number>()

  /** @param before the same stream as it was seen last: what is equal keeps its identity */
  constructor(snapshot: Snapshot, before?: Table) {
    this.epoch = snapshot.epoch
    this.seq = snapshot.seq
    this.next = snapshot.next
    this.root = this.#build(snapshot.root)
    this.#settle()
    this.#undo = []
    if (before) reuseViews(this.root, before.cells)
  }

  /** Carries a frame out, or throws and leaves everything as it was. */
  apply(frame: Frame): void {
    const { next } = this
    try {
      for (const operation of frame.operations) this.#operate(operation)
      this.#settle()
    } catch (error) {
      for (const undo of this.#undo.reverse()) undo?.()
      this.next = next
      throw error
    } finally {
      this.#undo = []
      this.#touched.clear()
      this.#arrayChanges.clear()
      this.#reordered.clear()
      for (const [cell, key] of this.#gone)
        if (cell.entries.get(key) === gone) cell.entries.delete(key)
      this.#gone.length = 0
    }
    this.seq = frame.seq
    this.epoch = frame.epoch
    this.needsFreshKeys = false
    if (frame.freshKeys) this.keys = []
    for (const key of frame.newKeys) this.keys.push(key)
  }

  #settle(): void {
    const left = settle<Cell>({
      root: this.root,
      touched: this.#touched,
      childrenOf: (cell) => cell.children(),
      refuse: (cell, why) => {
        throw malformed(`Node ${cell.number}: ${why}.`)
      },
    })
    for (const cell of left) this.cells.delete(cell.number)
    for (const cell of this.#touched) correctKey(cell)
    this.#touched.clear()
  }

  #operate(operation: Operation): void {
    const { op, node } = operation
    const cell = this.cells.get(node)
    if (cell === undefined) throw malformed(`Unknown node ${node}.`)
    if ((op === 'set' || op === 'delete') === (cell.kind === 'array'))
      throw malformed(`A ${op} of node ${node}, which is an ${cell.kind}.`)
    if (op === 'set') this.#set(cell, operation)
    else if (op === 'delete') this.#delete(cell, operation)
    else this.#changeArray(cell, operation)
  }

  #set(cell: Cell, { key, value }: Keyed & { op: 'set' }): void {
    const { entries } = cell
    const before = entries.get(key)
    if (before === gone) this.#moveToEnd(cell, key)
    else if (before !== undefined || entries.has(key))
      this.#undo.push(() => entries.set(key, before))
    else this.#undo.push(() => entries.delete(key))
    const item = this.#build(value)
    this.#detach(before, cell)
    entries.set(key, item)
    this.#undo.push(cell.outdate(before === gone ? undefined : key))
    this.#attach(item, cell, key)
  }

  /** A key comes back as the last one; the order before is kept once a frame. */
  #moveToEnd(cell: Cell, key: string): void {
    const { entries } = cell
    if (!this.#reordered.has(cell)) {
      this.#reordered.add(cell)
      const all = [...entries]
      this.#undo.push(() => {
        entries.clear()
        for (const [name, item] of all) entries.set(name, item)
      })
    }
    entries.delete(key)
  }

  #delete(cell: Cell, { key }: Keyed): void {
    const { entries } = cell
    const before = entries.get(key)
    if (before === gone || !entries.has(key)) throw malformed(`Unknown key ${key}.`)
    entries.set(key, gone)
    this.#gone.push([cell, key])
    this.#undo.push(() => entries.set(key, before))
    this.#undo.push(cell.outdate())
    this.#detach(before, cell)
  }

  #changeArray(cell: Cell, operation: OfArray): void {
    const { index, remove } = operation
    const { items } = cell
    if (index + remove > items.length) throw malformed('A change behind the end.')
    const isShift = operation.op === 'arrange' || remove !== operation.insert.length
    const count = (this.#arrayChanges.get(cell) ?? 0) + (isShift ? 1 : 0)
    if (count > (operation.op === 'splice' ? shiftsMax : 1))
      throw malformed('An array changed too often.')
    this.#arrayChanges.set(cell, count)
    const removed = items.slice(index, index + remove)
    const insert =
      operation.op === 'splice'
        ? operation.insert.map((value) => this.#build(value))
        : this.#arranged(removed, operation.pieces)
    for (const item of removed) this.#detach(item, cell)
    spliceItems(items, index, remove, insert)
    this.#undo.push(() => spliceItems(items, index, insert.length, removed))
    const patch = operation.op === 'splice' ? { index, remove, insert } : undefined
    this.#undo.push(cell.outdate(patch))
    insert.forEach((item, i) => {
      this.#attach(item, cell, index + i)
    })
  }

  #arranged(
    window: readonly unknown[],
    pieces: (OfArray & { op: 'arrange' })['pieces'],
  ): unknown[] {
    const isUsed = new Uint8Array(window.length)
    return pieces.flatMap((piece) => {
      if ('values' in piece) return piece.values.map((value) => this.#build(value))
      const { start, count } = piece
      if (start < 0 || start + count > window.length) throw malformed('A run behind the end.')
      if (isUsed.subarray(start, start + count).includes(1)) throw malformed('An item twice.')
      isUsed.fill(1, start, start + count)
      return window.slice(start, start + count)
    })
  }

  /** The cell of a node value or reference; other values as they are. */
  #build(value: NodeValue): Cell
  #build(value: unknown): unknown
  #build(value: unknown): unknown {
    if (value instanceof Reference) {
      const cell = this.cells.get(value.number)
      if (cell === undefined) throw malformed(`Unknown node ${value.number}.`)
      return cell
    }
    if (!(value instanceof NodeValue)) return value
    const cell = new Cell(value.kind, this.#number(value.number))
    this.cells.set(cell.number, cell)
    this.#undo.push(() => this.cells.delete(cell.number))
    this.#touched.add(cell)
    value.values.forEach((one, i) => {
      const item = this.#build(one)
      const key = value.keys[i]
      if (key === undefined) {
        if (item === undefined) throw malformed('An array with undefined.')
        cell.items.push(item)
      } else if (cell.entries.has(key)) throw malformed(`The key ${key} twice.`)
      else cell.entries.set(key, item)
      this.#attach(item, cell, key ?? i)
    })
    return cell
  }

  #number(given: number | undefined): number {
    if (given === undefined) {
      if (!Number.isSafeInteger(this.next)) throw malformed('No number is left.')
      return this.next++
    }
    if (given < 1 || given >= this.next || this.cells.has(given))
      throw malformed(`The number ${given} is not free.`)
    return given
  }

  #attach(item: unknown, holder: Cell, key: string | number): void {
    if (!(item instanceof Cell)) return
    const { key: before } = item
    this.#touched.add(item)
    link(item, holder)
    item.key = key
    this.#undo.push(() => {
      unlink(item, holder)
      item.key = before
    })
  }

  #detach(item: unknown, holder: Cell): void {
    if (!(item instanceof Cell)) return
    this.#touched.add(item)
    unlink(item, holder)
    this.#undo.push(() => link(item, holder))
    // While it had two places it could tell changes to one of them only.
    if (item.parent) this.#undo.push(item.parent.outdate())
  }
}

/** Where a cell hung last need not be where it stayed. */
function correctKey(cell: Cell): void {
  const { parent } = cell
  if (!parent || parent.kind === 'array' || parent.entries.get(cell.key as string) === cell) return
  for (const [key, item] of parent.entries) if (item === cell) cell.key = key
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
