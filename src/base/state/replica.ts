import { decodeBytes, decodeHeader } from './codec.ts'
import type { Frame, Snapshot } from './format.ts'
import { Table, viewOf } from './table.ts'

/** A type with every property, item and entry read-only. */
export type DeepReadonly<T> = T extends ((...args: never[]) => unknown) | Date | Uint8Array
  ? T
  : T extends ReadonlyMap<infer Key, infer Value>
    ? ReadonlyMap<Key, DeepReadonly<Value>>
    : T extends object
      ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
      : T

/** A read-only copy of a tracked state, kept up to date by its frames. */
export interface Replica<T> {
  /**
   * The state at `seq`; `undefined` before the first snapshot. Immutable: a frame makes new
   * objects where something changed and keeps all others, so `===` tells what changed.
   */
  readonly state: DeepReadonly<T> | undefined
  /** The seq of the last frame or snapshot taken; 0 before the first. */
  readonly seq: number
  /**
   * Takes a frame or snapshot. A snapshot always replaces the state.
   *
   * @returns `'applied'`; `'duplicate'` when this seq was seen already; `'gap'` when a frame
   * before it, or the first snapshot, is missing (the state is unchanged then)
   * @throws SojournError `FRAME_MALFORMED` for anything else; the state is unchanged then
   */
  apply(bytes: Uint8Array): 'applied' | 'duplicate' | 'gap'
}

/** A replica that waits for its first snapshot. */
export function replica<T>(): Replica<T> {
  let table: Table | undefined
  let seq = 0
  return {
    get state() {
      return table && (viewOf(table.root) as DeepReadonly<T>)
    },
    get seq() {
      return seq
    },
    apply(bytes) {
      const header = decodeHeader(bytes)
      if (header.kind === 'frame') {
        if (table === undefined || header.seq > seq + 1) return 'gap'
        if (header.seq <= seq) return 'duplicate'
        table.apply(decodeBytes(bytes) as Frame)
      } else {
        table = new Table(decodeBytes(bytes) as Snapshot)
      }
      seq = header.seq
      return 'applied'
    },
  }
}
