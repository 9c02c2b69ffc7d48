import { type Place, stepName, unsupported } from '../../codec/plain.ts'
import { shiftsMax, splicesMax } from '../codec/format.ts'
import { spliceItems } from '../values.ts'
import { makeArrayMethods } from './array-methods.ts'
import { nodeKey, shown, TrackedNode } from './node.ts'
import type { Splice } from './splices.ts'

const indexPattern = /^(0|[1-9]\d{0,9})$/

/** An array, and the traps of its proxy. */
export class ArrayNode extends TrackedNode implements ProxyHandler<unknown[]> {
  readonly kind = 'array'
  readonly #raw: unknown[] = []
  /** The changes of this turn, as long as they are few. */
  splices: Splice[] = []
  /** All items when the turn began, once the splices are no longer counted. */
  before: readonly unknown[] | undefined
  /** How many of them move what is behind them. */
  #shifts = 0
  #methods: Record<string, unknown> | undefined

  get raw(): unknown[] {
    if (this.isUnopened) this.open()
    return this.#raw
  }

  get isChanged(): boolean {
    return this.before !== undefined || this.splices.length > 0
  }

  get differs(): boolean {
    const { raw } = this
    const start = this.contentAtStart()
    return start.length !== raw.length || start.some((item, i) => !Object.is(item, raw[i]))
  }

  load(_key: string | number, value: unknown): void {
    this.#raw.push(value)
  }
  get size(): number {
    return this.raw.length
  }
  keys(): Iterable<number> {
    return this.raw.keys()
  }
  at(index: number): unknown {
    return this.raw[index]
  }

  contentAtStart(): unknown[] {
    if (this.before) return [...this.before]
    const items = [...this.raw]
    for (const { index, removed, inserted } of this.splices.toReversed())
      spliceItems(items, index, inserted.length, removed)
    return items
  }

  #placeOf(index: number): Place {
    return () => this.path + stepName('array', index)
  }

  /** The raw form of values that are about to become items from `index` on. */
  bringAll(values: readonly unknown[], index: number): unknown[] {
    return values.map((value, i) => {
      const place = this.#placeOf(index + i)
      if (value === undefined) unsupported(place, 'undefined in an array')
      const item = this.graph.bring(value, place)
      if (item instanceof TrackedNode) this.graph.checkAttach(item, this, place)
      return item
    })
  }

  /** Replaces `remove` items from `index` on by values as users give them. */
  splice(index: number, remove: number, values: readonly unknown[]): void {
    this.graph.guard?.()
    const inserted = this.bringAll(values, index)
    const removed = this.raw.slice(index, index + remove)
    if (removed.length === 0 && inserted.length === 0) return
    this.#log(index, removed, inserted)
    this.#detachAll(removed)
    spliceItems(this.raw, index, removed.length, inserted)
    this.#attachAll(inserted)
  }

  #log(index: number, removed: readonly unknown[], inserted: readonly unknown[]): void {
    if (!this.isChanged) this.graph.changed.push(this)
    if (this.before) return
    const last = this.splices.at(-1)
    const offset = last ? index - last.index : -1
    if (last && offset >= 0 && offset + removed.length <= last.inserted.length)
      spliceItems(last.inserted, offset, removed.length, inserted)
    else if (this.#hasRoomFor(removed.length, inserted.length))
      this.splices.push({ index, removed, inserted: [...inserted] })
    else this.#keepBefore()
  }

  /** Those that move what is behind them cost a replica as much as there is. */
  #hasRoomFor(remove: number, insert: number): boolean {
    if (remove !== insert) this.#shifts += 1
    return this.#shifts <= shiftsMax && this.splices.length < splicesMax
  }

  /** From here on the turn is known by its beginning and its end. */
  #keepBefore(): void {
    this.before = this.contentAtStart()
    this.splices = []
  }

  /** Puts all items into another order, or new ones in their place; as many as before. */
  rearrange(change: (items: unknown[]) => void): object {
    this.graph.guard?.()
    const { raw } = this
    const shownItems = raw.map(shown)
    change(shownItems)
    const isSame = (value: unknown, i: number): boolean => Object.is(value, shown(raw[i]))
    const start = shownItems.findIndex((value, i) => !isSame(value, i))
    if (start < 0) return this.proxy
    const end = shownItems.findLastIndex((value, i) => !isSame(value, i)) + 1
    const items = this.bringAll(shownItems.slice(start, end), start)
    if (!this.isChanged) this.graph.changed.push(this)
    if (!this.before) this.#keepBefore()
    this.#detachAll(raw.slice(start, end))
    items.forEach((item, i) => {
      raw[start + i] = item
    })
    this.#attachAll(items)
    return this.proxy
  }

  #detachAll(items: readonly unknown[]): void {
    for (const item of items) if (item instanceof TrackedNode) this.graph.detach(item, this)
  }

  #attachAll(items: readonly unknown[]): void {
    for (const item of items) if (item instanceof TrackedNode) this.graph.attach(item, this)
  }

  undo(): void {
    const back = (index: number, inserted: readonly unknown[], removed: readonly unknown[]) => {
      this.#detachAll(inserted)
      spliceItems(this.raw, index, inserted.length, removed)
      this.#attachAll(removed)
    }
    if (this.before) back(0, [...this.raw], this.before)
    for (const { index, inserted, removed } of this.splices.toReversed())
      back(index, inserted, removed)
  }

  forget(): void {
    this.before = undefined
    this.#shifts = 0
    if (this.splices.length > 0) this.splices = []
  }

  get(target: unknown[], key: string | symbol): unknown {
    if (typeof key === 'string') {
      const first = key.charCodeAt(0)
      // An index, before all names: digits are below letters.
      if (first <= 57 || key === 'length') {
        const value = target[key as never] as unknown
        if (value instanceof TrackedNode) return value.proxy
        if (this.graph.reads && Object.hasOwn(target, key)) this.graph.reads.note(this, key)
        return value
      }
      this.#methods ??= makeArrayMethods(this)
      if (Object.hasOwn(this.#methods, key)) return this.#methods[key]
    } else if (key === nodeKey) return this
    return Reflect.get(target, key)
  }

  set(target: unknown[], key: string | symbol, value: unknown, receiver: unknown): boolean {
    if (!this.isProxy(receiver)) return Reflect.set(target, key, value, receiver)
    this.#write(key, value)
    return true
  }

  has(target: unknown[], key: string | symbol): boolean {
    if (typeof key === 'string') this.graph.reads?.note(this, key)
    return Reflect.has(target, key)
  }

  deleteProperty(target: unknown[], key: string | symbol): boolean {
    // So do the methods of Array.prototype shorten what they were lent.
    if (key === String(target.length - 1)) this.splice(target.length - 1, 1, [])
    else if (Object.hasOwn(target, key)) this.#refuse(key, 'a hole in an array')
    return true
  }

  defineProperty(target: unknown[], key: string | symbol, descriptor: PropertyDescriptor): boolean {
    const full = { ...Object.getOwnPropertyDescriptor(target, key), ...descriptor }
    const isIndex = key !== 'length'
    const isPlain = full.writable && full.enumerable === isIndex && full.configurable === isIndex
    if (!('value' in full) || !isPlain) this.#refuse(key, 'a property with a getter or flags')
    this.#write(key, shown(full.value))
    return true
  }

  #refuse(key: string | symbol, why: string): never {
    const name = typeof key === 'string' && indexPattern.test(key) ? Number(key) : String(key)
    return unsupported(() => this.path + stepName('array', name), why)
  }

  #write(key: string | symbol, value: unknown): void {
    const { raw } = this
    if (key === 'length') {
      const length = Number(value)
      if (length >>> 0 !== length) throw new RangeError(`Invalid array length: ${String(value)}`)
      if (length > raw.length) this.#refuse(String(raw.length), 'a hole in an array')
      this.splice(length, raw.length - length, [])
      return
    }
    if (typeof key === 'symbol' || !indexPattern.test(key))
      this.#refuse(key, 'a key that is no index of an array')
    const index = Number(key)
    if (index > raw.length) this.#refuse(String(raw.length), 'a hole in an array')
    if (index < raw.length && Object.is(shown(raw[index]), value)) return
    this.splice(index, index < raw.length ? 1 : 0, [value])
  }
}
