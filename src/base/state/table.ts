/** The numbered nodes of a replica, their content, and the immutable views of them. */
import {
  type Frame,
  malformed,
  type NodeKind,
  NodeValue,
  type Operation,
  Reference,
  type Snapshot,
} from './format.ts'
import { type Linked, settle, unlink } from './links.ts'
import { type PlainObject, spliceItems } from './values.ts'

/** A node: its items are values or other cells. */
export class Cell implements Linked<Cell> {
  number: number
  depth = 0
  readonly parents: Cell[] = []
  readonly kind: NodeKind
  /** Content of an object or Map; empty for arrays. */
  readonly entries: Map<string, unknown> = new Map()
  /** Content of an array; empty for others. */
  readonly items: unknown[] = []
  /** What users see; absent after a change of this cell or of one inside. */
  view: object | undefined

  constructor(kind: NodeKind, number: number) {
    this.kind = kind
    this.number = number
  }
}

export class Table {
  readonly cells: Map<number, Cell> = new Map()
  readonly root: Cell
  next: number
  #undo: (() => void)[] = []
  readonly #touched = new Set<Cell>()
  readonly #opened = new Set<Cell>()

  constructor(snapshot: Snapshot) {
    this.next = snapshot.next
    this.root = this.#build(snapshot.root)
    this.#settle()
    this.#undo = []
  }

  /** Carries a frame out, or throws and leaves everything as it was. */
  apply(frame: Frame): void {
    const { next } = this
    try {
      for (const operation of frame.operations) this.#operate(operation)
      this.#settle()
    } catch (error) {
      for (const undo of this.#undo.reverse()) undo()
      this.next = next
      throw error
    } finally {
      this.#undo = []
      this.#touched.clear()
      this.#opened.clear()
    }
  }

  #settle(): void {
    const numbers = settle<Cell>({
      root: this.root,
      touched: this.#touched,
      childrenOf,
      refuse: (cell, why) => {
        throw malformed(`Node ${cell.number}: ${why}.`)
      },
    })
    for (const number of numbers) this.cells.delete(number)
    this.#touched.clear()
  }

  #operate(operation: Operation): void {
    const cell = this.cells.get(operation.node)
    if (cell === undefined) throw malformed(`Unknown node ${operation.node}.`)
    if ((operation.op === 'splice') !== (cell.kind === 'array'))
      throw malformed(`A ${operation.op} of node ${operation.node}, which is an ${cell.kind}.`)
    this.#open(cell)
    if (operation.op === 'splice') this.#splice(cell, operation)
    else this.#set(cell, operation)
  }

  #set(cell: Cell, operation: Exclude<Operation, { op: 'splice' }>): void {
    const { entries } = cell
    const { key } = operation
    this.#detach(entries.get(key), cell)
    if (operation.op === 'set') {
      const value = this.#build(operation.value)
      entries.set(key, value)
      this.#attach(value, cell)
    } else if (!entries.delete(key)) throw malformed(`Unknown key ${key}.`)
  }

  #splice(cell: Cell, operation: Extract<Operation, { op: 'splice' }>): void {
    const { items } = cell
    const { index, remove } = operation
    if (index + remove > items.length) throw malformed('A splice behind the end.')
    for (const item of items.slice(index, index + remove)) this.#detach(item, cell)
    const insert = operation.insert.map((value) => this.#build(value))
    if (insert.includes(undefined)) throw malformed('An array with undefined.')
    spliceItems(items, index, remove, insert)
    for (const item of insert) this.#attach(item, cell)
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
      if (key === undefined && item === undefined) throw malformed('An array with undefined.')
      if (key === undefined) cell.items.push(item)
      else if (cell.entries.has(key)) throw malformed(`The key ${key} twice.`)
      else cell.entries.set(key, item)
      this.#attach(item, cell)
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

  #attach(item: unknown, holder: Cell): void {
    if (!(item instanceof Cell)) return
    this.#touched.add(item)
    item.parents.push(holder)
    this.#undo.push(() => unlink(item, holder))
  }

  #detach(item: unknown, holder: Cell): void {
    if (!(item instanceof Cell)) return
    this.#touched.add(item)
    unlink(item, holder)
    this.#undo.push(() => item.parents.push(holder))
  }

  /** Keeps the content for the case that the frame fails; a new view copies as much anyway. */
  #open(cell: Cell): void {
    this.#unsee(cell)
    if (this.#opened.has(cell)) return
    this.#opened.add(cell)
    const { entries, items } = cell
    const content = cell.kind === 'array' ? [...items] : [...entries]
    this.#undo.push(() => {
      entries.clear()
      if (cell.kind === 'array') spliceItems(items, 0, items.length, content)
      else for (const [key, item] of content as [string, unknown][]) entries.set(key, item)
    })
  }

  /** Forgets the views that show this cell: where one is absent, so are all around it. */
  #unsee(cell: Cell): void {
    const { view } = cell
    if (view === undefined) return
    cell.view = undefined
    this.#undo.push(() => {
      cell.view = view
    })
    for (const parent of cell.parents) this.#unsee(parent)
  }
}

function childrenOf(cell: Cell): Cell[] {
  const items = cell.kind === 'array' ? cell.items : [...cell.entries.values()]
  return items.filter((item) => item instanceof Cell)
}

/** The immutable plain form of a value; that of an unchanged cell is the same object again. */
export function viewOf(item: unknown): unknown {
  if (!(item instanceof Cell)) return item
  item.view ??= buildView(item)
  return item.view
}

function buildView(cell: Cell): object {
  if (cell.kind === 'array') return cell.items.map(viewOf)
  if (cell.kind === 'map')
    return new Map(Array.from(cell.entries, ([key, item]) => [key, viewOf(item)]))
  const view: PlainObject = {}
  for (const [key, item] of cell.entries) view[key] = viewOf(item)
  return view
}
