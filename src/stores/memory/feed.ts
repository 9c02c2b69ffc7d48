import type { SessionId } from '../../base/core/index.ts'
import type { EndReason, SessionEnd } from '../../web/session/index.ts'

interface Entry extends SessionEnd {
  readonly atMs: number
}

/** The newest `entriesMax` ends. */
export class Feed {
  readonly #entriesMax: number
  readonly #entries = new Map<number, Entry>()
  #first = 1
  #next = 1

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax
  }

  add(id: SessionId, reason: EndReason, atMs: number): void {
    const position = this.#next++
    this.#entries.set(position, { position, id, reason, atMs })
    // A reader looks several times a second; so many ends between two looks are none of a server
    // that fits into one process.
    if (this.#entries.size > this.#entriesMax) this.forget(Number.POSITIVE_INFINITY, 1)
  }

  after(position: number, limit: number): readonly SessionEnd[] {
    const found: SessionEnd[] = []
    for (let at = Math.max(position + 1, this.#first); found.length < limit; at++) {
      const entry = this.#entries.get(at)
      if (!entry) break
      found.push({ position: at, id: entry.id, reason: entry.reason })
    }
    return found
  }

  /** Drops the oldest entries that were added up to a time, at most `limit`. */
  forget(untilMs: number, limit: number): void {
    for (let count = 0; count < limit; count++) {
      const entry = this.#entries.get(this.#first)
      if (!entry || entry.atMs > untilMs) return
      this.#entries.delete(this.#first++)
    }
  }
}
