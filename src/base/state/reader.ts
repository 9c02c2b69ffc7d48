/** Takes the body of a frame or snapshot apart, trusting none of it. */
import { Decoder } from '@msgpack/msgpack'
import {
  malformed,
  NodeValue,
  nodeKinds,
  type Operation,
  operationCodes,
  Reference,
  referenceCode,
} from './format.ts'
import { extensionCodec } from './scalars.ts'
import { depthMax } from './values.ts'

export class Reader {
  readonly #items: Iterator<unknown, void>
  readonly #numbered: boolean
  #ahead: IteratorResult<unknown, void>

  /** @param numbered whether nodes tell their numbers, as in snapshots */
  constructor(body: Uint8Array, numbered: boolean) {
    const max = body.length
    this.#items = new Decoder({
      extensionCodec,
      maxArrayLength: 0,
      maxMapLength: 0,
      maxStrLength: max,
      maxBinLength: max,
      maxExtLength: max,
    }).decodeMulti(body)
    this.#numbered = numbered
    this.#ahead = this.#items.next()
  }

  get atEnd(): boolean {
    return this.#ahead.done === true
  }

  #item(): unknown {
    if (this.#ahead.done) throw malformed('The body ends early.')
    const { value } = this.#ahead
    this.#ahead = this.#items.next()
    return value
  }

  count(): number {
    const item = this.#item()
    if (!Number.isSafeInteger(item) || (item as number) < 0) throw malformed('No count.')
    return item as number
  }

  key(): string {
    const item = this.#item()
    if (typeof item !== 'string' || item === '__proto__') throw malformed('No key.')
    return item
  }

  value(depth = 1): unknown {
    const item = this.#item()
    if (Array.isArray(item)) return this.#node(depth)
    // The decoder gives a window onto the input, which its owner may use again.
    if (item instanceof Uint8Array) return new Uint8Array(item)
    if (typeof item === 'object' && item !== null && !(item instanceof Date))
      throw malformed('No value.')
    return item
  }

  #node(depth: number): NodeValue | Reference {
    const code = this.count()
    if (code === referenceCode && !this.#numbered) return new Reference(this.count())
    const kind = nodeKinds[code]
    if (kind === undefined) throw malformed(`Unknown node kind ${code}.`)
    if (depth > depthMax) throw malformed(`Deeper than ${depthMax}.`)
    const number = this.#numbered ? this.count() : undefined
    const size = this.count()
    const keys: string[] = []
    const values: unknown[] = []
    for (let i = 0; i < size; i++) {
      if (kind !== 'array') keys.push(this.key())
      values.push(this.value(depth + 1))
    }
    return new NodeValue(kind, number, keys, values)
  }

  operations(): Operation[] {
    const operations: Operation[] = []
    while (!this.atEnd) operations.push(this.#operation())
    return operations
  }

  #operation(): Operation {
    const code = this.count()
    const node = this.count()
    if (code === operationCodes.set)
      return { op: 'set', node, key: this.key(), value: this.value() }
    if (code === operationCodes.delete) return { op: 'delete', node, key: this.key() }
    if (code !== operationCodes.splice) throw malformed(`Unknown operation ${code}.`)
    const index = this.count()
    const remove = this.count()
    const size = this.count()
    const insert: unknown[] = []
    for (let i = 0; i < size; i++) insert.push(this.value())
    return { op: 'splice', node, index, remove, insert }
  }
}
