import { checkKey, type PlainObject, unsupported } from '../../codec/plain.ts'
import { KeyedNode } from './keyed-node.ts'
import { nodeKey, shown, TrackedNode } from './node.ts'
import { absent } from './writes.ts'

/** A plain object, and the traps of its proxy. */
export class ObjectNode extends KeyedNode implements ProxyHandler<PlainObject> {
  readonly kind = 'object'
  readonly #raw: PlainObject = {}

  get raw(): PlainObject {
    if (this.isUnopened) this.open()
    return this.#raw
  }

  protected hasKey(key: string): boolean {
    return Object.hasOwn(this.raw, key)
  }
  protected readKey(key: string): unknown {
    return this.hasKey(key) ? this.raw[key] : undefined
  }
  /** Nothing that objects inherit but functions has a key that a state may have. */
  override current(key: string): unknown {
    const value = this.raw[key]
    const isOwn = value === undefined ? this.hasKey(key) : typeof value !== 'function'
    return isOwn ? value : absent
  }
  protected writeKey(key: string, value: unknown): void {
    this.raw[key] = value
  }
  protected removeKey(key: string): void {
    delete this.raw[key]
  }
  get size(): number {
    return Object.keys(this.raw).length
  }
  keys(): string[] {
    return Object.keys(this.raw)
  }
  at(key: string): unknown {
    return this.raw[key]
  }
  load(key: string, value: unknown): void {
    this.#raw[key] = value
  }
  contentAtStart(): PlainObject {
    return Object.fromEntries(this.entriesAtStart())
  }

  get(target: PlainObject, key: string | symbol): unknown {
    // Not by `target[key]`, which is slower where large objects and small ones take turns.
    const value: unknown = Reflect.get(target, key)
    if (value instanceof TrackedNode) return value.proxy
    if (typeof key === 'string') this.graph.reads?.note(this, key)
    else if (key === nodeKey) return this
    // Who indexes by what a client sent must not get at what all objects share.
    return key === '__proto__' ? undefined : value
  }

  set(target: PlainObject, key: string | symbol, value: unknown, receiver: unknown): boolean {
    // An object that merely inherits from the state gets the property itself.
    if (!this.isProxy(receiver)) return Reflect.set(target, key, value, receiver)
    const type = typeof value
    if (typeof key === 'string' && (type === 'number' || type === 'string' || type === 'boolean')) {
      // The way of most writes: a value takes the place of one of its kind. Only an own property
      // can hold one: what objects inherit are functions, and the prototype itself.
      const before = target[key]
      if (typeof before === type) {
        this.graph.guard?.()
        if (Object.is(before, value)) return true
        this.log(key, before, value)
        target[key] = value
        return true
      }
    }
    this.assign(key, value)
    return true
  }

  deleteProperty(_target: PlainObject, key: string | symbol): boolean {
    if (typeof key === 'string') this.delete(key)
    return true
  }

  has(target: PlainObject, key: string | symbol): boolean {
    if (typeof key === 'string') this.graph.reads?.note(this, key)
    return Reflect.has(target, key)
  }

  defineProperty(
    target: PlainObject,
    key: string | symbol,
    descriptor: PropertyDescriptor,
  ): boolean {
    const place = this.placeOf(key)
    checkKey(key, place)
    const full = { ...Object.getOwnPropertyDescriptor(target, key), ...descriptor }
    if (!('value' in full) || !full.writable || !full.enumerable || !full.configurable)
      unsupported(place, 'a property with a getter or flags')
    this.assign(key, shown(full.value))
    return true
  }
}
