/**
 * The state as numbered nodes, the steps since the last flush, and the operations that the next
 * frame will carry. A value is written down at the moment it is attached; what happens to it
 * later follows as operations of its own, so replaying them in order gives the same state.
 */
import { marker, type NodeKind, nodeKinds, operationCodes, referenceCode } from './format.ts'
import { holds, settle } from './links.ts'
import { toItem } from './scalars.ts'
import {
  hasKey,
  type KeyedContainer,
  keysOf,
  Player,
  readKey,
  type Step,
  TrackedNode,
} from './steps.ts'
import {
  type Container,
  checkKey,
  deepEqual,
  depthMax,
  entriesOf,
  isContainer,
  type Place,
  type PlainObject,
  stepName,
  toLeaf,
  unsupported,
} from './values.ts'

export interface GraphOptions {
  /** Called before each write; throws to refuse it. */
  readonly guard?: (() => void) | undefined
  readonly recordReads?: boolean | undefined
}

export class Graph {
  readonly root: TrackedNode
  /** The number that the next new node gets. */
  next = 1
  readonly steps: Step[] = []
  readonly player: Player
  /** Body of the next frame. */
  #items: unknown[] = []
  #nextAtFlush = 1
  readonly #guard: () => void
  /** Nodes by their raw and by their proxy. */
  readonly #nodes = new WeakMap<object, TrackedNode>()
  /** Nodes by the object that they were copied from. */
  readonly #copies = new WeakMap<object, TrackedNode>()
  /** Objects copied in this turn: writing one twice is a second place, not a second copy. */
  readonly #copiedNow = new Set<object>()
  readonly #touched = new Set<TrackedNode>()
  /** Nodes that lost a key in this turn. */
  readonly #thinned = new Set<TrackedNode>()
  /** Where in the body a key was last set to a leaf: a later leaf takes its place. */
  readonly #lastLeaf = new Map<TrackedNode, Map<string, number>>()
  /** Keys of leaves read in this turn; a node without keys was looked at as a whole. */
  readonly #reads: Map<TrackedNode, Set<string>> | undefined

  /** @param fill makes the root and what is in it */
  constructor(fill: (graph: Graph) => TrackedNode, options: GraphOptions = {}) {
    this.#guard = options.guard ?? (() => {})
    this.#reads = options.recordReads ? new Map() : undefined
    this.player = new Player(
      (value) => this.nodeOf(value),
      (node) => this.#touched.add(node),
    )
    this.root = fill(this)
    this.settle()
  }

  get isChanged(): boolean {
    return this.#items.length > 0
  }

  /** The node behind a raw or a proxy of this graph. */
  nodeOf(value: unknown): TrackedNode | undefined {
    return typeof value === 'object' && value !== null ? this.#nodes.get(value) : undefined
  }

  /** The node that a search for this value means: also for an object that was copied in. */
  find(value: unknown): TrackedNode | undefined {
    if (typeof value !== 'object' || value === null) return undefined
    return this.#nodes.get(value) ?? this.#copies.get(value)
  }

  addNode(raw: Container): TrackedNode {
    const node = new TrackedNode(raw)
    this.#nodes.set(raw, node)
    return node
  }

  addProxy(node: TrackedNode, proxy: object): void {
    node.proxy = proxy
    this.#nodes.set(proxy, node)
  }

  /** Makes a fresh node with all that is inside part of the state. */
  adoptRoot(node: TrackedNode): void {
    this.#emit(node.raw, () => 'state')
  }

  /** The raw form of a value that is about to be written; copies what is foreign. */
  copyIn(value: unknown, place: Place): unknown {
    return this.#copy(value, place, 1)
  }

  #copy(value: unknown, place: Place, depth: number): unknown {
    const known = this.nodeOf(value) ?? this.#copiedInTurn(value)
    if (known) return known.raw
    if (!isContainer(value)) return toLeaf(value, place)
    if (depth > depthMax) unsupported(place, `deeper than ${depthMax}`)
    const raw = emptyLike(value)
    const node = this.addNode(raw)
    if (Object.getOwnPropertySymbols(value).length > 0) unsupported(place, 'a symbol as a key')
    if (Array.isArray(value) && Object.keys(value).length !== value.length)
      unsupported(place, 'an array with holes or keys of its own')
    for (const [key, item] of entriesOf(value)) {
      const inner = (): string => place() + stepName(value, key)
      if (item === undefined && Array.isArray(value)) unsupported(inner, 'undefined in an array')
      const copy = this.#copy(item, inner, depth + 1)
      if (Array.isArray(raw)) raw.push(copy)
      else {
        checkKey(key, inner)
        if (raw instanceof Map) raw.set(key, copy)
        else raw[key] = copy
      }
    }
    this.#copies.set(value, node)
    this.#copiedNow.add(value)
    return raw
  }

  #copiedInTurn(value: unknown): TrackedNode | undefined {
    if (typeof value !== 'object' || value === null || !this.#copiedNow.has(value)) return undefined
    const node = this.#copies.get(value)
    return node && deepEqual(value, node.raw) ? node : undefined
  }

  set(node: TrackedNode, key: string, value: unknown): void {
    this.#guard()
    const place = (): string => this.pathOf(node) + stepName(node.raw, key)
    checkKey(key, place)
    const raw = node.raw as KeyedContainer
    const before = readKey(raw, key)
    const had = hasKey(raw, key)
    if (had && Object.is(before, this.nodeOf(value)?.raw ?? value)) return
    const after = this.copyIn(value, place)
    if (had && Object.is(before, after)) return
    const read = this.#wasRead(node, key, before)
    this.#write(() => {
      this.#emitSet(node, key, after, place)
      this.#run({ kind: 'set', node, key, had, before, after, read })
    })
  }

  delete(node: TrackedNode, key: string): void {
    this.#guard()
    const raw = node.raw as KeyedContainer
    if (!hasKey(raw, key)) return
    const before = readKey(raw, key)
    const order = this.#thinned.has(node) ? undefined : keysOf(raw)
    this.#thinned.add(node)
    this.#lastLeaf.get(node)?.delete(key)
    if (node.number > 0) this.#items.push(operationCodes.delete, node.number, toItem(key))
    const read = this.#wasRead(node, key, before)
    this.#run({ kind: 'delete', node, key, before, order, read })
  }

  /** Replaces `remove` items from `index` on; `values` may be raws, proxies or foreign. */
  splice(node: TrackedNode, index: number, remove: number, values: readonly unknown[]): void {
    this.#guard()
    const placeOf =
      (i: number): Place =>
      () =>
        this.pathOf(node) + stepName(node.raw, index + i)
    const inserted = values.map((value, i) => {
      if (value === undefined) unsupported(placeOf(i), 'undefined in an array')
      return this.copyIn(value, placeOf(i))
    })
    const removed = (node.raw as unknown[]).slice(index, index + remove)
    if (removed.length === 0 && inserted.length === 0) return
    this.#write(() => {
      if (node.number > 0) {
        this.#items.push(operationCodes.splice, node.number, index, removed.length, inserted.length)
        inserted.forEach((item, i) => {
          this.#emit(item, placeOf(i), node)
        })
      }
      this.#run({ kind: 'splice', node, index, removed, inserted })
    })
  }

  #emitSet(node: TrackedNode, key: string, value: unknown, place: Place): void {
    if (node.number === 0) return
    const positions = this.#lastLeaf.get(node) ?? new Map<string, number>()
    const isLeaf = this.nodeOf(value) === undefined
    const position = positions.get(key)
    if (isLeaf && position !== undefined) {
      this.#items[position] = toItem(value)
      return
    }
    this.#items.push(operationCodes.set, node.number, toItem(key))
    if (isLeaf) this.#lastLeaf.set(node, positions.set(key, this.#items.length))
    this.#emit(value, place, node)
    if (!isLeaf) positions.delete(key)
  }

  /**
   * Writes a value into the body; nodes that the replicas don't have are spelled out.
   *
   * @param top what the whole value is about to hang on
   * @param holder what this part of it hangs on
   */
  #emit(value: unknown, place: Place, top?: TrackedNode, holder = top, depth = 1): void {
    const node = this.nodeOf(value)
    if (node === undefined) {
      this.#items.push(toItem(value))
      return
    }
    if (node.number > 0) {
      if ([top, holder].some((one) => one && holds(node, one)))
        unsupported(place, 'an object inside of itself')
      this.#items.push(marker, referenceCode, node.number)
      return
    }
    if (depth > depthMax) unsupported(place, `deeper than ${depthMax}`)
    const { raw } = node
    this.#run({ kind: 'adopt', node, number: this.next++ })
    this.#items.push(marker, nodeKinds.indexOf(kindOf(raw)), sizeOf(raw))
    for (const [key, item] of entriesOf(raw)) {
      if (typeof key === 'string') this.#items.push(toItem(key))
      this.#emit(item, () => place() + stepName(raw, key), top, node, depth + 1)
    }
  }

  #run(step: Step): void {
    this.player.forwards(step)
    this.steps.push(step)
  }

  /** Either all of a write happens or none. */
  #write(change: () => void): void {
    const { next } = this
    const steps = this.steps.length
    const items = this.#items.length
    try {
      change()
    } catch (error) {
      this.#unwind(steps)
      this.#items.length = items
      this.next = next
      throw error
    }
  }

  #unwind(length: number): void {
    while (this.steps.length > length) this.player.backwards(this.steps.pop() as Step)
  }

  noteRead(node: TrackedNode, key?: string): void {
    if (!this.#reads) return
    const keys = this.#reads.get(node) ?? new Set()
    if (key !== undefined) keys.add(key)
    this.#reads.set(node, keys)
  }

  /** Whether a value was read: itself, or anything inside. */
  #wasRead(node: TrackedNode, key: string, before: unknown): boolean {
    if (!this.#reads) return false
    if (this.#reads.get(node)?.has(key)) return true
    const inside = this.nodeOf(before)
    if (inside === undefined) return false
    if (this.#reads.has(inside)) return true
    for (const [name, item] of entriesOf(inside.raw))
      if (this.nodeOf(item) && this.#wasRead(inside, String(name), item)) return true
    return false
  }

  /** Takes everything back since the last flush. */
  rollback(): void {
    this.#unwind(0)
    this.next = this.#nextAtFlush
    this.#forget()
  }

  /** Checks the tree rule and gives the body of the frame, or nothing when nothing changed. */
  settle(): readonly unknown[] | undefined {
    settle<TrackedNode>({
      root: this.root,
      touched: this.#touched,
      childrenOf: (node) => this.childrenOf(node),
      refuse: (node, why) => unsupported(() => this.pathOf(node), why),
    })
    const items = this.#items
    this.#nextAtFlush = this.next
    this.steps.length = 0
    this.#forget()
    return items.length > 0 ? items : undefined
  }

  #forget(): void {
    this.#items = []
    this.#touched.clear()
    this.#thinned.clear()
    this.#lastLeaf.clear()
    this.#copiedNow.clear()
    this.#reads?.clear()
  }

  childrenOf(node: TrackedNode): TrackedNode[] {
    return Array.from(entriesOf(node.raw), ([, item]) => this.nodeOf(item)).filter(
      (child) => child !== undefined,
    )
  }

  /** Names a node for people, by the place that it took last. */
  pathOf(node: TrackedNode): string {
    if (node === this.root) return 'state'
    const parent = node.parents.at(-1)
    if (parent === undefined) return '(detached)'
    for (const [key, item] of entriesOf(parent.raw))
      if (item === node.raw) return this.pathOf(parent) + stepName(parent.raw, key)
    return this.pathOf(parent)
  }
}

export function kindOf(raw: Container): NodeKind {
  if (Array.isArray(raw)) return 'array'
  return raw instanceof Map ? 'map' : 'object'
}

export function sizeOf(raw: Container): number {
  if (Array.isArray(raw)) return raw.length
  return raw instanceof Map ? raw.size : Object.keys(raw).length
}

function emptyLike(container: Container): Container {
  if (Array.isArray(container)) return []
  return container instanceof Map ? new Map() : ({} satisfies PlainObject)
}
