/** Group commit: what all instances of a host want written in one turn is one batch. */
import { limits, SojournError } from '../../base/core/index.ts'
import type { Claim, Durability } from '../../base/protocol/index.ts'
import type { Journal, JournalEntry, JournalWrite } from './journal.ts'

export interface CommitsOptions {
  readonly journal: Journal
  /** Runs something after what is already due, such as `setImmediate`. */
  readonly defer: (run: () => void) => void
  /** Called once: no entry is answered with a yes any more, and the process must start over. */
  readonly onBroken: (error: SojournError) => void
}

interface Waiting {
  readonly write: JournalWrite
  readonly level: Durability
  readonly resolve: (written: boolean) => void
  readonly reject: (error: SojournError) => void
}

/**
 * Gathers entries while a turn of the event loop lasts, or a batch is being written, and writes
 * them in their order. What waits is bounded by its senders: each instance has few entries open,
 * each within `recordBytesMax`.
 */
export class Commits {
  readonly #options: CommitsOptions
  #waiting: Waiting[] = []
  /** A batch is due, or being written. */
  #isDue = false
  #fault: SojournError | undefined

  constructor(options: CommitsOptions) {
    this.#options = options
  }

  /**
   * Resolves when the entry is durable at its level, or with false when the journal refused it:
   * then it is not written.
   *
   * @throws SojournError `STORE_UNAVAILABLE` when a write or a sync failed: whether the entry is
   * written is unknown
   */
  add(
    claim: Claim,
    type: JournalWrite['type'],
    entry: JournalEntry,
    level: Durability,
  ): Promise<boolean> {
    if (this.#fault) return Promise.reject(this.#fault)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ write: { claim, type, entry }, level, resolve, reject })
      if (!this.#isDue) this.#schedule()
    })
  }

  #schedule(): void {
    this.#isDue = true
    this.#options.defer(() => this.#commit())
  }

  async #commit(): Promise<void> {
    const batch = this.#take()
    try {
      const written = await this.#options.journal.write(batch.map(({ write }) => write))
      // It may have broken at a sync meanwhile, and then nothing may be said any more.
      if (this.#fault) throw this.#fault
      this.#answer(batch, written)
    } catch (error) {
      this.#break(error, batch)
      return
    }
    if (this.#waiting.length > 0) this.#schedule()
    else this.#isDue = false
  }

  /** The oldest entries that fit into one batch, one at least. */
  #take(): readonly Waiting[] {
    let count = 0
    let bytes = 0
    for (const { write } of this.#waiting) {
      bytes += write.entry.envelope.byteLength + write.entry.section.byteLength
      if (count > 0 && (bytes > limits.batchBytesMax || count === limits.batchEntriesMax)) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }

  #answer(batch: readonly Waiting[], written: readonly boolean[]): void {
    const unsynced: Waiting[] = []
    for (const [index, waiting] of batch.entries()) {
      if (written[index] !== true) waiting.resolve(false)
      else if (waiting.level === 'process') waiting.resolve(true)
      else unsynced.push(waiting)
    }
    if (unsynced.length > 0) this.#sync(unsynced)
  }

  /** Nobody waits for this: the next batches are written while the disk is at work. */
  async #sync(unsynced: readonly Waiting[]): Promise<void> {
    try {
      await this.#options.journal.sync()
      if (this.#fault) throw this.#fault
      for (const { resolve } of unsynced) resolve(true)
    } catch (error) {
      this.#break(error, unsynced)
    }
  }

  #break(error: unknown, batch: readonly Waiting[]): void {
    const isFirst = !this.#fault
    this.#fault ??= new SojournError('STORE_UNAVAILABLE', 'The journal failed.', { cause: error })
    const fault = this.#fault
    for (const { reject } of batch.concat(this.#waiting.splice(0))) reject(fault)
    if (isFirst) this.#options.onBroken(fault)
  }
}
