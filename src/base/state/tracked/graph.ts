/** The tracked nodes of one state: how values come in, hang together, and go back. */

import { depthMax } from '../../codec/format.ts'
import {
  type Container,
  checkKey,
  checkShape,
  isContainer,
  kindOf,
  type Place,
  stepName,
  toLeaf,
  unsupported,
} from '../../codec/plain.ts'
import { holds, link, release, settle, unlink } from '../links.ts'
import { deepEqual } from '../values.ts'
import { ArrayNode } from './array-node.ts'
import { MapNode } from './map-node.ts'
import { nodeKey, TrackedNode } from './node.ts'
import { ObjectNode } from './object-node.ts'
import { Reads } from './reads.ts'

export interface GraphOptions {
  /** Called before each write; throws to refuse it. */
  readonly guard?: (() => void) | undefined
  readonly recordReads?: boolean | undefined
}

export class Graph {
  readonly root: TrackedNode
  /** Counts flushes and rollbacks. */
  turn = 0
  /** Nodes that this turn changed, in the order of their first change. */
  readonly changed: TrackedNode[] = []
  readonly guard: (() => void) | undefined
  readonly reads: Reads | undefined
  /** Called before a key of the root changes; throws to refuse it. */
  beforeRootKey: ((key: string) => void) | undefined
  /** Nodes by the object that they were copied from, once something was after the beginning. */
  #copies: WeakMap<object, TrackedNode> | undefined
  /** Nodes that this turn attached or detached. */
  #touched: Set<TrackedNode> | undefined

  /** @param fill makes the root and what is in it */
  constructor(fill: (graph: Graph) => TrackedNode, options: GraphOptions = {}) {
    this.guard = options.guard
    this.reads = options.recordReads ? new Reads() : undefined
    this.root = fill(this)
    this.root.depth = 1
    this.#join(this.root)
    this.settle()
    this.endTurn()
  }

  makeNode(kind: TrackedNode['kind']): ObjectNode | ArrayNode | MapNode {
    if (kind === 'object') return new ObjectNode(this)
    return kind === 'array' ? new ArrayNode(this) : new MapNode(this)
  }

  /** What a search for this value means: a node, also for an object that was copied in. */
  find(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value
    return this.#nodeOf(value) ?? this.#copies?.get(value) ?? value
  }

  /** The node behind a proxy of this state. */
  #nodeOf(value: object): TrackedNode | undefined {
    const node = (value as { [nodeKey]?: TrackedNode })[nodeKey]
    // An object that inherits from a proxy answers like it, but is not it.
    return node?.graph === this && node.isProxy(value) ? node : undefined
  }

  /** A value of a user as raws hold it: a node for a container, which is copied if it is foreign. */
  bring(value: unknown, place: Place): unknown {
    if (typeof value !== 'object' || value === null) return toLeaf(value, place)
    return this.#bring(value, place, 1, new Map())
  }

  /** @param met what was copied on the way already: the same object again is the same node */
  #bring(value: unknown, place: Place, depth: number, met: Map<object, TrackedNode>): unknown {
    if (typeof value !== 'object' || value === null) return toLeaf(value, place)
    const moved = this.#nodeOf(value)
    // Where it was must not have changed meanwhile: what it holds goes along.
    if (moved) this.reads?.note(moved)
    const known = moved ?? met.get(value) ?? this.#copyInTurn(value)
    if (known) return known
    if (!isContainer(value)) return toLeaf(value, place)
    if (depth > depthMax) unsupported(place, `deeper than ${depthMax}`)
    const node = this.makeNode(kindOf(value))
    this.#fill(node, value, place, depth, met)
    met.set(value, node)
    // What a state began with need not be found again.
    if (this.turn > 0) {
      this.#copies ??= new WeakMap()
      this.#copies.set(value, node)
    }
    return node
  }

  /** What an unopened node holds as raws do: a container is a node upon it, of the same beginning. */
  found(value: unknown, holder: TrackedNode): unknown {
    if (typeof value !== 'object' || value === null) return value
    if (!isContainer(value)) return toLeaf(value, () => holder.path)
    const node = this.makeNode(kindOf(value))
    node.standUpon(value, holder.born)
    if (!holder.joined) return node
    node.joined = true
    node.depth = holder.depth + 1
    link<TrackedNode>(node, holder)
    return node
  }

  #fill(
    node: TrackedNode,
    value: Container,
    place: Place,
    depth: number,
    met: Map<object, TrackedNode>,
  ): void {
    checkShape(value, place)
    const load = (key: string | number, item: unknown): void => {
      const inner = (): string => place() + stepName(node.kind, key)
      if (node.kind !== 'array') checkKey(key, inner)
      else if (item === undefined) unsupported(inner, 'undefined in an array')
      node.load(key, this.#bring(item, inner, depth + 1, met))
    }
    if (Array.isArray(value)) for (let i = 0; i < value.length; i++) load(i, value[i])
    else if (value instanceof Map) for (const [key, item] of value) load(key, item)
    else for (const key of Object.keys(value)) load(key, value[key])
  }

  /** Writing one object twice in a turn means a second place, unless it was changed in between. */
  #copyInTurn(value: object): TrackedNode | undefined {
    const node = this.#copies?.get(value)
    return node?.born === this.turn && deepEqual(value, node.proxy) ? node : undefined
  }

  /** Refuses a node that would hold its own holder. */
  checkAttach(
    node: TrackedNode,
    holder: TrackedNode,
    place: Place,
    depth = 1,
    seen: Set<TrackedNode> = new Set(),
  ): void {
    if (!holder.joined || seen.has(node)) return
    seen.add(node)
    if (node.joined) {
      if (holds(node, holder)) unsupported(place, 'an object inside of itself')
      return
    }
    if (depth > depthMax) unsupported(place, `deeper than ${depthMax}`)
    for (const key of node.keys()) {
      const value = node.at(key)
      if (value instanceof TrackedNode)
        this.checkAttach(value, holder, () => place() + stepName(node.kind, key), depth + 1, seen)
    }
  }

  attach(node: TrackedNode, holder: TrackedNode): void {
    if (!holder.joined) return
    link(node, holder)
    this.#touch(node)
    if (!node.joined) this.#join(node)
  }

  #join(node: TrackedNode): void {
    node.joined = true
    for (const child of node.children()) this.attach(child, node)
  }

  detach(node: TrackedNode, holder: TrackedNode): void {
    if (!holder.joined) return
    unlink(node, holder)
    this.#touch(node)
  }

  #touch(node: TrackedNode): void {
    this.#touched ??= new Set()
    this.#touched.add(node)
  }

  /** Takes everything back since the last flush. */
  rollback(): void {
    for (const node of this.changed) node.undo()
    release<TrackedNode>({
      root: this.root,
      touched: this.#touched ?? [],
      childrenOf: (node) => node.children(),
    })
    this.endTurn()
  }

  /** Nodes that this turn attached or detached and that are part of the state. */
  moved(): TrackedNode[] {
    return [...(this.#touched ?? [])].filter((node) => node.joined)
  }

  /**
   * Checks the tree rule.
   *
   * @throws SojournError `STATE_UNSUPPORTED`; the turn goes on then
   */
  settle(): void {
    if (!this.#touched) return
    const left = settle<TrackedNode>({
      root: this.root,
      touched: this.#touched,
      childrenOf: (node) => node.children(),
      refuse: (node, why) => unsupported(() => node.path, why),
    })
    for (const node of left) {
      node.number = 0
      node.stream = undefined
    }
  }

  endTurn(): void {
    // One by one, so that the list keeps its room for the next turn.
    for (let node = this.changed.pop(); node; node = this.changed.pop()) node.forget()
    this.#touched = undefined
    this.reads?.clear()
    this.turn += 1
  }
}
