/** How often each key crashed lately: the pause before its next start, and when to give up. */
import { type Clock, limits, SojournError } from '../../base/core/index.ts'
import type { StopReason } from '../../base/protocol/index.ts'

/** Pauses before starting a key again that keeps crashing; the first restart is at once. */
const pauseMsMin = 100
const pauseMsMax = 10_000
/** Keys whose crashes are remembered; the oldest go first. */
const keysMax = 10_000

const charged: readonly StopReason[] = ['crashed', 'stuck', 'out-of-memory', 'start-failed']

interface Crashes {
  readonly count: number
  readonly last: StopReason
}

export class CrashRecord {
  readonly #clock: Clock
  readonly #byKey = new Map<string, Crashes>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Waits until the key may be started again.
   *
   * @throws SojournError `INSTANCE_PARKED` for one that crashed too often; see `forgive`
   */
  async pause(id: string): Promise<void> {
    const { count = 0, last } = this.#byKey.get(id) ?? {}
    if (count >= limits.crashesMax)
      throw new SojournError('INSTANCE_PARKED', `It ended ${count} times in a row, last: ${last}.`)
    if (count <= 1) return
    const pauseMs = Math.min(pauseMsMin * 2 ** (count - 2), pauseMsMax)
    await new Promise<void>((resolve) => {
      this.#clock.after(pauseMs, resolve)
    })
  }

  /** An instance of the key has ended. True when that was once too often: the key is parked. */
  ended(id: string, reason: StopReason): boolean {
    const { count = 0 } = this.#byKey.get(id) ?? {}
    this.#byKey.delete(id)
    if (!charged.includes(reason)) return false
    this.#byKey.set(id, { count: count + 1, last: reason })
    const [oldest] = this.#byKey.keys()
    if (this.#byKey.size > keysMax && oldest) this.#byKey.delete(oldest)
    return count + 1 >= limits.crashesMax
  }

  /** The key has a clean record again. */
  forgive(id: string): void {
    this.#byKey.delete(id)
  }
}
