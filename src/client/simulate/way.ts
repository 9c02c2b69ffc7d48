/** One direction of a stream: nothing is missing, nothing overtakes, but a loss holds all behind it. */
import type { Clock } from '../../base/core/index.ts'
import type { NetworkQuality } from './index.ts'

export interface WayOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly quality: Readonly<NetworkQuality>
}

/** TCP waits at least about so long before it sends again. */
const resendMsMin = 200
/** A message is lost at most so often in a row, so that a share of 1 is slow and not for ever. */
const resendsMax = 5

interface Parcel {
  readonly atMs: number
  readonly deliver: () => void
}

export class Way {
  readonly #options: WayOptions
  /** On the way, in the order sent: each waits for its time, and for those before it. */
  #parcels: Parcel[] = []
  #cancel: (() => void) | undefined

  constructor(options: WayOptions) {
    this.#options = options
  }

  take(deliver: () => void): void {
    this.#parcels.push({ atMs: this.#options.clock.monotonicMs() + this.#delayMs(), deliver })
    this.#arm()
  }

  /** What is on the way never arrives. */
  cut(): void {
    this.#parcels = []
    this.#cancel?.()
    this.#cancel = undefined
  }

  #delayMs(): number {
    const { random, quality } = this.#options
    const { latencyMs, jitterMs, lossShare } = quality
    let delayMs = latencyMs + random() * jitterMs
    let resendMs = Math.max(2 * latencyMs, resendMsMin)
    for (let lost = 0; lost < resendsMax && random() < lossShare; lost += 1) {
      delayMs += resendMs
      resendMs *= 2
    }
    return delayMs
  }

  /** One timer, for the first parcel: timers of their own could fire in another order. */
  #arm(): void {
    const [first] = this.#parcels
    if (this.#cancel || !first) return
    const { clock } = this.#options
    this.#cancel = clock.after(Math.max(first.atMs - clock.monotonicMs(), 0), () => {
      this.#cancel = undefined
      const nowMs = clock.monotonicMs()
      while (this.#parcels[0] && this.#parcels[0].atMs <= nowMs) this.#parcels.shift()?.deliver()
      this.#arm()
    })
  }
}
