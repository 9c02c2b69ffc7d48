/** Saves what is typed shortly after the typing stops: one request at a time, in order. */
import { type FieldName, type Fields, fieldNames } from '../../shop/checkout.ts'

export type SaveState = 'saved' | 'saving' | 'failed'

const pauseMs = 300

export class Autosave {
  #changed: Partial<Fields> = {}
  #timer: ReturnType<typeof setTimeout> | undefined
  #running: Promise<void> = Promise.resolve()
  readonly #save: (fields: Partial<Fields>) => Promise<boolean>
  readonly #show: (state: SaveState) => void

  /** @param save resolves with whether the fields are saved */
  constructor(
    save: (fields: Partial<Fields>) => Promise<boolean>,
    show: (state: SaveState) => void,
  ) {
    this.#save = save
    this.#show = show
  }

  change(name: FieldName, value: string): void {
    this.#changed[name] = value
    this.#show('saving')
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.flush(), pauseMs)
  }

  /** Resolves when nothing is left to save, or the last attempt failed. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#running = this.#running.then(() => this.#send())
    return this.#running
  }

  /** Another visitor's session follows: nothing of this one may reach it. */
  forget(): void {
    clearTimeout(this.#timer)
    this.#changed = {}
  }

  /** The page goes away: no time to wait for the request before. */
  leave(): void {
    clearTimeout(this.#timer)
    void this.#send()
  }

  async #send(): Promise<void> {
    const fields = this.#changed
    if (!fieldNames.some((name) => name in fields)) return
    this.#changed = {}
    const saved = await this.#save(fields)
    // What was typed meanwhile is newer than what failed.
    if (!saved) this.#changed = { ...fields, ...this.#changed }
    const isLast = !fieldNames.some((name) => name in this.#changed)
    if (!saved || isLast) this.#show(saved ? 'saved' : 'failed')
  }
}
