/** Presence on the client: what the others show, and our own newest value, sent not too often. */
import type { Clock } from '../base/core/index.ts'
import { encodeFromClient, type PresenceEntry } from '../base/protocol/index.ts'

const sendEveryMs = 33

export class Presence {
  others: readonly PresenceEntry[] = []
  readonly #clock: Clock
  #own: unknown
  #isSet = false
  #send: ((bytes: Uint8Array) => void) | undefined
  #waiting = false
  #sentAtMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  set(value: unknown): void {
    this.#own = value
    this.#isSet = true
    if (this.#waiting) return
    const pauseMs = this.#sentAtMs + sendEveryMs - this.#clock.monotonicMs()
    if (pauseMs <= 0) {
      this.#flush()
      return
    }
    this.#waiting = true
    this.#clock.after(pauseMs, () => {
      this.#waiting = false
      this.#flush()
    })
  }

  /** After a welcome: the others as they are now; our own value is shown again. */
  enter(others: readonly PresenceEntry[], send: (bytes: Uint8Array) => void): void {
    this.others = others
    this.#send = send
    if (this.#isSet) this.#flush()
  }

  /** The connection is gone; so is what we knew of the others. */
  leave(): void {
    this.others = []
    this.#send = undefined
  }

  show(entry: PresenceEntry): void {
    const at = this.others.findIndex((other) => other.connection === entry.connection)
    this.others = at < 0 ? [...this.others, entry] : this.others.with(at, entry)
  }

  hide(connection: string): void {
    this.others = this.others.filter((other) => other.connection !== connection)
  }

  #flush(): void {
    if (!this.#send) return
    this.#sentAtMs = this.#clock.monotonicMs()
    this.#send(encodeFromClient({ type: 'presence', value: this.#own ?? null }))
  }
}
