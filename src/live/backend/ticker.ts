/** The ticks of an instance: a turn at a fixed rate, as long as it is wanted. */
import { type Awaitable, type Clock, type Log, whenDone } from '../../base/core/index.ts'
import type { Tick } from './define.ts'

type Step = Omit<Parameters<Tick<object, unknown>['run']>[1], 'inputs'>

export interface TickerOptions {
  readonly clock: Clock
  readonly log: Log
  readonly everyMs: number
  /** Queues work for the turn of the instance; throws when too much waits for it. */
  readonly turn: (work: () => Awaitable<void>) => void
  /** Runs one step in the turn that is held; the error that it threw. */
  readonly run: (step: Step) => Awaitable<Error | undefined>
}

/** A tick that always fails must not fill the log. */
const complainEveryMs = 10_000

export class Ticker {
  readonly #options: TickerOptions
  #isStopped = false
  /** Counts the starts: what belongs to an earlier one has no effect. */
  #life = 0
  #isOn = false
  #startMs = 0
  /** Steps since the start, those that others stood for included. */
  #done = 0
  #lastMs = 0
  #failures = 0
  #complainedMs = Number.NEGATIVE_INFINITY
  #cancel = (): void => {}

  constructor(options: TickerOptions) {
    this.#options = options
  }

  /** For good. */
  stop(): void {
    this.set(false)
    this.#isStopped = true
  }

  /** Starts it, or holds it. */
  set(isOn: boolean): void {
    if (isOn === this.#isOn || this.#isStopped) return
    this.#isOn = isOn
    this.#life += 1
    this.#cancel()
    if (!isOn) return
    this.#startMs = this.#options.clock.monotonicMs()
    this.#lastMs = this.#startMs
    this.#done = 0
    this.#wait()
  }

  #wait(): void {
    const { clock, everyMs } = this.#options
    const dueMs = this.#startMs + (this.#done + 1) * everyMs
    this.#cancel = clock.after(Math.max(dueMs - clock.monotonicMs(), 0), () => this.#due())
  }

  #due(): void {
    const life = this.#life
    const next = (): void => {
      if (this.#life === life) this.#wait()
    }
    try {
      this.#options.turn(() => {
        return this.#life === life ? whenDone(this.#tick(), next) : undefined
      })
    } catch (error) {
      // The steps that it missed are counted by the next one.
      this.#complain(error)
      this.#cancel = this.#options.clock.after(this.#options.everyMs, () => this.#due())
    }
  }

  #tick(): Awaitable<void> {
    const { clock, everyMs, run } = this.#options
    const nowMs = clock.monotonicMs()
    // A timer may be a fraction of a millisecond early.
    const count = Math.max(Math.floor((nowMs - this.#startMs) / everyMs) - this.#done, 1)
    const elapsedMs = nowMs - this.#lastMs
    this.#done += count
    this.#lastMs = nowMs
    return whenDone(run({ count, elapsedMs }), (error) => {
      if (error) this.#complain(error.cause ?? error)
    })
  }

  #complain(error: unknown): void {
    const { clock, log } = this.#options
    this.#failures += 1
    if (clock.monotonicMs() - this.#complainedMs < complainEveryMs) return
    log.error({ err: error, failures: this.#failures }, 'a tick failed')
    this.#failures = 0
    this.#complainedMs = clock.monotonicMs()
  }
}
