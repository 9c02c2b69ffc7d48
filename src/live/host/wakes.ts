/**
 * Starts keys whose alarms are due and that don't run. Alarms of those that run are their own
 * business. One timer waits for the earliest alarm of all keys.
 */
import { atWallTime, type Clock, type Log, limits } from '../../base/core/index.ts'
import type { InstanceName } from '../../base/protocol/index.ts'
import type { Journal } from './journal.ts'

export interface WakesOptions {
  readonly journal: Pick<Journal, 'due' | 'nextWakeMs'>
  readonly clock: Clock
  readonly log: Log
  /** Instances that run or are about to, by `backend/key`. */
  readonly running: { readonly size: number; has(id: string): boolean }
  /** Starts an instance; rejects when it did not start. */
  readonly start: (name: InstanceName) => Promise<unknown>
}

interface Failure {
  readonly count: number
  readonly againMs: number
}

/** What is due but can't be started now is looked at again after so long. */
const lookAgainAfterMs = 1_000

export class Wakes {
  readonly #options: WakesOptions
  readonly #starting = new Set<string>()
  /** Keys that did not start, the oldest failure first. */
  readonly #failures = new Map<string, Failure>()
  #armedMs = Number.POSITIVE_INFINITY
  #cancel = (): void => {}
  #isLooking = false
  /** What the look under way found may not be all. */
  #isStale = false
  #isStopped = false

  constructor(options: WakesOptions) {
    this.#options = options
    this.#look()
  }

  /** A record of some key was written: its earliest alarm, 0 for none. */
  noticed(atMs: number | undefined): void {
    if (atMs && atMs < this.#armedMs) this.#arm(atMs)
  }

  stop(): void {
    this.#isStopped = true
    this.#cancel()
  }

  #arm(atMs: number): void {
    this.#cancel()
    if (this.#isStopped) return
    this.#armedMs = atMs
    this.#cancel = atWallTime(this.#options.clock, atMs, () => this.#look())
  }

  async #look(): Promise<void> {
    this.#armedMs = Number.POSITIVE_INFINITY
    this.#isStale = this.#isLooking
    if (this.#isLooking || this.#isStopped) return
    this.#isLooking = true
    const { clock, log } = this.#options
    let nextMs: number | undefined
    try {
      nextMs = await this.#startDue()
    } catch (error) {
      log.error({ err: error }, 'the journal does not say which alarms are due')
      nextMs = clock.nowMs() + lookAgainAfterMs
    }
    this.#isLooking = false
    if (this.#isStale) nextMs = clock.nowMs()
    if (nextMs !== undefined && nextMs < this.#armedMs) this.#arm(nextMs)
  }

  /** Starts what may be started; the time of the next look. */
  async #startDue(): Promise<number | undefined> {
    const { journal, clock, running } = this.#options
    const nowMs = clock.nowMs()
    // As many as are left aside, and those to start: nobody waits behind one that can't start.
    const max = running.size + this.#failures.size + limits.wakesAtOnceMax
    for (const name of await journal.due(nowMs, max)) if (this.#mayStart(name)) this.#start(name)
    const nextMs = await journal.nextWakeMs()
    return nextMs === undefined || nextMs > nowMs ? nextMs : nowMs + lookAgainAfterMs
  }

  #mayStart(name: InstanceName): boolean {
    const id = idOf(name)
    const { clock, running } = this.#options
    const { againMs = 0 } = this.#failures.get(id) ?? {}
    return (
      !this.#isStopped &&
      this.#starting.size < limits.wakesAtOnceMax &&
      !this.#starting.has(id) &&
      !running.has(id) &&
      againMs <= clock.monotonicMs()
    )
  }

  async #start(name: InstanceName): Promise<void> {
    const id = idOf(name)
    this.#starting.add(id)
    try {
      await this.#options.start(name)
      this.#failures.delete(id)
    } catch (error) {
      this.#failed(id, name, error)
    }
    const wasFull = this.#starting.size >= limits.wakesAtOnceMax
    this.#starting.delete(id)
    if (wasFull) this.#look()
  }

  #failed(id: string, name: InstanceName, error: unknown): void {
    const { clock, log } = this.#options
    if (this.#isStopped) return
    const { count = 0 } = this.#failures.get(id) ?? {}
    const pauseMs = Math.min(limits.alarmRetryMsMin * 2 ** count, limits.alarmRetryMsMax)
    this.#failures.delete(id)
    this.#failures.set(id, { count: count + 1, againMs: clock.monotonicMs() + pauseMs })
    const [oldest] = this.#failures.keys()
    if (this.#failures.size > limits.wakesFailedMax && oldest) this.#failures.delete(oldest)
    log.error({ ...name, err: error, pauseMs }, 'a key did not start for its alarm')
  }
}

function idOf({ backend, key }: InstanceName): string {
  return `${backend}/${key}`
}
