import { SojournError } from '../../base/core/index.ts'
import {
  applyChanges,
  type Change,
  plainCopy,
  type Revision,
  revise,
} from '../../base/state/revisions.ts'
import type { Content, FlashMessage } from './contents.ts'
import { sessionLimits } from './policy.ts'
import type { SessionRecord } from './store.ts'

type Phase = 'open' | 'storing' | 'stale' | 'over'

/** The content to begin with: of the given record, by default of the one that was found. */
export type Begin<Data extends object> = (newest?: SessionRecord) => Content<Data>

const noFlash: readonly FlashMessage[] = []
const noneTaken: ReadonlySet<string> = new Set()

/** Session data as a request changes it: what was there, and the changes as operations. */
export class Draft<Data extends object> {
  readonly #begin: Begin<Data>
  readonly #record: SessionRecord | undefined
  #found: Content<Data> | undefined
  #revision: Revision<Data> | undefined
  #flashAdded: readonly FlashMessage[] = noFlash
  #flashTaken: ReadonlySet<string> = noneTaken
  #phase: Phase = 'open'

  /** @param record what `begin` reads by default */
  constructor(begin: Begin<Data>, record?: SessionRecord) {
    this.#begin = begin
    this.#record = record
  }

  /**
   * A draft of what follows upon this one in a new session: `fresh`, with the keys of `keep` and
   * the messages that nobody has seen yet.
   */
  followedBy(fresh: Begin<Data>, keep: readonly (keyof Data & string)[] | 'all'): Draft<Data> {
    this.#phase = 'stale'
    return new Draft((newest = this.#record) => {
      const before = this.upon(newest)
      const data = { ...fresh().data }
      const keys = keep === 'all' ? (Object.keys(before.data) as (keyof Data & string)[]) : keep
      for (const key of keys) if (Object.hasOwn(before.data, key)) data[key] = before.data[key]
      return { data, flash: before.flash }
    }, this.#record)
  }

  /** A draft of what begins anew after this one. */
  endedBy(fresh: Begin<Data>): Draft<Data> {
    this.#phase = 'stale'
    return new Draft(() => fresh())
  }

  get #content(): Content<Data> {
    this.#found ??= this.#begin()
    return this.#found
  }

  /** The data, to be changed in place. */
  get data(): Data {
    this.#revision ??= revise(this.#content.data, { guard: () => this.#checkOpen() })
    return this.#revision.state
  }

  /** Leaves a message for the next page that asks for its name. */
  addFlash(message: FlashMessage): void {
    this.#checkOpen()
    this.#flashAdded = [...this.#flashAdded, { ...message, value: plainCopy(message.value) }]
  }

  /** The messages of a name, which are gone then. */
  takeFlash(name: string): readonly unknown[] {
    const found = [...this.#content.flash, ...this.#flashAdded].filter(
      (one) => one.name === name && !this.#flashTaken.has(one.id),
    )
    if (found.length === 0) return []
    this.#checkOpen()
    this.#flashTaken = new Set([...this.#flashTaken, ...found.map(({ id }) => id)])
    return found.map(({ value }) => plainCopy(value))
  }

  get isChanged(): boolean {
    if (this.#flashAdded.length > 0 || this.#flashTaken.size > 0) return true
    return this.#revision?.isChanged() ?? false
  }

  /**
   * The content with all changes, upon the newest record. Messages never conflict: what two
   * requests took is gone, what they left is there.
   *
   * @throws SojournError `SESSION_CONFLICT` when a change no longer fits
   */
  upon(newest?: SessionRecord): Content<Data> {
    const isFound = newest === this.#record
    const { data, flash } = isFound ? this.#content : this.#begin(newest)
    return {
      data: isFound ? (this.#revision?.outcome() ?? data) : applyChanges(data, this.#changes()),
      flash: this.#flashUpon(flash),
    }
  }

  #flashUpon(flash: readonly FlashMessage[]): readonly FlashMessage[] {
    if (this.#flashAdded === noFlash && this.#flashTaken === noneTaken) return flash
    const all = [...flash, ...this.#flashAdded].filter(({ id }) => !this.#flashTaken.has(id))
    return all.slice(-sessionLimits.flashMax)
  }

  /** While it is stored a change would be lost; afterwards another draft takes its place. */
  enter(phase: Phase): void {
    this.#phase = phase
  }

  #changes(): readonly Change[] {
    return this.#revision?.changes() ?? []
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
