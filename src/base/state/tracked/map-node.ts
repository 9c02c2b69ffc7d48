import { unsupported } from '../../codec/plain.ts'
import { KeyedNode } from './keyed-node.ts'
import { nodeKey, shown, TrackedNode } from './node.ts'

type Visit = (value: unknown, key: string, map: unknown) => void

/** A Map, and the traps of its proxy. */
export class MapNode extends KeyedNode implements ProxyHandler<Map<string, unknown>> {
  readonly kind = 'map'
  readonly #raw: Map<string, unknown> = new Map()
  /** A Map's methods work on an inner slot that a proxy lacks, so each is made anew. */
  #methods: Record<string, unknown> | undefined

  get raw(): Map<string, unknown> {
    if (this.isUnopened) this.open()
    return this.#raw
  }

  protected hasKey(key: string): boolean {
    return this.raw.has(key)
  }
  protected readKey(key: string): unknown {
    return this.raw.get(key)
  }
  protected writeKey(key: string, value: unknown): void {
    this.raw.set(key, value)
  }
  protected removeKey(key: string): void {
    this.raw.delete(key)
  }
  get size(): number {
    return this.raw.size
  }
  keys(): Iterable<string> {
    return this.raw.keys()
  }
  at(key: string): unknown {
    return this.raw.get(key)
  }
  load(key: string, value: unknown): void {
    this.#raw.set(key, value)
  }
  contentAtStart(): Map<string, unknown> {
    return this.entriesAtStart()
  }

  get(target: Map<string, unknown>, key: string | symbol): unknown {
    if (key === 'size') {
      this.graph.reads?.note(this)
      return target.size
    }
    this.#methods ??= this.#makeMethods()
    if (key === Symbol.iterator) return this.#methods['entries']
    if (key === nodeKey) return this
    if (typeof key === 'string' && Object.hasOwn(this.#methods, key)) return this.#methods[key]
    return Reflect.get(target, key)
  }

  set(_target: Map<string, unknown>, key: string | symbol): never {
    return this.#refuse(key)
  }
  defineProperty(_target: Map<string, unknown>, key: string | symbol): never {
    return this.#refuse(key)
  }
  #refuse(key: string | symbol): never {
    const place = (): string => `${this.path}.${String(key)}`
    return unsupported(place, 'a property of a Map, which keeps entries only')
  }

  #read(key: string, value: unknown): unknown {
    if (!(value instanceof TrackedNode)) this.graph.reads?.note(this, key)
    return shown(value)
  }

  *#entries(): Generator<[string, unknown]> {
    this.graph.reads?.note(this)
    for (const [key, value] of this.raw) yield [key, this.#read(key, value)]
  }

  *#values(): Generator<unknown> {
    for (const [, value] of this.#entries()) yield value
  }

  #makeMethods(): Record<string, unknown> {
    const { raw } = this
    return {
      get: (key: string) => this.#read(key, raw.get(key)),
      has: (key: string) => {
        this.graph.reads?.note(this, key)
        return raw.has(key)
      },
      set: (key: unknown, value: unknown) => {
        this.assign(key, value)
        return this.proxy
      },
      delete: (key: string) => this.delete(key),
      clear: () => {
        for (const key of [...raw.keys()]) this.delete(key)
      },
      keys: () => {
        this.graph.reads?.note(this)
        return raw.keys()
      },
      values: () => this.#values(),
      entries: () => this.#entries(),
      forEach: (visit: Visit, self?: unknown) => {
        this.graph.reads?.note(this)
        for (const [key, value] of raw) visit.call(self, this.#read(key, value), key, this.proxy)
      },
    }
  }
}
