/** Requests that wait for their instance, while it is looked for or starts. */
import { type Clock, limits, SojournError } from '../../base/core/index.ts'
import type { Entry } from './admission.ts'
import type { HostLink, Located } from './types.ts'
import { within } from './within.ts'

export class HeldRequests {
  readonly #host: HostLink
  readonly #clock: Clock
  readonly #perInstance = new Map<string, number>()
  #total = 0

  constructor(host: HostLink, clock: Clock) {
    this.#host = host
    this.#clock = clock
  }

  /**
   * Where the instance is, and awake until `release` is called.
   *
   * @param signal ends the waiting, with its reason
   * @throws SojournError `INSTANCE_STARTING` when too many wait already, or it takes too long
   */
  async locate({ name, caller }: Entry, signal: AbortSignal): Promise<Located> {
    signal.throwIfAborted()
    const id = `${name.backend}/${name.key}`
    const before = this.#perInstance.get(id) ?? 0
    if (before >= limits.requestsHeldPerInstanceMax || this.#total >= limits.requestsHeldMax)
      throw new SojournError('INSTANCE_STARTING', 'Too many requests wait already.')
    const found = this.#host.locate(name, caller.user)
    this.#count(id, 1)
    const late = (): SojournError => new SojournError('INSTANCE_STARTING')
    try {
      return await within({ clock: this.#clock, ms: limits.heldMs, late, signal }, found)
    } catch (error) {
      // It may be found all the same; nobody needs it awake any more.
      found.then(
        (located) => located.release(),
        () => {},
      )
      throw error
    } finally {
      this.#count(id, -1)
    }
  }

  #count(id: string, change: 1 | -1): void {
    const count = (this.#perInstance.get(id) ?? 0) + change
    this.#total += change
    if (count > 0) this.#perInstance.set(id, count)
    else this.#perInstance.delete(id)
  }
}
