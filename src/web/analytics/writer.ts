/** The way of events into the store: beside the requests, in batches, bounded. */
import { type Clock, type Log, newId, type Random } from '../../base/core/index.ts'
import type { SessionEvent } from '../session/index.ts'
import type { EventBatch, EventStore } from './store.ts'

/** Bounds of the way into the store. */
export const writerLimits = {
  /** Events that wait; the newest above it are dropped, and counted. */
  queuedMax: 10_000,
  /** Events of one batch; so many don't wait for `flushEveryMs`. */
  batchMax: 500,
  flushEveryMs: 1_000,
  /** The pause after a failure doubles up to this. */
  retryPauseMsMax: 30_000,
  /** Tries of one batch, about ten minutes; then its events are dropped, and counted. */
  triesMax: 25,
  /** Drops are said once in so long. */
  dropsSaidEveryMs: 10_000,
  /** How long `close()` waits for the store. */
  closeMs: 2_000,
} as const

/** With what a writer works. */
export interface WriterTools {
  readonly store: Pick<EventStore, 'append'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** Takes events at once and brings them to the store later, each batch once, in order. */
export class EventWriter {
  readonly #tools: WriterTools
  readonly #name: string
  readonly #queue: SessionEvent[] = []
  /** Stays the same over all tries, so that the store can tell that it has it. */
  #batch: EventBatch | undefined
  #seq = 0
  #tries = 0
  #dropped = 0
  #isClosed = false
  #cancel: (() => void) | undefined
  #cancelSaying = (): void => {}
  #isSoon = false
  /** The try that is under way. */
  #trying: Promise<boolean> | undefined

  constructor(tools: WriterTools) {
    this.#tools = tools
    this.#name = newId('w_', tools.random)
  }

  /** Never waits, never throws. */
  add(event: SessionEvent): void {
    const waiting = this.#queue.length + (this.#batch?.events.length ?? 0)
    if (this.#isClosed || waiting >= writerLimits.queuedMax) {
      this.#drop(1)
      return
    }
    this.#queue.push(event)
    this.#plan()
  }

  /**
   * Stores what waits, as long as the store takes it, at most `closeMs`; the rest is dropped, and
   * said. What comes later is dropped too.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#cancel?.()
    const { clock } = this.#tools
    let cancel = (): void => {}
    const deadline = new Promise<void>((resolve) => {
      cancel = clock.after(writerLimits.closeMs, resolve)
    })
    await Promise.race([this.#drain(), deadline])
    cancel()
    this.#drop(this.#queue.length + (this.#batch?.events.length ?? 0))
    this.#queue.length = 0
    this.#cancelSaying()
    this.#sayDrops()
  }

  async #drain(): Promise<void> {
    let isDone = (await this.#trying) ?? true
    while (isDone && (this.#batch || this.#queue.length > 0)) isDone = await this.#try()
  }

  /** A full batch goes at once, but never within the request that filled it. */
  #plan(): void {
    if (this.#isClosed || this.#trying || (!this.#batch && this.#queue.length === 0)) return
    const isFull = this.#queue.length >= writerLimits.batchMax && this.#tries === 0
    if (this.#cancel && (this.#isSoon || !isFull)) return
    this.#cancel?.()
    this.#isSoon = isFull
    this.#cancel = this.#tools.clock.after(isFull ? 0 : this.#pauseMs(), () => {
      this.#cancel = undefined
      this.#isSoon = false
      this.#try()
    })
  }

  #pauseMs(): number {
    const { flushEveryMs, retryPauseMsMax } = writerLimits
    return Math.min(flushEveryMs * 2 ** this.#tries, retryPauseMsMax)
  }

  /** Whether the batch is done with. */
  #try(): Promise<boolean> {
    this.#trying = this.#append().finally(() => {
      this.#trying = undefined
      this.#plan()
    })
    return this.#trying
  }

  async #append(): Promise<boolean> {
    const { store, log } = this.#tools
    this.#batch ??= {
      writer: this.#name,
      seq: ++this.#seq,
      events: this.#queue.splice(0, writerLimits.batchMax),
    }
    try {
      await store.append(this.#batch)
    } catch (error) {
      if (this.#tries++ === 0) log.warn({ err: error }, 'events could not be stored; trying again')
      if (this.#tries < writerLimits.triesMax) return false
      this.#drop(this.#batch.events.length)
    }
    this.#batch = undefined
    this.#tries = 0
    return true
  }

  #drop(count: number): void {
    if (count === 0) return
    if (this.#dropped === 0 && !this.#isClosed)
      this.#cancelSaying = this.#tools.clock.after(writerLimits.dropsSaidEveryMs, () =>
        this.#sayDrops(),
      )
    this.#dropped += count
  }

  #sayDrops(): void {
    if (this.#dropped > 0) this.#tools.log.warn({ events: this.#dropped }, 'events were dropped')
    this.#dropped = 0
  }
}
