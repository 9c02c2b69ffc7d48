/** What one audience sees: a stream of frames with numbers, keys and a seq of its own. */
import { KeyNumbers } from '../../codec/keys.ts'
import { Memory } from '../../codec/writer.ts'

export class Stream {
  /** Which history its frames belong to; 0 when nobody said. */
  readonly epoch: number
  /** The seq of its last frame; 0 before the first. */
  seq: number
  /** The number that its next new node gets; the root has 1. */
  next: number
  readonly keys: KeyNumbers = new KeyNumbers()
  /** Where its frames lie: one stream never shares memory with another. */
  readonly memory: Memory = new Memory()
  /**
   * Whether the next frame begins the dictionary anew. So it does after a snapshot, which then
   * need not carry the dictionary: who joins by it knows as many keys as everybody else.
   */
  needsFreshKeys = true
  /** The whole state at `seq`, once somebody asked. */
  snapshot: Uint8Array | undefined

  constructor(epoch: number, seq = 0, next = 2) {
    this.epoch = epoch
    this.seq = seq
    this.next = next
  }
}
