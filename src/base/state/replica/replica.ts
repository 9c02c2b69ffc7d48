import { decodeFrame, decodeHead, decodeSnapshot } from '../codec/decode.ts'
import { everyone } from '../codec/format.ts'
import { Table } from './table.ts'

/** A type with every property, item and entry read-only. */
export type DeepReadonly<T> = T extends ((...args: never[]) => unknown) | Date | Uint8Array
  ? T
  : T extends ReadonlyMap<infer Key, infer Value>
    ? ReadonlyMap<Key, DeepReadonly<Value>>
    : T extends object
      ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
      : T

/**
 * What became of the bytes: `'applied'`; `'duplicate'`, a frame that was taken before; `'gap'`, one
 * that needs an earlier frame, or the first snapshot; `'foreign'`, one of another epoch. But for
 * the first, nothing changed.
 */
export type Applied = 'applied' | 'duplicate' | 'gap' | 'foreign'

/** A read-only copy of a tracked state, kept up to date by its frames. */
export interface Replica<T> {
  /**
   * The state at `seq`; `undefined` before the first snapshot. Immutable: a frame makes new
   * objects where something changed and keeps all others, so `===` tells what changed. With
   * several audiences it has the keys of all whose snapshots were taken.
   */
  readonly state: DeepReadonly<T> | undefined
  /** The seq of the last frame or snapshot for everyone; 0 before the first. */
  readonly seq: number
  /** The same for one audience. */
  seqOf(audience: string): number
  /**
   * Takes a frame or snapshot. A snapshot is always taken; objects that look just as before keep
   * their identity.
   *
   * @param audience whose stream the bytes are of; default `'everyone'`
   * @throws SojournError `FRAME_MALFORMED` for anything else; the state is unchanged then
   */
  apply(bytes: Uint8Array, audience?: string): Applied
  /** Forgets what an audience showed: this replica belongs to it no longer. */
  leave(audience: string): void
}

/** A replica that waits for its first snapshot. */
export function replica<T>(): Replica<T> {
  const tables = new Map<string, Table>()
  let parts: readonly object[] = []
  let merged: object | undefined
  return {
    get state() {
      if (tables.size < 2) {
        const [only] = tables.values()
        return only?.root.view as DeepReadonly<T> | undefined
      }
      const views = Array.from(tables.values(), ({ root }) => root.view)
      if (views.length !== parts.length || views.some((view, i) => view !== parts[i])) {
        parts = views
        merged = Object.assign({}, ...views) as object
      }
      return merged as DeepReadonly<T>
    },
    get seq() {
      return this.seqOf(everyone)
    },
    seqOf: (audience) => tables.get(audience)?.seq ?? 0,
    apply(bytes, audience = everyone) {
      const head = decodeHead(bytes)
      const table = tables.get(audience)
      if (head.kind === 'snapshot') {
        tables.set(audience, new Table(decodeSnapshot(bytes, head), table))
        return 'applied'
      }
      if (table === undefined) return 'gap'
      if (head.epoch !== table.epoch) return 'foreign'
      if (head.seq <= table.seq) return 'duplicate'
      if (head.seq > table.seq + 1) return 'gap'
      // It goes on from a frame with keys that the snapshot was not followed by.
      if (table.needsFreshKeys && !head.freshKeys) return 'gap'
      table.apply(decodeFrame(bytes, table.keys, head))
      return 'applied'
    },
    leave: (audience) => {
      tables.delete(audience)
    },
  }
}
