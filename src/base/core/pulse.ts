/** Whether a channel that brings news still does. */
import type { Clock } from './clock.ts'

/** How often a pulse beats, and what it means when none is heard. */
const pulseMs = {
  /** Between two beats. */
  interval: 250,
  /** A beat that was sent so long ago at most proves that all news before it have come. */
  fresh: 1_000,
  /** Nobody asked for so long: it rests until somebody does. */
  rest: 10_000,
} as const

/**
 * Sends beats through a channel to itself. A channel keeps the order, so whoever hears a beat has
 * heard all that was sent before it.
 */
export class Pulse {
  readonly #clock: Clock
  readonly #send: (beat: string) => Promise<unknown>
  readonly #name: string
  #count = 0
  /** When the beats were sent that have not come back yet; as many as are fresh at most. */
  readonly #sentMs = new Map<string, number>()
  #heardMs = Number.NEGATIVE_INFINITY
  #askedMs = Number.NEGATIVE_INFINITY
  #cancel: (() => void) | undefined
  #isStopped = false

  /**
   * @param name tells its beats from those of others on the same channel
   * @param send may fail: the beat isn't heard then
   */
  constructor(clock: Clock, name: string, send: (beat: string) => Promise<unknown>) {
    this.#clock = clock
    this.#name = name
    this.#send = send
  }

  /** Whether the news of all but the last second have come. */
  isFresh(): boolean {
    if (this.#isStopped) return false
    const nowMs = this.#clock.monotonicMs()
    this.#askedMs = nowMs
    if (!this.#cancel) this.#beat()
    return this.isHeard()
  }

  /** The same, without being asked to go on. */
  isHeard(): boolean {
    return this.#clock.monotonicMs() - this.#heardMs < pulseMs.fresh
  }

  /** Takes what came through the channel; false when it is no beat. */
  hear(text: string): boolean {
    if (!text.startsWith('beat ')) return false
    const sentMs = this.#sentMs.get(text)
    if (sentMs !== undefined) this.#heardMs = sentMs
    this.#sentMs.delete(text)
    return true
  }

  /** The channel was interrupted: what was heard proves nothing any more. */
  lose(): void {
    this.#heardMs = Number.NEGATIVE_INFINITY
    this.#sentMs.clear()
  }

  stop(): void {
    this.#isStopped = true
    this.#cancel?.()
    this.lose()
  }

  #beat(): void {
    const nowMs = this.#clock.monotonicMs()
    this.#cancel = undefined
    if (this.#isStopped || nowMs - this.#askedMs > pulseMs.rest) return
    for (const [beat, sentMs] of this.#sentMs)
      if (nowMs - sentMs >= pulseMs.fresh) this.#sentMs.delete(beat)
    this.#count += 1
    const beat = `beat ${this.#name} ${this.#count}`
    this.#sentMs.set(beat, nowMs)
    this.#send(beat).catch(() => {})
    this.#cancel = this.#clock.after(pulseMs.interval, () => this.#beat())
  }
}
