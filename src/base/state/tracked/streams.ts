/** Turns of a graph as frames: one stream for everybody, or one for each audience. */

import { malformed } from '../../codec/format.ts'
import { everyone } from '../codec/format.ts'
import { Encoder, type KeyFilter } from './encoder.ts'
import type { Graph } from './graph.ts'
import { TrackedNode } from './node.ts'
import { ObjectNode } from './object-node.ts'
import { Stream } from './stream.ts'

/** One for all: it holds nothing from one frame to the next but its space. */
const encoder = new Encoder()

/** Names the audience of a key of the root. */
export type AudienceOf = (rootKey: string) => string

export class Streams {
  readonly #graph: Graph
  readonly #audienceOf: AudienceOf | undefined
  readonly #epoch: number
  readonly #streams: Map<string, Stream>
  /** The keys that the root has, and those of this turn. */
  readonly #byRootKey = new Map<string, Stream>()

  /** @param epoch which history the frames belong to; 0 is not written into them */
  constructor(
    graph: Graph,
    epoch: number,
    audienceOf: AudienceOf | undefined,
    known: Map<string, Stream> = new Map(),
  ) {
    this.#graph = graph
    this.#streams = known
    this.#epoch = epoch
    this.#audienceOf = audienceOf
    if (!audienceOf) return
    if (!(graph.root instanceof ObjectNode))
      throw new TypeError('audiences need a plain object as the state: they have keys of it')
    graph.beforeRootKey = (key) => this.#streamOf(key)
  }

  /** The stream of an audience, which may have seen nothing yet. */
  get(audience: string): Stream {
    const known = this.#streams.get(audience)
    if (known) return known
    const stream = new Stream(this.#epoch)
    this.#streams.set(audience, stream)
    return stream
  }

  /** Numbers all nodes of a state that no frame has told about. */
  number(): void {
    const { root } = this.#graph
    if (!this.#audienceOf) {
      root.stream = this.get(everyone)
      root.number = 1
    }
    for (const key of root.keys()) {
      const value = root.at(key)
      const stream = this.#streamOf(String(key))
      if (value instanceof TrackedNode) number(value, stream)
    }
  }

  /** Asks for each key once, before it is written: no foreign code runs while a turn is flushed. */
  #streamOf(rootKey: string): Stream {
    if (!this.#audienceOf) return this.get(everyone)
    const known = this.#byRootKey.get(rootKey)
    if (known) return known
    const audience: unknown = this.#audienceOf(rootKey)
    if (typeof audience !== 'string')
      throw new TypeError(`audienceOf(${JSON.stringify(rootKey)}) must be a text, got ${audience}`)
    const stream = this.get(audience)
    this.#byRootKey.set(rootKey, stream)
    return stream
  }

  #filter(stream: Stream): KeyFilter | undefined {
    return this.#audienceOf && ((key) => this.#streamOf(key) === stream)
  }

  /** The frame of the turn, of a state that is for everyone; ends the turn. */
  flushForEveryone(): Uint8Array | undefined {
    const graph = this.#graph
    if (graph.changed.length === 0) return undefined
    graph.settle()
    const frame = this.#frame(this.get(everyone), graph.changed)
    graph.endTurn()
    return frame
  }

  /** The frames of the turn, by audience; ends the turn. */
  flush(): Map<string, Uint8Array> {
    const graph = this.#graph
    graph.settle()
    this.#transfer()
    const frames = new Map<string, Uint8Array>()
    const changed = this.#changedByStream()
    for (const [audience, stream] of this.#streams) {
      const nodes = changed.get(stream)
      const frame = nodes && this.#frame(stream, nodes)
      if (frame) frames.set(audience, frame)
    }
    if (graph.root.isChanged)
      for (const { key } of (graph.root as ObjectNode).writes)
        if (!Object.hasOwn(graph.root.raw, key)) this.#byRootKey.delete(key)
    graph.endTurn()
    return frames
  }

  /** Whether these keys of the root are all of one audience: a restored state must fit. */
  checkRootKeys(audience: string, keys: Iterable<string>): void {
    for (const key of keys)
      if (this.#streamOf(key) !== this.get(audience))
        throw malformed(`The key ${key} is not of the audience ${audience}.`)
  }

  /** Nodes that their stream knows; new ones are spelled out where they hang. */
  #changedByStream(): Map<Stream, TrackedNode[]> {
    const changed = new Map<Stream, TrackedNode[]>()
    const add = (stream: Stream, node: TrackedNode): void => {
      const nodes = changed.get(stream)
      if (!nodes) changed.set(stream, [node])
      else if (nodes.at(-1) !== node) nodes.push(node)
    }
    const { root } = this.#graph
    for (const node of this.#graph.changed) {
      if (node.stream) add(node.stream, node)
      else if (node === root)
        for (const { key } of (node as ObjectNode).writes) add(this.#streamOf(key), node)
    }
    return changed
  }

  #frame(stream: Stream, nodes: readonly TrackedNode[]): Uint8Array | undefined {
    // What is new gets its number on the way, and is spelled out as it is now.
    const firstNew = stream.next
    encoder.begin(stream)
    for (const node of nodes) {
      if (node.stream === stream && node.number < firstNew)
        encoder.changes(node, node.number, stream)
      else if (node === this.#graph.root && !node.stream)
        encoder.changes(node, 1, stream, this.#filter(stream))
    }
    return encoder.end(stream)
  }

  /** A node that moved to another audience is a new one there, with all that is inside. */
  #transfer(): void {
    const { root } = this.#graph
    const forget = (node: TrackedNode, stream: Stream): void => {
      if (node.stream === stream) return
      node.stream = undefined
      node.number = 0
      for (const child of node.children()) forget(child, stream)
    }
    for (const node of this.#graph.moved()) {
      if (node === root) continue
      let top = node
      while (top.parent && top.parent !== root) top = top.parent
      forget(node, this.#streamOf(String(root.keyOf(top))))
    }
  }

  /** The whole state as an audience sees it; the same bytes until its next frame. */
  snapshot(audience: string): Uint8Array {
    const { root, changed } = this.#graph
    if (changed.length > 0) throw new RangeError('flush() or rollback() before snapshot()')
    const stream = this.get(audience)
    if (!stream.snapshot) {
      stream.snapshot = encoder.snapshot(stream, root, this.#filter(stream))
      stream.needsFreshKeys = true
    }
    return stream.snapshot
  }
}

function number(node: TrackedNode, stream: Stream): void {
  node.stream = stream
  node.number = stream.next++
  for (const child of node.children()) number(child, stream)
}
