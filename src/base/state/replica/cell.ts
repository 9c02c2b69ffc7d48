/** A node of a replica: its content, and the immutable view that users see of it. */
import type { ContainerKind } from '../../codec/format.ts'
import type { PlainObject } from '../../codec/plain.ts'
import type { Linked } from '../links.ts'
import { splicedItems } from '../values.ts'
import type { Step, UndoLog } from './undo.ts'

/** After more changes than this, a view is made anew. */
const patchesMax = 64

/**
 * An object with more keys is made of its entries at once: engines keep such a one cheap to copy,
 * but not one that grew key by key.
 */
const grownKeysMax = 12

/** Part of an array that gave way to other items. */
export interface ItemsPatch {
  readonly index: number
  readonly remove: number
  readonly insert: readonly unknown[]
}

/** What a view no longer shows: a key, items of an array, or a cell inside that changed. */
export type Patch = string | ItemsPatch | Cell

/** The patches of a view: the last one, and those before it. */
interface Patches {
  readonly last: Patch
  readonly before: Patches | undefined
  readonly count: number
}

function inOrder(patches: Patches): Patch[] {
  const found: Patch[] = [patches.last]
  for (let one = patches.before; one; one = one.before) found.push(one.last)
  return found.reverse()
}

/** What a cell of the other kind shares: nothing is ever put in. */
const noEntries: Map<string, unknown> = new Map()
const noItems: unknown[] = []
const noCells: readonly Cell[] = []

export class Cell implements Linked<Cell> {
  readonly kind: ContainerKind
  readonly number: number
  depth = 0
  joined = true
  parent: Cell | undefined
  others: Cell[] | undefined
  /** Content of an object or Map: single values and cells; empty for arrays. */
  readonly entries: Map<string, unknown>
  /** Content of an array; empty for others. */
  readonly items: unknown[]
  /** Where it hangs: a key, or an index, which may have moved on since. */
  key: string | number = 0
  #view: object | undefined
  #patches: Patches | undefined

  constructor(kind: ContainerKind, number: number) {
    this.kind = kind
    this.number = number
    this.entries = kind === 'array' ? noEntries : new Map()
    this.items = kind === 'array' ? [] : noItems
  }

  children(): readonly Cell[] {
    let found: Cell[] | undefined
    for (const item of this.kind === 'array' ? this.items : this.entries.values()) {
      if (!(item instanceof Cell)) continue
      if (found) found.push(item)
      else found = [item]
    }
    return found ?? noCells
  }

  /**
   * Notes that something changed. Without a patch the view is made anew, as it must be where
   * keys left: they may come back as the last ones before anybody looks. Where a view is
   * outdated, so are all around it.
   */
  outdate(log: UndoLog, patch?: Patch): void {
    const view = this.#view
    const patches = this.#patches
    if (view === undefined) return
    const step: ViewStep = { previous: log.last, cell: this, view, patches, undo: restoreView }
    log.last = step
    const count = patches ? patches.count : 0
    if (patch === undefined || count >= patchesMax) this.#view = undefined
    else this.#patches = { last: patch, before: patches, count: count + 1 }
    if (patches === undefined) this.#outdateAround(log)
  }

  #outdateAround(log: UndoLog): void {
    const { parent, others } = this
    // While it has several places it knows the key of one of them only.
    if (others) for (const holder of [parent, ...others]) holder?.outdate(log)
    else parent?.outdate(log, parent.kind === 'array' ? this : (this.key as string))
  }

  /** Takes back that it is outdated. */
  restoreView(view: object, patches: Patches | undefined): void {
    this.#view = view
    this.#patches = patches
  }

  /** The immutable plain form; as long as nothing inside changes it is the same object. */
  get view(): object {
    const patches = this.#patches
    this.#patches = undefined
    if (this.#view === undefined) this.#view = this.#make()
    else if (patches) this.#view = this.#patched(this.#view, inOrder(patches))
    return this.#view
  }

  /** Shows an object that users know already, and that looks just like this. */
  reuse(view: object): void {
    this.#view = view
  }

  #make(): object {
    if (this.kind === 'array') {
      // Not by map(): engines take its result for one with holes, and copy such a one slowly.
      const view: unknown[] = []
      for (const item of this.items) view.push(viewOf(item))
      return view
    }
    if (this.kind === 'object' && this.entries.size <= grownKeysMax) {
      const view: PlainObject = {}
      for (const [key, item] of this.entries) view[key] = viewOf(item)
      return view
    }
    const shown = Array.from(this.entries, ([key, item]) => [key, viewOf(item)] as const)
    return this.kind === 'map' ? new Map(shown) : Object.fromEntries(shown)
  }

  #patched(view: object, patches: Patch[]): object {
    if (this.kind === 'array')
      return this.#patchedArray(view as unknown[], patches as (ItemsPatch | Cell)[])
    const copy = view instanceof Map ? new Map(view) : { ...(view as PlainObject) }
    for (const key of patches as string[]) {
      const item = viewOf(this.entries.get(key))
      if (copy instanceof Map) copy.set(key, item)
      else copy[key] = item
    }
    return copy
  }

  #patchedArray(view: readonly unknown[], patches: (ItemsPatch | Cell)[]): unknown[] {
    let spliced = view
    const cells: Cell[] = []
    for (const patch of patches) {
      if (patch instanceof Cell) cells.push(patch)
      else {
        spliced = splicedItems(spliced, patch.index, patch.remove, patch.insert)
        for (const item of patch.insert) if (item instanceof Cell) cells.push(item)
      }
    }
    // Of all ways to copy an array, engines have this one in the fewest steps.
    const copy = spliced === view ? view.concat() : (spliced as unknown[])
    for (const cell of cells) {
      const index = this.items[cell.key as number] === cell ? cell.key : this.items.indexOf(cell)
      // It may have left again, and then another patch says so.
      if ((index as number) >= 0) copy[index as number] = cell.view
    }
    return copy
  }
}

/** A view was outdated, by one patch more or altogether. */
interface ViewStep extends Step {
  readonly cell: Cell
  readonly view: object
  readonly patches: Patches | undefined
}

function restoreView(this: ViewStep): void {
  this.cell.restoreView(this.view, this.patches)
}

/** What users see of an item. */
export function viewOf(item: unknown): unknown {
  return item instanceof Cell ? item.view : item
}
