import { malformed } from '../../codec/format.ts'
import { isContainer } from '../../codec/plain.ts'
import { decodeFrame, decodeHead, decodeSnapshot } from '../codec/decode.ts'
import { everyone } from '../codec/format.ts'
import { Cell } from '../replica/cell.ts'
import { Table } from '../replica/table.ts'
import { Graph } from './graph.ts'
import type { TrackedNode } from './node.ts'
import { Stream } from './stream.ts'
import { type AudienceOf, Streams } from './streams.ts'

/** How a tracker watches its state. */
export interface TrackOptions {
  /** Called before each write; throws to refuse it. Default: every write is welcome. */
  readonly guard?: () => void
  /**
   * Names the history that frames and snapshots belong to, from 1 up: a replica refuses frames of
   * another one. Default 0: not told, one byte less a frame.
   */
  readonly epoch?: number
}

/** What all tracked states have in common. */
interface Watched<T extends object> {
  /**
   * The state: read and mutate it like the plain object that it looks like. What is written is
   * copied in. Reads of Date and Uint8Array give the stored value, to be replaced, never changed.
   *
   * @throws SojournError `STATE_UNSUPPORTED` when something is written that no state can hold
   */
  readonly state: T
  /** Forgets all changes since the last flush; costs as much as the changes did. */
  rollback(): void
}

/** A state whose changes are recorded. */
export interface Tracked<T extends object> extends Watched<T> {
  /** The seq of the last frame; 0 before the first. */
  readonly seq: number
  /**
   * One frame with all changes since the last flush; `undefined` when there are none.
   *
   * @throws SojournError `STATE_UNSUPPORTED` when an object has two places, or is deeper than 128;
   * nothing is flushed then, and `rollback()` is a way out
   */
  flush(): Uint8Array | undefined
  /**
   * The whole state at `seq`; the same bytes until the next frame.
   *
   * @throws RangeError when there are changes that were not flushed
   */
  snapshot(): Uint8Array
}

/** A state of which each audience sees its own keys, in a stream of its own. */
export interface TrackedByAudience<T extends object> extends Watched<T> {
  /** The seq of an audience's last frame; 0 before the first. */
  seqOf(audience: string): number
  /**
   * The frames with all changes since the last flush, by audience; none for an audience that sees
   * no change.
   *
   * @throws SojournError `STATE_UNSUPPORTED` as `Tracked.flush`
   */
  flush(): ReadonlyMap<string, Uint8Array>
  /**
   * What an audience sees, at its seq; the same bytes until its next frame. Audiences are
   * remembered for good: their numbers must not begin again.
   *
   * @throws RangeError when there are changes that were not flushed
   */
  snapshot(audience: string): Uint8Array
}

/** Where a stream stands in a journal: a snapshot and the frames since. */
export interface StoredStream {
  readonly snapshot: Uint8Array
  readonly frames: Iterable<Uint8Array>
}

/**
 * Starts to track a copy of `initial`, a plain object, array or Map.
 *
 * @throws TypeError when `initial` is none of them
 * @throws SojournError `STATE_UNSUPPORTED` when it holds something that no state can hold
 */
export function track<T extends object>(initial: T, options: TrackOptions = {}): Tracked<T> {
  return new ForEveryone(...start(initial, options, undefined))
}

/**
 * The same for a plain object whose keys are not for everybody: frames and snapshots of an
 * audience show its keys and no trace of others. An object that moves to a key of another
 * audience is a new one there.
 *
 * @param audienceOf names the audience of a key of the state, like `'everyone'` or `'user:42'`;
 * always the same for the same key
 * @throws TypeError when `initial` is no plain object
 * @throws SojournError `STATE_UNSUPPORTED` as `track`
 */
export function trackByAudience<T extends object>(
  initial: T,
  audienceOf: AudienceOf,
  options: TrackOptions = {},
): TrackedByAudience<T> {
  return byAudience(...start(initial, options, audienceOf))
}

/**
 * The tracker as it was after `snapshot` and `frames`, with the same node numbers: the frames it
 * makes fit replicas that saw the earlier ones. Frames that the snapshot contains are skipped.
 *
 * @throws SojournError `FRAME_MALFORMED`, also when a frame is missing
 */
export function restore<T extends object>(
  snapshot: Uint8Array,
  frames: Iterable<Uint8Array>,
  options: TrackOptions = {},
): Tracked<T> {
  const stored = new Map([[everyone, { snapshot, frames }]])
  return new ForEveryone(...resume<T>(stored, options, undefined))
}

/**
 * The same for a state with audiences. Keys of the state come in the order of the streams.
 *
 * @throws SojournError `FRAME_MALFORMED`, also when a frame is missing
 */
export function restoreByAudience<T extends object>(
  stored: ReadonlyMap<string, StoredStream>,
  audienceOf: AudienceOf,
  options: TrackOptions = {},
): TrackedByAudience<T> {
  return byAudience(...resume<T>(stored, options, audienceOf))
}

type Parts<T> = [state: T, graph: Graph, streams: Streams]

function start<T extends object>(
  initial: T,
  options: TrackOptions,
  audienceOf: AudienceOf | undefined,
): Parts<T> {
  if (!isContainer(initial)) throw new TypeError('track a plain object, an array or a Map')
  const epoch = checkedEpoch(options.epoch ?? 0)
  const graph = new Graph((fresh) => fresh.bring(initial, () => 'state') as TrackedNode, options)
  const streams = new Streams(graph, epoch, audienceOf)
  streams.number()
  return [graph.root.proxy as T, graph, streams]
}

function resume<T extends object>(
  stored: ReadonlyMap<string, StoredStream>,
  options: TrackOptions,
  audienceOf: AudienceOf | undefined,
): Parts<T> {
  const tables = new Map<Stream, Table>()
  const known = new Map<string, Stream>()
  for (const [audience, one] of stored) {
    const table = replay(one)
    const epoch = checkedEpoch(options.epoch ?? table.epoch)
    const stream = new Stream(epoch, table.seq, table.next)
    known.set(audience, stream)
    tables.set(stream, table)
  }
  const graph = new Graph((fresh) => {
    const [first] = tables
    if (first && !audienceOf) return thaw(fresh, first[1].root, first[0])
    const root = fresh.makeNode('object')
    for (const [stream, table] of tables) fill(root, table.root, stream)
    return root
  }, options)
  const [stream] = known.values()
  const epoch = options.epoch ?? stream?.epoch ?? 0
  const streams = new Streams(graph, epoch, audienceOf, known)
  if (audienceOf)
    for (const [audience, own] of known)
      streams.checkRootKeys(audience, tables.get(own)?.root.entries.keys() ?? [])
  return [graph.root.proxy as T, graph, streams]
}

function checkedEpoch(epoch: number): number {
  if (!Number.isSafeInteger(epoch) || epoch < 0) throw new RangeError(`An epoch of ${epoch}`)
  return epoch
}

function replay({ snapshot, frames }: StoredStream): Table {
  const table = new Table(decodeSnapshot(snapshot))
  for (const bytes of frames) {
    const head = decodeHead(bytes)
    if (head.kind !== 'frame') throw malformed('A snapshot in place of a frame.')
    if (head.seq <= table.seq) continue
    if (head.seq > table.seq + 1) throw malformed(`Frame ${table.seq + 1} is missing.`)
    if (head.epoch < table.epoch) throw malformed('A frame of an earlier epoch.')
    table.apply(decodeFrame(bytes, table.keys, head))
  }
  return table
}

/** The tracked node of a replica's cell, under the same number. */
function thaw(graph: Graph, cell: Cell, stream: Stream): TrackedNode {
  const node = graph.makeNode(cell.kind)
  node.number = cell.number
  node.stream = stream
  fill(node, cell, stream)
  return node
}

function fill(node: TrackedNode, cell: Cell, stream: Stream): void {
  const inside = (item: unknown): unknown =>
    item instanceof Cell ? thaw(node.graph, item, stream) : item
  for (const item of cell.items) node.load(0, inside(item))
  for (const [key, item] of cell.entries) node.load(key, inside(item))
}

/** Its functions are fields, so that they can be taken out of it. */
class ForEveryone<T extends object> implements Tracked<T> {
  readonly state: T
  readonly #stream: Stream
  readonly flush: () => Uint8Array | undefined
  readonly snapshot: () => Uint8Array
  readonly rollback: () => void

  constructor(state: T, graph: Graph, streams: Streams) {
    this.state = state
    this.#stream = streams.get(everyone)
    this.flush = () => streams.flushForEveryone()
    this.snapshot = () => streams.snapshot(everyone)
    this.rollback = () => graph.rollback()
  }

  get seq(): number {
    return this.#stream.seq
  }
}

function byAudience<T extends object>(
  state: T,
  graph: Graph,
  streams: Streams,
): TrackedByAudience<T> {
  return {
    state,
    seqOf: (audience) => streams.get(audience).seq,
    flush: () => streams.flush(),
    snapshot: (audience) => streams.snapshot(audience),
    rollback: () => graph.rollback(),
  }
}
