/** What the answers to pings tell: how far away the server is, and what its clock says. */
import type { Clock } from '../base/core/index.ts'

/** Answers that are compared. */
const keptMax = 8
/** The server tells whole milliseconds. */
const roundingMs = 1

interface Answer {
  readonly roundTripMs: number
  /** The server's wall time minus our monotonic time; off by half of the round trip at most. */
  readonly aheadMs: number
}

export class RoundTrips {
  readonly #clock: Clock
  #answers: Answer[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Of the last ping that was answered. */
  get lastMs(): number | undefined {
    return this.#answers.at(-1)?.roundTripMs
  }

  take({ sentMs, serverMs }: { readonly sentMs: number; readonly serverMs: number }): void {
    const nowMs = this.#clock.monotonicMs()
    const roundTripMs = nowMs - sentMs
    const answer = { roundTripMs, aheadMs: serverMs + roundTripMs / 2 - nowMs }
    // Two that can't both be true: one of the clocks was set, or stood still while it slept.
    this.#answers = this.#answers.filter(
      ({ aheadMs, roundTripMs }) =>
        Math.abs(aheadMs - answer.aheadMs) <= (roundTripMs + answer.roundTripMs) / 2 + roundingMs,
    )
    this.#answers = [...this.#answers.slice(1 - keptMax), answer]
  }

  /** The quickest answer is the surest; before the first one the own clock has to do. */
  serverTimeMs(): number {
    const [best] = this.#answers.toSorted((a, b) => a.roundTripMs - b.roundTripMs)
    return best ? this.#clock.monotonicMs() + best.aheadMs : this.#clock.nowMs()
  }
}
