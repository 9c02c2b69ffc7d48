/** Tracked nodes and the reversible steps that change them. */
import type { Linked } from './links.ts'
import { unlink } from './links.ts'
import { type Container, entriesOf, spliceItems } from './values.ts'

/** A container of the state; `raw` holds other raws directly and is never handed out. */
export class TrackedNode implements Linked<TrackedNode> {
  number = 0
  depth = 0
  readonly parents: TrackedNode[] = []
  readonly raw: Container
  /** What users see, once they looked. */
  proxy: object | undefined
  constructor(raw: Container) {
    this.raw = raw
  }
}

/** One change; played forwards and backwards it moves the state through a turn. */
export type Step =
  | {
      readonly kind: 'set'
      readonly node: TrackedNode
      readonly key: string
      readonly had: boolean
      readonly before: unknown
      readonly after: unknown
      readonly read: boolean
    }
  | {
      readonly kind: 'delete'
      readonly node: TrackedNode
      readonly key: string
      readonly before: unknown
      /** All keys before the first deletion of a turn, since going back must keep their order. */
      readonly order: readonly string[] | undefined
      readonly read: boolean
    }
  | {
      readonly kind: 'splice'
      readonly node: TrackedNode
      readonly index: number
      readonly removed: readonly unknown[]
      readonly inserted: readonly unknown[]
    }
  /** A node becomes part of the state. */
  | { readonly kind: 'adopt'; readonly node: TrackedNode; readonly number: number }

export type KeyedContainer = Exclude<Container, unknown[]>

export function readKey(raw: KeyedContainer, key: string): unknown {
  if (raw instanceof Map) return raw.get(key)
  return Object.hasOwn(raw, key) ? raw[key] : undefined
}

export function hasKey(raw: KeyedContainer, key: string): boolean {
  return raw instanceof Map ? raw.has(key) : Object.hasOwn(raw, key)
}

function writeKey(raw: KeyedContainer, key: string, value: unknown): void {
  if (raw instanceof Map) raw.set(key, value)
  else raw[key] = value
}

function deleteKey(raw: KeyedContainer, key: string): void {
  if (raw instanceof Map) raw.delete(key)
  else delete raw[key]
}

export function keysOf(raw: KeyedContainer): string[] {
  return raw instanceof Map ? [...raw.keys()] : Object.keys(raw)
}

function reorder(raw: KeyedContainer, order: readonly string[]): void {
  const now = keysOf(raw)
  if (order.every((key, i) => key === now[i])) return
  const values = order.map((key) => readKey(raw, key))
  for (const key of now) deleteKey(raw, key)
  order.forEach((key, i) => {
    writeKey(raw, key, values[i])
  })
}

/** Plays steps; links follow the content of every holder that has a number. */
export class Player {
  readonly #nodeOf: (value: unknown) => TrackedNode | undefined
  readonly #onTouch: (node: TrackedNode) => void

  constructor(
    nodeOf: (value: unknown) => TrackedNode | undefined,
    onTouch: (node: TrackedNode) => void,
  ) {
    this.#nodeOf = nodeOf
    this.#onTouch = onTouch
  }

  forwards(step: Step): void {
    const { node } = step
    if (step.kind === 'adopt') {
      node.number = step.number
      for (const [, item] of entriesOf(node.raw)) this.#attach(item, node)
    } else if (step.kind === 'splice') {
      this.#splice(node, step.index, step.removed, step.inserted)
    } else {
      this.#detach(step.before, node)
      if (step.kind === 'delete') deleteKey(node.raw as KeyedContainer, step.key)
      else {
        writeKey(node.raw as KeyedContainer, step.key, step.after)
        this.#attach(step.after, node)
      }
    }
  }

  backwards(step: Step): void {
    const { node } = step
    const raw = node.raw as KeyedContainer
    if (step.kind === 'adopt') {
      for (const [, item] of entriesOf(node.raw)) this.#detach(item, node)
      node.number = 0
    } else if (step.kind === 'splice') {
      this.#splice(node, step.index, step.inserted, step.removed)
    } else {
      if (step.kind === 'set') this.#detach(step.after, node)
      if (step.kind === 'set' && !step.had) deleteKey(raw, step.key)
      else writeKey(raw, step.key, step.before)
      if (step.kind === 'delete' && step.order) reorder(raw, step.order)
      this.#attach(step.before, node)
    }
  }

  #splice(
    node: TrackedNode,
    index: number,
    removed: readonly unknown[],
    inserted: readonly unknown[],
  ): void {
    for (const item of removed) this.#detach(item, node)
    spliceItems(node.raw as unknown[], index, removed.length, inserted)
    for (const item of inserted) this.#attach(item, node)
  }

  #attach(value: unknown, holder: TrackedNode): void {
    const node = holder.number > 0 ? this.#nodeOf(value) : undefined
    if (node === undefined) return
    node.parents.push(holder)
    this.#onTouch(node)
  }

  #detach(value: unknown, holder: TrackedNode): void {
    const node = holder.number > 0 ? this.#nodeOf(value) : undefined
    if (node === undefined) return
    unlink(node, holder)
    this.#onTouch(node)
  }
}
