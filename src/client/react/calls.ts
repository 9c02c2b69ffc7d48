import { isSojournError, type SojournError } from '../../base/core/index.ts'

export type Call = (...input: never[]) => Promise<unknown>

interface Shown {
  readonly pending: boolean
  readonly error: SojournError | undefined
}

/** The calls of an action that one component made, as a store that it can follow. */
export class Calls<C extends Call> {
  readonly call: C
  readonly #open = new Set<Promise<unknown>>()
  readonly #listeners = new Set<() => void>()
  #shown: Shown = { pending: false, error: undefined }

  constructor(action: C) {
    this.call = ((...input) => this.#follow(action(...input))) as C
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly read = (): Shown => this.#shown

  readonly reset = (): void => {
    this.#open.clear()
    this.#show(undefined)
  }

  #follow(call: Promise<unknown>): Promise<unknown> {
    this.#open.add(call)
    this.#show(undefined)
    call.then(
      () => this.#settle(call, this.#shown.error),
      (error: unknown) => {
        const isRefusal = isSojournError(error)
        this.#settle(call, isRefusal ? error : undefined)
        // Anything else is a fault of the program: left unhandled, so that its author sees it.
        if (!isRefusal) throw error
      },
    )
    return call
  }

  #settle(call: Promise<unknown>, error: SojournError | undefined): void {
    if (this.#open.delete(call)) this.#show(error)
  }

  #show(error: SojournError | undefined): void {
    this.#shown = { pending: this.#open.size > 0, error }
    for (const listener of this.#listeners) listener()
  }
}
