/** The ends that other processes made, read from the feed of the store. */
import type { SessionId } from '../../base/core/index.ts'
import { type Steps, wait } from './steps.ts'
import type { SessionEnd, SessionStore } from './store.ts'

/** Entries that one look reads; more wait for the next. */
const pageMax = 500

export class EndFeed {
  readonly #store: Pick<SessionStore, 'ends'>
  readonly #tell: (end: SessionEnd) => void
  /** The last entry that was read; nothing is told before the first look. */
  #position: number | undefined
  /** Ends of this process that the feed has not shown yet. */
  readonly #own = new Set<SessionId>()

  constructor(store: Pick<SessionStore, 'ends'>, tell: (end: SessionEnd) => void) {
    this.#store = store
    this.#tell = tell
  }

  /** An end that the listeners know already. */
  told(id: SessionId): void {
    if (this.#position !== undefined) this.#own.add(id)
  }

  *follow(): Steps<number> {
    const isFirst = this.#position === undefined
    let after = this.#position ?? 0
    let count = 0
    for (;;) {
      const page = yield* wait(this.#store.ends(after, pageMax))
      for (const end of page) {
        after = end.position
        if (isFirst || this.#own.delete(end.id)) continue
        count += 1
        this.#tell(end)
      }
      this.#position = after
      if (page.length < pageMax) return count
    }
  }
}
