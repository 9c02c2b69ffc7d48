/**
 * Live views that the parts of a page share: one connection an address, for as long as anyone holds
 * it and a little longer, so that whoever comes back at once finds it as it was.
 */
import { type Clock, systemClock } from '../base/core/index.ts'
import { type ConnectOptions, LiveView } from './live-view.ts'
import type { BackendType, Live } from './types.ts'

export interface ShareOptions extends ConnectOptions {
  /**
   * Whom the page is for, such as the id of the user. Another visitor gets a connection of its
   * own, with the credentials of that moment: for pages where people log in and out without a
   * reload. Default: the same one all the time.
   */
  readonly visitor?: string | undefined
}

/** Who lets go of a view often comes back at once: a change of route, React's StrictMode. */
const lingerMs = 1_000
/** A view that nobody has held yet may belong to a page that still waits for other things. */
const unheldMs = 30_000

const views = new Map<string, SharedView<BackendType>>()

/**
 * The view of an address, connected by whoever asks first, with its options. Unless it is held, it
 * ends by itself.
 *
 * @throws TypeError for an address that is no URL
 */
export function sharedView<B extends BackendType>(
  address: string,
  options: ShareOptions,
): SharedView<B> {
  // No address has a fragment on the wire.
  const key = options.visitor === undefined ? address : `${address}#${options.visitor}`
  let view = views.get(key)
  if (!view) {
    const { clock = systemClock } = options
    view = new SharedView(new LiveView(address, options), clock, () => views.delete(key))
    views.set(key, view)
  }
  return view as unknown as SharedView<B>
}

export class SharedView<B extends BackendType> {
  readonly live: Live<B>
  /** Resolves when there is a state, or when there will be none because the view is closed. */
  readonly arrival: Promise<void>
  readonly #clock: Clock
  readonly #onEnd: () => void
  #holders = 0
  #stay = (): void => {}

  constructor(live: Live<B>, clock: Clock, onEnd: () => void) {
    this.live = live
    this.#clock = clock
    this.#onEnd = onEnd
    this.arrival = new Promise((resolve) => {
      live.subscribe(() => {
        if (live.state || live.status === 'closed') resolve()
        // Whoever comes for it sees the error; a moment later, a new attempt.
        if (live.status === 'closed' && this.#holders === 0) this.#endAfter(lingerMs)
      })
    })
    this.#endAfter(unheldMs)
  }

  /** Keeps the view connected until the returned function is called. */
  hold(): () => void {
    this.#holders += 1
    this.#stay()
    return () => {
      this.#holders -= 1
      if (this.#holders > 0) return
      // A closed view is nothing to come back to: the next holder begins anew.
      if (this.live.status === 'closed') this.#end()
      else this.#endAfter(lingerMs)
    }
  }

  #endAfter(ms: number): void {
    this.#stay()
    this.#stay = this.#clock.after(ms, () => this.#end())
  }

  #end(): void {
    this.#stay()
    this.#onEnd()
    this.live.close()
  }
}
