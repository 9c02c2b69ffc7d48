/** One frame, or snapshot, on its way into the cells of a stream. */
import { malformed } from '../../codec/format.ts'
import { NodeValue, type Operation, Reference, shiftsMax } from '../codec/format.ts'
import { link, settle, unlink } from '../links.ts'
import { spliceItems } from '../values.ts'
import { Cell } from './cell.ts'
import { addStep, type Step, type UndoLog, undoAll } from './undo.ts'

/** A key that this frame deleted: it keeps its place until the frame is sure to be taken. */
const gone = Symbol('gone')
/** Stands for a key that wasn't there. */
const absent = Symbol('absent')

type Keyed = Extract<Operation, { op: 'set' | 'delete' }>
type OfArray = Extract<Operation, { op: 'splice' | 'arrange' }>

/** What an attempt changes: the cells by their numbers, and the number that the next one gets. */
interface Target {
  readonly cells: Map<number, Cell>
  next: number
}

/**
 * It lives as long as its frame. What most frames don't need is made when the first operation
 * needs it: garbage of the next moment costs next to nothing, what outlives it does.
 */
export class Attempt {
  readonly #target: Target
  readonly #undo: UndoLog = { last: undefined }
  /** Cells that were made, attached or detached. */
  #touched: Set<Cell> | undefined
  #gone: [Cell, string][] | undefined
  #reordered: Set<Cell> | undefined
  #arrayChanges: Map<Cell, number> | undefined

  constructor(target: Target) {
    this.#target = target
  }

  /** The root of a snapshot, whose target has no cells yet. */
  load(root: NodeValue): Cell {
    const cell = this.#build(root)
    this.#settle()
    return cell
  }

  /** Carries operations out, or throws and leaves everything as it was. */
  carryOut(operations: readonly Operation[]): void {
    const { next } = this.#target
    try {
      for (const operation of operations) this.#operate(operation)
      this.#settle()
    } catch (error) {
      undoAll(this.#undo)
      this.#target.next = next
      throw error
    } finally {
      for (const [cell, key] of this.#gone ?? [])
        if (cell.entries.get(key) === gone) cell.entries.delete(key)
    }
  }

  #settle(): void {
    const touched = this.#touched
    if (touched === undefined) return
    const { cells } = this.#target
    const left = settle<Cell>({
      root: cells.get(1) as Cell,
      touched,
      childrenOf: (cell) => cell.children(),
      refuse: (cell, why) => {
        throw malformed(`Node ${cell.number}: ${why}.`)
      },
    })
    for (const cell of left) cells.delete(cell.number)
    for (const cell of touched) correctKey(cell)
  }

  #touch(cell: Cell): void {
    this.#touched ??= new Set()
    this.#touched.add(cell)
  }

  #operate(operation: Operation): void {
    const { op, node } = operation
    const cell = this.#target.cells.get(node)
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
    else {
      const isNew = before === undefined && !entries.has(key)
      this.#noteEntry(cell, key, isNew ? absent : before)
    }
    const item = this.#build(value)
    if (before instanceof Cell) this.#detach(before, cell)
    entries.set(key, item)
    cell.outdate(this.#undo, before === gone ? undefined : key)
    if (item instanceof Cell) this.#attach(item, cell, key)
  }

  #noteEntry(cell: Cell, key: string, before: unknown): void {
    const undo = this.#undo
    const step: EntryStep = { previous: undo.last, cell, key, before, undo: restoreEntry }
    undo.last = step
  }

  /** A key comes back as the last one; the order before is kept once a frame. */
  #moveToEnd(cell: Cell, key: string): void {
    const { entries } = cell
    this.#reordered ??= new Set()
    if (!this.#reordered.has(cell)) {
      this.#reordered.add(cell)
      const all = [...entries]
      addStep(this.#undo, () => {
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
    this.#gone ??= []
    this.#gone.push([cell, key])
    this.#noteEntry(cell, key, before)
    cell.outdate(this.#undo)
    if (before instanceof Cell) this.#detach(before, cell)
  }

  #changeArray(cell: Cell, operation: OfArray): void {
    const { index, remove } = operation
    const { items } = cell
    if (index + remove > items.length) throw malformed('A change behind the end.')
    const isShift = operation.op === 'arrange' || remove !== operation.insert.length
    this.#arrayChanges ??= new Map()
    const count = (this.#arrayChanges.get(cell) ?? 0) + (isShift ? 1 : 0)
    if (count > (operation.op === 'splice' ? shiftsMax : 1))
      throw malformed('An array changed too often.')
    this.#arrayChanges.set(cell, count)
    const removed = items.slice(index, index + remove)
    const insert =
      operation.op === 'splice'
        ? operation.insert.map((value) => this.#build(value))
        : this.#arranged(removed, operation.pieces)
    for (const item of removed) if (item instanceof Cell) this.#detach(item, cell)
    spliceItems(items, index, remove, insert)
    addStep(this.#undo, () => spliceItems(items, index, insert.length, removed))
    const patch = operation.op === 'splice' ? { index, remove, insert } : undefined
    cell.outdate(this.#undo, patch)
    insert.forEach((item, i) => {
      if (item instanceof Cell) this.#attach(item, cell, index + i)
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
      const cell = this.#target.cells.get(value.number)
      if (cell === undefined) throw malformed(`Unknown node ${value.number}.`)
      return cell
    }
    if (!(value instanceof NodeValue)) return value
    const cell = new Cell(value.kind, this.#number(value.number))
    this.#target.cells.set(cell.number, cell)
    addStep(this.#undo, () => this.#target.cells.delete(cell.number))
    this.#touch(cell)
    value.values.forEach((one, i) => {
      const item = this.#build(one)
      const key = value.keys[i]
      if (key === undefined) {
        if (item === undefined) throw malformed('An array with undefined.')
        cell.items.push(item)
      } else if (cell.entries.has(key)) throw malformed(`The key ${key} twice.`)
      else cell.entries.set(key, item)
      if (item instanceof Cell) this.#attach(item, cell, key ?? i)
    })
    return cell
  }

  #number(given: number | undefined): number {
    const target = this.#target
    if (given === undefined) {
      if (!Number.isSafeInteger(target.next)) throw malformed('No number is left.')
      return target.next++
    }
    if (given < 1 || given >= target.next || target.cells.has(given))
      throw malformed(`The number ${given} is not free.`)
    return given
  }

  #attach(item: Cell, holder: Cell, key: string | number): void {
    const { key: before } = item
    this.#touch(item)
    link(item, holder)
    item.key = key
    addStep(this.#undo, () => {
      unlink(item, holder)
      item.key = before
    })
  }

  #detach(item: Cell, holder: Cell): void {
    this.#touch(item)
    unlink(item, holder)
    addStep(this.#undo, () => link(item, holder))
    // While it had two places it could tell changes to one of them only.
    item.parent?.outdate(this.#undo)
  }
}

/** An entry was set or marked as gone. */
interface EntryStep extends Step {
  readonly cell: Cell
  readonly key: string
  readonly before: unknown
}

function restoreEntry(this: EntryStep): void {
  const { entries } = this.cell
  if (this.before === absent) entries.delete(this.key)
  else entries.set(this.key, this.before)
}

/** Where a cell hung last need not be where it stayed. */
function correctKey(cell: Cell): void {
  const { parent } = cell
  if (!parent || parent.kind === 'array' || parent.entries.get(cell.key as string) === cell) return
  for (const [key, item] of parent.entries) if (item === cell) cell.key = key
}
