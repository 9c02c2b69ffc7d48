/** Frames and snapshots of tracked nodes as bytes (docs/protocol.md). */

import { valueCodes } from '../../codec/format.ts'
import { KeyNumbers } from '../../codec/keys.ts'
import { Writer, zigzag } from '../../codec/writer.ts'
import { formatVersion, headFlags, operationCodes, pieceCodes } from '../codec/format.ts'
import { arrange } from './arrange.ts'
import type { ArrayNode } from './array-node.ts'
import type { KeyedNode } from './keyed-node.ts'
import { TrackedNode } from './node.ts'
import { type NetSplice, netSplices } from './splices.ts'
import type { Stream } from './stream.ts'
import { absent } from './writes.ts'

/** Tells the keys of the root that an audience sees. */
export type KeyFilter = (key: string) => boolean

/** Any value will do that costs one byte. */
const placeholder = null

/** Writes one frame or snapshot at a time; why its fields are no `#` fields: see `Writer`. */
export class Encoder {
  readonly #writer = new Writer()
  private keys = new KeyNumbers()
  private bodyStart = 0
  /** The node that the next operation is of. */
  private node = 1

  /** Begins the next frame of a stream. */
  begin(stream: Stream): void {
    this.#writer.drop()
    if (stream.keys.isFull) stream.needsFreshKeys = true
    if (stream.needsFreshKeys) stream.keys.clear()
    const fresh = stream.needsFreshKeys ? headFlags.freshKeys : 0
    this.#head(stream, headFlags.frame | fresh, stream.seq + 1)
    this.keys = stream.keys
    this.node = 1
  }

  #head({ epoch }: Stream, flags: number, seq: number): void {
    this.#writer.byte((formatVersion << 4) | flags | (epoch > 0 ? headFlags.epoch : 0))
    this.#writer.varint(seq)
    if (epoch > 0) this.#writer.varint(epoch)
    this.bodyStart = this.#writer.length
  }

  /** The frame; `undefined` when nothing was changed, and then it is as if it never began. */
  end(stream: Stream): Uint8Array | undefined {
    if (this.#writer.length === this.bodyStart) {
      this.#writer.drop()
      return undefined
    }
    stream.needsFreshKeys = false
    stream.seq += 1
    stream.snapshot = undefined
    return this.#writer.take(stream.memory)
  }

  #operation(node: number, code: number, argument: number): void {
    if (node !== this.node) {
      this.#writer.varint(zigzag(node - this.node) * 4 + operationCodes.node)
      this.node = node
    }
    this.#writer.varint(argument * 4 + code)
  }

  /**
   * What the turn changed in a node.
   *
   * @param number its number in the stream
   * @param stream whose frame it is
   * @param isSeen leaves out the keys of other audiences
   */
  changes(node: TrackedNode, number: number, stream: Stream, isSeen?: KeyFilter): void {
    if (node.kind === 'array') this.#array(node as ArrayNode, number, stream)
    else this.#keyed(node as KeyedNode, number, stream, isSeen)
  }

  #keyed(node: KeyedNode, number: number, stream: Stream, isSeen?: KeyFilter): void {
    for (let write = node.writes.first; write; write = write.next) {
      const { key, before, now, isReinserted } = write
      if (isSeen && !isSeen(key)) continue
      if (Object.is(now, before) && !isReinserted) continue
      if (before !== absent && (now === absent || isReinserted))
        this.#keyOperation(number, operationCodes.delete, key)
      if (now === absent) continue
      this.#keyOperation(number, operationCodes.set, key)
      this.#value(now, stream)
    }
  }

  #keyOperation(node: number, code: number, key: string): void {
    const number = this.keys.take(key)
    this.#operation(node, code, number)
    if (number === 0) this.#writer.text(key)
  }

  #key(key: string): void {
    const number = this.keys.take(key)
    this.#writer.varint(number)
    if (number === 0) this.#writer.text(key)
  }

  #array(node: ArrayNode, number: number, stream: Stream): void {
    if (node.before) this.#arrange(node, node.before, number, stream)
    else
      for (const splice of netSplices(node.splices, placeholder))
        this.#splice(splice, number, stream)
  }

  #splice({ index, remove, insert }: NetSplice, number: number, stream: Stream): void {
    this.#operation(number, operationCodes.array, index * 2)
    this.#writer.varint(remove)
    this.#writer.varint(insert.length)
    for (const item of insert) this.#value(item, stream)
  }

  #arrange(node: ArrayNode, before: readonly unknown[], number: number, stream: Stream): void {
    const change = arrange(before, node.raw)
    if (!change) return
    const { index, remove, pieces } = change
    this.#operation(number, operationCodes.array, index * 2 + 1)
    this.#writer.varint(remove)
    this.#writer.varint(pieces.length)
    let end = 0
    for (const piece of pieces) {
      if ('values' in piece) {
        this.#writer.varint(piece.values.length * 4 + pieceCodes.values)
        for (const value of piece.values) this.#value(value, stream)
        continue
      }
      const { start, count } = piece
      const code = count === 1 ? pieceCodes.item : pieceCodes.items
      this.#writer.varint(zigzag(start - end) * 4 + code)
      if (count > 1) this.#writer.varint(count)
      end = start + count
    }
  }

  /** A node that the stream doesn't have yet gets its next number and is spelled out. */
  #value(value: unknown, stream: Stream): void {
    if (!(value instanceof TrackedNode)) {
      this.#writer.leaf(value)
    } else if (value.stream === stream) {
      this.#writer.byte(valueCodes.node)
      this.#writer.varint(value.number)
    } else {
      value.stream = stream
      value.number = stream.next++
      this.#content(value, (item) => this.#value(item, stream))
    }
  }

  #content(node: TrackedNode, write: (item: unknown) => void, isSeen?: KeyFilter): void {
    const keys = isSeen ? [...(node as KeyedNode).keys()].filter(isSeen) : node.keys()
    this.#writer.byte(valueCodes[node.kind])
    this.#writer.varint(isSeen ? (keys as string[]).length : node.size)
    for (const key of keys) {
      if (typeof key === 'string') this.#key(key)
      write(node.at(key))
    }
  }

  /** All that a stream shows, with a dictionary of its own. */
  snapshot(stream: Stream, root: TrackedNode, isSeen?: KeyFilter): Uint8Array {
    this.#writer.drop()
    this.#head(stream, 0, stream.seq)
    this.#writer.varint(stream.next)
    this.keys = new KeyNumbers()
    let next = 2
    const write = (item: unknown): void => {
      if (!(item instanceof TrackedNode)) {
        this.#writer.leaf(item)
        return
      }
      if (item.number !== next) {
        this.#writer.byte(valueCodes.node)
        this.#writer.varint(item.number)
      }
      next = item.number + 1
      this.#content(item, write)
    }
    this.#content(root, write, isSeen)
    return this.#writer.take()
  }
}
