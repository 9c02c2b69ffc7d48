/** Reads values whose containers are nodes. */
import {
  type ContainerKind,
  depthMax,
  malformed,
  ownByteMax,
  valueCodes,
} from '../../codec/format.ts'
import { kindOfCode, Reader } from '../../codec/reader.ts'
import { type Head, NodeValue, Reference } from './format.ts'

export class NodeReader extends Reader {
  /** The number that a node has unless it says another one; frames leave that to the replica. */
  #next: number | undefined

  /**
   * @param keys the dictionary before these bytes
   * @param kind in a snapshot nodes have numbers; in a frame a number names a node that is there
   */
  openNodes(bytes: Uint8Array, start: number, keys: readonly string[], kind: Head['kind']): void {
    this.open(bytes, start, keys)
    this.#next = kind === 'snapshot' ? 1 : undefined
  }

  value(depth = 1): unknown {
    const code = this.byte()
    if (code < ownByteMax) return code
    const kind = kindOfCode[code]
    if (kind !== undefined) return this.#node(kind, depth)
    if (code !== valueCodes.node) return this.leaf(code)
    const number = this.varint()
    if (this.#next === undefined) return new Reference(number)
    const numbered = kindOfCode[this.byte()]
    if (numbered === undefined) throw malformed('A number without a node.')
    this.#next = number
    return this.#node(numbered, depth)
  }

  #node(kind: ContainerKind, depth: number): NodeValue {
    if (depth > depthMax) throw malformed(`Deeper than ${depthMax}.`)
    const number = this.#next
    if (number !== undefined) this.#next = number + 1
    const size = this.varint()
    const keys: string[] = []
    const values: unknown[] = []
    for (let i = 0; i < size; i++) {
      if (kind !== 'array') keys.push(this.key(this.varint()))
      values.push(this.value(depth + 1))
    }
    return new NodeValue(kind, number, keys, values)
  }
}
