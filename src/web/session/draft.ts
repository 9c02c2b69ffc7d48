import { SojournError } from '../../base/core/index.ts'
import { applyChanges, type Change, type Tracked, track } from '../../base/state/index.ts'
import { decodeData } from './data.ts'

type Phase = 'open' | 'storing' | 'stale' | 'over'

/** Session data as a request changes it: what was there, and the changes as operations. */
export class Draft<Data extends object> {
  readonly #loaded: () => Uint8Array
  readonly #start: (newest: Uint8Array) => Data
  #tracked: Tracked<Data> | undefined
  #phase: Phase = 'open'

  /**
   * @param loaded the bytes that the request found; asked for once the data is looked at
   * @param start where the changes begin, given the newest bytes
   */
  constructor(
    loaded: () => Uint8Array,
    start: (newest: Uint8Array) => Data = (newest) => decodeData(newest),
  ) {
    let bytes: Uint8Array | undefined
    this.#loaded = () => {
      bytes ??= loaded()
      return bytes
    }
    this.#start = start
  }

  /** A draft of what follows upon this one in a new session: `fresh`, and the keys of `keep`. */
  followedBy(fresh: () => Uint8Array, keep: readonly (keyof Data & string)[]): Draft<Data> {
    this.#phase = 'stale'
    const initial = new Draft<Data>(fresh)
    return new Draft(this.#loaded, (newest) => {
      const data = initial.upon()
      const before = keep.length > 0 ? this.upon(newest) : data
      for (const key of keep) if (Object.hasOwn(before, key)) data[key] = before[key]
      return data
    })
  }

  /** The data, to be changed in place. */
  get data(): Data {
    this.#tracked ??= track(this.#start(this.#loaded()), {
      recordReads: true,
      guard: () => this.#checkOpen(),
    })
    return this.#tracked.state
  }

  get isChanged(): boolean {
    return this.#changes().length > 0
  }

  /**
   * The changes, carried out upon the newest bytes (default: those that were found).
   *
   * @throws SojournError `SESSION_CONFLICT` when one no longer fits
   */
  upon(newest: Uint8Array = this.#loaded()): Data {
    const data = this.#start(newest)
    applyChanges(data, this.#changes())
    return data
  }

  /** While it is stored a change would be lost; afterwards another draft takes its place. */
  enter(phase: Phase): void {
    this.#phase = phase
  }

  #changes(): readonly Change[] {
    return this.#tracked?.changes() ?? []
  }

  #checkOpen(): void {
    if (this.#phase === 'storing')
      throw new SojournError('SESSION_COMMITTED', 'The session is being stored.')
    if (this.#phase === 'over')
      throw new SojournError('SESSION_COMMITTED', 'The response is done; use session.update().')
    if (this.#phase === 'stale')
      throw new TypeError('take session.data anew after login, logout, update and commit')
  }
}
