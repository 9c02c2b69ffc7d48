/** The last frames of an instance: what a client that was away can be given instead of a snapshot. */
import { limits } from '../../base/core/index.ts'
import type { Cursor, StoredFrame } from '../../base/protocol/index.ts'

export interface Tail {
  /** Where the state stands. */
  readonly head: Cursor
  push(frame: StoredFrame): void
  /**
   * The frames that a client at `cursor` missed. `undefined` when the cursor isn't one of this
   * history (another claim, ahead of the head, or older than the tail): it needs a snapshot.
   */
  after(cursor: Cursor): readonly StoredFrame[] | undefined
}

/** @param base where the state stood before the first frame that will be pushed */
export function createTail(base: Cursor, bytesMax: number = limits.recordBytesPerSnapshot): Tail {
  const frames: StoredFrame[] = []
  /** Where the tail begins in `frames`: to shift a long array costs as much as it is long. */
  let start = 0
  let bytes = 0
  let head: Cursor = base

  function push(frame: StoredFrame): void {
    frames.push(frame)
    head = frame
    bytes += frame.bytes.byteLength
    while (bytes > bytesMax && frames.length - start > 1) {
      bytes -= frames[start]?.bytes.byteLength ?? 0
      start += 1
    }
    if (start <= frames.length / 2) return
    frames.splice(0, start)
    start = 0
  }

  function after(cursor: Cursor): readonly StoredFrame[] | undefined {
    if (same(cursor, head)) return []
    const first = frames[start]?.seq ?? head.seq + 1
    if (same(cursor, base) && first === base.seq + 1) return frames.slice(start)
    const at = start + cursor.seq - first
    const frame = at < start ? undefined : frames[at]
    return frame && same(cursor, frame) ? frames.slice(at + 1) : undefined
  }

  return {
    get head() {
      return { epoch: head.epoch, nonce: head.nonce, seq: head.seq }
    },
    push,
    after,
  }
}

const same = (a: Cursor, b: Cursor): boolean =>
  a.seq === b.seq && a.epoch === b.epoch && a.nonce === b.nonce
