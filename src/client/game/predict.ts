import { type Clock, systemClock } from '../../base/core/index.ts'

export interface PredictOptions<State, Input> {
  /** What one input makes of a state: pure, and the very function that the server runs. */
  readonly step: (state: State, input: Input) => State
  /**
   * Draws between two states: `from` at share 0, `to` at 1. It decides what is a jump: a correction
   * is shown at once, not eased, when it returns `to`.
   */
  readonly mix: (from: State, to: State, share: number) => State
  /** Milliseconds that one step stands for, more than 0. */
  readonly everyMs: number
  /** Default: the clock of the machine. */
  readonly clock?: Clock
}

/** An input on its way to the server, which says in its state the last `n` that it has processed. */
export interface NumberedInput<Input> {
  /** Counts from 1. */
  readonly n: number
  readonly input: Input
}

/** The player's own part of the state, ahead of the server. Made by `predict()`. */
export interface Prediction<State, Input> {
  /** The newest confirmed state with all inputs since; `undefined` before the first. */
  readonly state: State | undefined
  /**
   * To be called for each picture, with what the player wants now: makes the steps that are due,
   * at once here, and returns their inputs, to be sent to the server.
   */
  advance(input: Input): readonly NumberedInput<Input>[]
  /** Takes the server's state, and the number of the last input that it contains. */
  confirm(state: State, n: number): void
  /** What to draw now, between two steps; `undefined` before the first state. */
  drawn(): State | undefined
  /** Forgets the inputs that are on their way, and counts from 1 again: for a new connection. */
  reset(): void
}

/** Inputs without an answer; above, the player stands still until the server is heard again. */
const pendingMax = 64
/** Steps that are made up for at once; of a longer pause, as in a hidden tab, the rest is skipped. */
const dueMax = 5
/** A correction fades in within about this time. */
const easeMs = 100
/** Below this share of a correction, it is over. */
const easedShare = 0.01

/**
 * Predicts what the server will make of the player's inputs: each is applied at once; a state of the
 * server takes the place of what was predicted up to its `n`, and the inputs behind it are applied
 * anew. What differs then is eased, so that a small correction is not seen.
 *
 * @throws RangeError when `everyMs` is not above 0
 */
export function predict<State, Input>(
  options: PredictOptions<State, Input>,
): Prediction<State, Input> {
  if (!(options.everyMs > 0))
    throw new RangeError(`predict(): everyMs must be above 0, got ${options.everyMs}`)
  return new Predictor(options)
}

/** The last step: where it began and where it leads. */
interface Step<State> {
  readonly from: State
  readonly to: State
}

class Predictor<State, Input> implements Prediction<State, Input> {
  readonly #options: PredictOptions<State, Input>
  readonly #clock: Clock
  #pending: NumberedInput<Input>[] = []
  #n = 0
  #truth: Step<State> | undefined
  /** The way as it was drawn before the last correction; it goes on, and fades. */
  #past: Step<State> | undefined
  #correctedAtMs = 0
  /** When the last step began. */
  #stepAtMs: number | undefined

  constructor(options: PredictOptions<State, Input>) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  get state(): State | undefined {
    return this.#truth?.to
  }

  advance(input: Input): readonly NumberedInput<Input>[] {
    const { everyMs } = this.#options
    const nowMs = this.#clock.monotonicMs()
    if (!this.#truth) return []
    const earliestMs = nowMs - dueMax * everyMs
    let atMs = Math.max(this.#stepAtMs ?? nowMs - everyMs, earliestMs)
    const made: NumberedInput<Input>[] = []
    for (; atMs + everyMs <= nowMs; atMs += everyMs) {
      if (this.#pending.length >= pendingMax) continue
      this.#n += 1
      made.push({ n: this.#n, input })
      this.#pending.push({ n: this.#n, input })
      this.#truth = this.#next(this.#truth, input)
      this.#past = this.#past && this.#next(this.#past, input)
    }
    this.#stepAtMs = atMs
    return made
  }

  confirm(state: State, n: number): void {
    this.#pending = this.#pending.filter((pending) => pending.n > n)
    const before = this.#truth
    if (!before) {
      this.#truth = { from: state, to: state }
      return
    }
    // Without an input behind it, it is where the last step leads.
    let truth: Step<State> = { from: before.from, to: state }
    for (const { input } of this.#pending) truth = this.#next(truth, input)
    const nowMs = this.#clock.monotonicMs()
    this.#past = this.#eased(before, nowMs)
    this.#correctedAtMs = nowMs
    this.#truth = truth
  }

  drawn(): State | undefined {
    if (!this.#truth) return undefined
    const nowMs = this.#clock.monotonicMs()
    const { mix, everyMs } = this.#options
    const { from, to } = this.#eased(this.#truth, nowMs)
    // Without a step that began here, it is where the server left it.
    const sinceMs = this.#stepAtMs === undefined ? everyMs : nowMs - this.#stepAtMs
    return mix(from, to, Math.min(sinceMs / everyMs, 1))
  }

  reset(): void {
    this.#pending = []
    this.#n = 0
    this.#stepAtMs = undefined
  }

  #next({ to }: Step<State>, input: Input): Step<State> {
    return { from: to, to: this.#options.step(to, input) }
  }

  /** The step as it is drawn: what is left of the last correction is still to come. */
  #eased(truth: Step<State>, nowMs: number): Step<State> {
    const past = this.#past
    const left = Math.exp((this.#correctedAtMs - nowMs) / easeMs)
    if (!past || left < easedShare) {
      this.#past = undefined
      return truth
    }
    const { mix } = this.#options
    return { from: mix(past.from, truth.from, 1 - left), to: mix(past.to, truth.to, 1 - left) }
  }
}
