/** A container of the state, as its proxy, its log of this turn and its place in the tree. */
import type { ContainerKind } from '../../codec/format.ts'
import { type Container, stepName, unsupported } from '../../codec/plain.ts'
import type { Linked } from '../links.ts'
import type { Graph } from './graph.ts'
import type { Stream } from './stream.ts'

const none: readonly TrackedNode[] = []

/** A proxy answers to this key with its node; nobody else has the key. */
export const nodeKey: unique symbol = Symbol('node')

/**
 * A node is the handler of its own proxy. Its `raw` holds single values, and other nodes in place
 * of containers; the proxy shows those as proxies again. Raws are never handed out.
 */
export abstract class TrackedNode implements Linked<TrackedNode> {
  abstract readonly kind: ContainerKind
  abstract readonly raw: Container
  readonly graph: Graph
  /** Its number in the frames of its stream; 0 as long as no frame or snapshot had it. */
  number = 0
  stream: Stream | undefined
  /** The turn in which it was made. */
  born: number
  depth = 0
  joined = false
  parent: TrackedNode | undefined
  others: TrackedNode[] | undefined
  /** What it was at the beginning, for a node that was made upon data that stays as it is. */
  source: Container | undefined
  /** Whether nobody has looked inside yet: the raw is empty, and what is inside are no nodes. */
  isUnopened = false
  #proxy: object | undefined

  constructor(graph: Graph) {
    this.graph = graph
    this.born = graph.turn
  }

  /** What users see. */
  get proxy(): object {
    this.#proxy ??= new Proxy(this.raw, this as ProxyHandler<Container>)
    return this.#proxy
  }

  isProxy(value: unknown): boolean {
    return value === this.#proxy
  }

  /** Takes the changes of this turn back. */
  abstract undo(): void
  /** Forgets the changes of this turn: they are flushed, or undone. */
  abstract forget(): void
  /** Whether this turn changed it. */
  abstract readonly isChanged: boolean
  /** Whether its content isn't what it was when the turn began; what is inside of nodes aside. */
  abstract readonly differs: boolean
  /** Its content when the turn began. */
  abstract contentAtStart(): Container

  /** Puts a value into a node that is being made; an array takes them in their order. */
  abstract load(key: string | number, value: unknown): void
  abstract readonly size: number
  /** Its keys or indexes, in their order. */
  abstract keys(): Iterable<string | number>
  /** What a key or index that is there holds; a node as a node. */
  abstract at(key: string | number): unknown

  /** Makes it a node upon data that stays as it is; what is inside becomes nodes when it's needed. */
  standUpon(source: Container, born: number): void {
    this.source = source
    this.born = born
    this.isUnopened = true
  }

  /** Loads what the source holds: single values, and nodes that are unopened themselves. */
  protected open(): void {
    this.isUnopened = false
    const source = this.source as Container
    if (Array.isArray(source)) for (const item of source) this.#take(0, item)
    else if (source instanceof Map) for (const [key, item] of source) this.#take(key, item)
    else for (const key of Object.keys(source)) this.#take(key, source[key])
  }

  #take(key: string | number, item: unknown): void {
    this.load(key, this.graph.found(item, this))
  }

  children(): readonly TrackedNode[] {
    if (this.isUnopened) return none
    let found: TrackedNode[] | undefined
    for (const key of this.keys()) {
      const value = this.at(key)
      if (!(value instanceof TrackedNode)) continue
      if (found) found.push(value)
      else found = [value]
    }
    return found ?? none
  }

  /** Where it holds a node. */
  keyOf(child: TrackedNode): string | number | undefined {
    for (const key of this.keys()) if (this.at(key) === child) return key
    return undefined
  }

  /** How people would write it, by the place that it took last. */
  get path(): string {
    if (this === this.graph.root) return 'state'
    const { parent } = this
    if (parent === undefined) return '(detached)'
    const key = parent.keyOf(this)
    return key === undefined ? parent.path : parent.path + stepName(parent.kind, key)
  }

  // The traps that see structure, alike for all kinds.

  ownKeys(target: Container): (string | symbol)[] {
    this.graph.reads?.note(this)
    return Reflect.ownKeys(target)
  }

  getOwnPropertyDescriptor(
    target: Container,
    key: string | symbol,
  ): PropertyDescriptor | undefined {
    const descriptor = Reflect.getOwnPropertyDescriptor(target, key)
    if (typeof key === 'string') this.graph.reads?.note(this, key)
    return descriptor && { ...descriptor, value: shown(descriptor.value) }
  }

  setPrototypeOf(target: Container, prototype: object | null): boolean {
    if (prototype === Object.getPrototypeOf(target)) return true
    return unsupported(() => this.path, 'another prototype')
  }

  preventExtensions(): never {
    return unsupported(() => this.path, 'a frozen or sealed object')
  }
}

// `console.log` of a state prints plain data, not the machinery.
Object.defineProperty(TrackedNode.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: TrackedNode): Container {
    return this.raw
  },
})

/** What users see of a value of a raw. */
export function shown(value: unknown): unknown {
  return value instanceof TrackedNode ? value.proxy : value
}
