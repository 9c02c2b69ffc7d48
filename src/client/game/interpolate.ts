import { type Clock, systemClock } from '../../base/core/index.ts'

export interface InterpolateOptions<State> {
  /**
   * Draws between two states: `from` at share 0, `to` at 1. A share above 1 (at most one interval
   * more) draws on beyond the newest state. It decides what is a jump: a teleport is shown as one
   * when it returns `to`.
   */
  readonly mix: (from: State, to: State, share: number) => State
  /** Milliseconds between two states of the server, more than 0. */
  readonly everyMs: number
  /** Default: the clock of the machine. */
  readonly clock?: Clock
}

/** States of the server, drawn evenly however they arrive. Made by `interpolate()`. */
export interface Interpolation<State> {
  /**
   * Takes a state. One of the same time as the newest replaces it, one of an earlier time starts
   * over: the server's time line is another.
   *
   * @param timeMs when the server made it, on any time line that goes on as time does: its tick
   *   times `everyMs`, for example
   */
  push(timeMs: number, state: State): void
  /** What to draw now; `undefined` before the first state. */
  drawn(): State | undefined
  /** How far what is drawn is behind the newest state that could be here by now, in milliseconds. */
  readonly delayMs: number
}

interface Sample<State> {
  readonly timeMs: number
  readonly state: State
}

/** States and delays that are remembered: two seconds and a half at 25 states a second. */
const samplesMax = 64
/** So many of the remembered states arrive in time to be drawn from; the others let it wait. */
const inTimeShare = 0.95
const delayMsMax = 500
/** The drawing is off by so much only when the time line broke: it jumps instead of catching up. */
const breakMs = 1_000
/** An error of the drawn time is mended within about this time, by running faster or slower. */
const slewMs = 250
const paceMin = 0.5
const paceMax = 2

/**
 * Draws the states of a server with a delay of about two intervals, more when they arrive unevenly.
 * The drawn time never goes back and never leaps: when states are late, it draws on by one interval
 * at most, waits, and catches up at no more than twice the pace. So everything moves along its true
 * way, and a pause of the network is a pause, not a jump.
 *
 * @throws RangeError when `everyMs` is not above 0
 */
export function interpolate<State>(options: InterpolateOptions<State>): Interpolation<State> {
  if (!(options.everyMs > 0))
    throw new RangeError(`interpolate(): everyMs must be above 0, got ${options.everyMs}`)
  return new Timeline(options)
}

class Timeline<State> implements Interpolation<State> {
  readonly #mix: InterpolateOptions<State>['mix']
  readonly #everyMs: number
  readonly #clock: Clock
  /** The oldest first. */
  #samples: Sample<State>[] = []
  /** Arrival less server time, of the newest states: the way's delay, but for an unknown constant. */
  #lags: number[] = []
  /** How far the drawn time should be behind the clock, by the same measure. */
  #wantedLagMs = 0
  /** The server time that is drawn, and the clock then. */
  #drawnMs: number | undefined
  #drawnAtMs = 0

  constructor({ mix, everyMs, clock = systemClock }: InterpolateOptions<State>) {
    this.#mix = mix
    this.#everyMs = everyMs
    this.#clock = clock
  }

  get delayMs(): number {
    return this.#wantedLagMs - Math.min(...this.#lags)
  }

  push(timeMs: number, state: State): void {
    const newest = this.#samples.at(-1)
    if (newest && timeMs < newest.timeMs) this.#startOver()
    if (newest && timeMs === newest.timeMs) {
      // The same moment seen once more says nothing about the way.
      this.#samples[this.#samples.length - 1] = { timeMs, state }
      return
    }
    this.#samples.push({ timeMs, state })
    if (this.#samples.length > samplesMax) this.#samples.shift()
    this.#measure(this.#clock.monotonicMs() - timeMs)
  }

  drawn(): State | undefined {
    const newest = this.#samples.at(-1)
    if (!newest) return undefined
    const atMs = this.#at(newest.timeMs)
    const next = this.#samples.findIndex(({ timeMs }) => timeMs > atMs)
    // Beyond the newest state the last two say where things go.
    const to = this.#samples.at(next < 0 ? -1 : next) ?? newest
    const from = this.#samples[(next < 0 ? this.#samples.length - 1 : next) - 1]
    if (!from) return to.state
    return this.#mix(from.state, to.state, (atMs - from.timeMs) / (to.timeMs - from.timeMs))
  }

  /** Moves the drawn time on to now. */
  #at(newestMs: number): number {
    const nowMs = this.#clock.monotonicMs()
    const wantedMs = nowMs - this.#wantedLagMs
    const passedMs = nowMs - this.#drawnAtMs
    this.#drawnAtMs = nowMs
    const sofarMs = this.#drawnMs
    if (sofarMs === undefined || Math.abs(wantedMs - sofarMs - passedMs) > breakMs) {
      this.#drawnMs = wantedMs
    } else {
      const pace = 1 + (wantedMs - sofarMs - passedMs) / slewMs
      this.#drawnMs = sofarMs + passedMs * Math.min(Math.max(pace, paceMin), paceMax)
    }
    this.#drawnMs = Math.min(this.#drawnMs, newestMs + this.#everyMs)
    return this.#drawnMs
  }

  #measure(lagMs: number): void {
    const last = this.#lags.at(-1)
    if (last !== undefined && Math.abs(lagMs - last) > breakMs) this.#lags = []
    this.#lags.push(lagMs)
    if (this.#lags.length > samplesMax) this.#lags.shift()
    const sorted = this.#lags.toSorted((one, other) => one - other)
    const [shortest = lagMs] = sorted
    const usual = sorted[Math.ceil(inTimeShare * sorted.length) - 1] ?? lagMs
    this.#wantedLagMs = Math.min(
      Math.max(usual + this.#everyMs, shortest + 2 * this.#everyMs),
      shortest + delayMsMax,
    )
  }

  #startOver(): void {
    this.#samples = []
    this.#lags = []
    this.#drawnMs = undefined
  }
}
