/** Calls the handlers of alarms that are due, one turn for each. */
import { type Awaitable, atWallTime, limits, whenDone } from '../../base/core/index.ts'
import { unpack } from '../../base/protocol/index.ts'
import { type Alarm, kindOf, postponed } from './alarms.ts'
import type { Context } from './define.ts'
import { Effects } from './effects.ts'
import type { Instance } from './instance.ts'

type Handlers = Readonly<Record<string, (ctx: Context<object>, payload: unknown) => unknown>>

export class Ringing {
  readonly #instance: Instance
  readonly #handlers: Handlers
  #cancel = (): void => {}
  #isStopped = false
  /** A turn for what is due is waiting, or running. */
  #isDue = false

  constructor(instance: Instance) {
    this.#instance = instance
    this.#handlers = (instance.given.backend.definition.alarms ?? {}) as Handlers
  }

  /** Waits for the earliest alarm; to be called whenever the alarms have changed. */
  arm(): void {
    this.#cancel()
    if (this.#isStopped || this.#isDue) return
    const { history, given } = this.#instance
    const { next } = history.alarms
    if (next) this.#cancel = atWallTime(given.clock, next.atMs, () => this.#due())
  }

  stop(): void {
    this.#isStopped = true
    this.#cancel()
  }

  #due(): void {
    const { given } = this.#instance
    this.#isDue = true
    try {
      this.#instance.turn(() => whenDone(this.#ring(), () => this.#over()))
    } catch (error) {
      this.#isDue = false
      given.log.warn({ err: error }, 'an alarm had no turn')
      this.#cancel = given.clock.after(limits.alarmRetryMsMin, () => this.arm())
    }
  }

  #over(): void {
    this.#isDue = false
    this.arm()
  }

  #ring(): Awaitable<void> {
    const { history, given } = this.#instance
    const { next } = history.alarms
    if (this.#isStopped || !next || next.atMs > given.clock.nowMs()) return undefined
    const effects = new Effects(history.alarms)
    // Removed by the record that holds the effects: what is seen of it is seen once.
    effects.removeAlarm(next.name)
    const run = (ctx: Context<object>): unknown => this.#handle(next, ctx)
    return whenDone(this.#instance.attempt(effects, run), (outcome) => {
      if (outcome.error) this.#failed(next, effects, outcome.error)
      this.#instance.release(outcome)
    })
  }

  #handle({ name, payload }: Alarm, ctx: Context<object>): unknown {
    const kind = kindOf(name)
    const handler = Object.hasOwn(this.#handlers, kind) ? this.#handlers[kind] : undefined
    if (!handler) throw new TypeError(`There is no handler alarms.${kind} any more`)
    return whenDone(handler(ctx, unpack(payload)) as Awaitable<unknown>, () => null)
  }

  #failed(alarm: Alarm, effects: Effects, error: Error): void {
    const { clock, log } = this.#instance.given
    const again = postponed(alarm, clock.nowMs())
    effects.setAlarm(again)
    const { name, attempts, atMs } = again
    log.error({ err: error.cause ?? error, alarm: name, attempts, atMs }, 'an alarm failed')
  }
}
