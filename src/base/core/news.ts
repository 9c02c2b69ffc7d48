/** What changes in a database that pushes it, told to whoever remembers what was read. */
import type { Clock } from './clock.ts'
import { newId } from './ids.ts'
import { Pulse } from './pulse.ts'

/** Called with the id of what changed; `undefined` stands for everything. */
export type Changed = (id: string | undefined) => void

/** News of one channel: ids, and beats that prove that they come through. */
export class News {
  readonly #pulse: Pulse
  readonly #watchers = new Set<Changed>()

  /** @param send sends a text through the channel to everybody who hears it */
  constructor(clock: Clock, send: (text: string) => Promise<unknown>) {
    this.#pulse = new Pulse(clock, newId('w_'), send)
  }

  /** The returned function ends it. */
  watch(changed: Changed): () => void {
    this.#watchers.add(changed)
    return () => this.#watchers.delete(changed)
  }

  /** Whether everything was told that changed more than a second ago. */
  isCurrent(): boolean {
    return this.#pulse.isFresh()
  }

  /** Takes what came through the channel. */
  hear(text: string): void {
    const wasFresh = this.#pulse.isHeard()
    if (!this.#pulse.hear(text)) this.#tell(text === '' ? undefined : text)
    // What happened while no beat came may not have been told either.
    else if (!wasFresh && this.#pulse.isHeard()) this.#tell(undefined)
  }

  /** The channel was interrupted, or begins: what was sent meanwhile is lost. */
  restart(): void {
    this.#pulse.lose()
    this.#tell(undefined)
  }

  /**
   * Tells what a write of this process changed, before anybody learns that it was done.
   *
   * @param changed the ids, by the result; everything when the outcome is unknown
   */
  async after<Result>(
    write: Promise<Result>,
    changed: (result: Result) => readonly string[],
  ): Promise<Result> {
    try {
      const result = await write
      for (const id of changed(result)) this.#tell(id)
      return result
    } catch (error) {
      this.#tell(undefined)
      throw error
    }
  }

  close(): void {
    this.#pulse.stop()
  }

  #tell(id: string | undefined): void {
    for (const changed of this.#watchers) changed(id)
  }
}
