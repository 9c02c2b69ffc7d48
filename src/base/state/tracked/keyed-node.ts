/** What objects and Maps have in common: values by key, changed one key at a time. */

import { type Container, checkKey, type Place, stepName } from '../../codec/plain.ts'
import { TrackedNode } from './node.ts'
import { absent, Writes } from './writes.ts'

export type KeyedContainer = Exclude<Container, unknown[]>

export abstract class KeyedNode extends TrackedNode {
  abstract override readonly kind: 'object' | 'map'
  abstract override readonly raw: KeyedContainer
  readonly writes: Writes = new Writes()
  /** Keys as the turn began, kept with its first deletion: going back must keep their order. */
  #order: readonly string[] | undefined

  protected abstract hasKey(key: string): boolean
  protected abstract readKey(key: string): unknown
  protected abstract writeKey(key: string, value: unknown): void
  protected abstract removeKey(key: string): void
  abstract override keys(): Iterable<string>

  get isChanged(): boolean {
    return this.writes.first !== undefined
  }

  get differs(): boolean {
    for (let write = this.writes.first; write; write = write.next) {
      const { key, before, isReinserted } = write
      if (isReinserted || !Object.is(this.current(key), before)) return true
    }
    return false
  }

  /** The value of a key, or `absent`. */
  current(key: string): unknown {
    const value = this.readKey(key)
    return value !== undefined || this.hasKey(key) ? value : absent
  }

  protected placeOf(key: unknown): Place {
    return () => this.path + stepName(this.kind, String(key))
  }

  /** Writes a value as users give it; equal ones change nothing. */
  assign(key: unknown, value: unknown): void {
    const { graph } = this
    graph.guard?.()
    const place = this.placeOf(key)
    checkKey(key, place)
    const before = this.current(key)
    const after = graph.bring(value, place)
    if (Object.is(before, after)) return
    if (after instanceof TrackedNode) graph.checkAttach(after, this, place)
    this.log(key, before, after)
    if (before instanceof TrackedNode) graph.detach(before, this)
    this.writeKey(key, after)
    if (after instanceof TrackedNode) graph.attach(after, this)
  }

  delete(key: string): boolean {
    const { graph } = this
    graph.guard?.()
    const before = this.current(key)
    if (before === absent) return false
    this.#order ??= [...this.keys()].filter((one) => this.writes.find(one)?.before !== absent)
    this.log(key, before, absent)
    this.removeKey(key)
    if (before instanceof TrackedNode) graph.detach(before, this)
    return true
  }

  /** Notes a key that is about to change: what it holds, and what it will; `absent` for nothing. */
  protected log(key: string, before: unknown, now: unknown): void {
    const { writes, graph } = this
    if (this === graph.root) graph.beforeRootKey?.(key)
    if (writes.first === undefined) graph.changed.push(this)
    else {
      const known = writes.find(key)
      if (known) {
        known.now = now
        if (before === absent) writes.reinsert(known)
        return
      }
    }
    writes.add(key, before, now, graph.reads?.has(this, key, before) ?? false)
  }

  undo(): void {
    const { graph } = this
    for (const { key, before } of this.writes) {
      const now = this.current(key)
      if (Object.is(now, before)) continue
      if (now instanceof TrackedNode) graph.detach(now, this)
      if (before === absent) this.removeKey(key)
      else this.writeKey(key, before)
      if (before instanceof TrackedNode) graph.attach(before, this)
    }
    if (this.#order) this.#reorder(this.#order)
  }

  #reorder(order: readonly string[]): void {
    const now = [...this.keys()]
    if (order.every((key, i) => key === now[i])) return
    const values = order.map((key) => this.readKey(key))
    for (const key of now) this.removeKey(key)
    order.forEach((key, i) => {
      this.writeKey(key, values[i])
    })
  }

  forget(): void {
    this.writes.clear()
    this.#order = undefined
  }

  /** Entries when the turn began, in any order. */
  protected entriesAtStart(): Map<string, unknown> {
    const entries = new Map<string, unknown>()
    for (const key of this.keys()) entries.set(key, this.at(key))
    for (const { key, before } of this.writes)
      if (before === absent) entries.delete(key)
      else entries.set(key, before)
    return entries
  }
}
