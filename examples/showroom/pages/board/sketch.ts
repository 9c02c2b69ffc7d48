/**
 * One visit to a board: the live view, and the visitor's own strokes until they are acknowledged.
 * Those are shown at once and sent in chunks, so that the others see a stroke while it grows.
 */
import { connect, type Live, SojournError } from 'sojourn/client'
import { simulateNetwork } from 'sojourn/client/simulate'
import type board from '../../board/board.ts'
import {
  chunkNumbersMax,
  type Ink,
  type Stroke,
  strokeNumbersMax,
  type Width,
} from '../../board/rules.ts'

export type Point = readonly [x: number, y: number]
export type ShownStroke = { readonly [Name in keyof Stroke]: Readonly<Stroke[Name]> }

export interface Acknowledged {
  readonly id: string
  readonly points: readonly number[]
}

interface Draft {
  readonly stroke: Omit<Stroke, 'by'>
  /** Numbers of `stroke.points` that were handed to an action, and those that were answered. */
  sent: number
  confirmed: number
  finished: boolean
}

/** About thirty messages a second look fluent and stay cheap. */
const sendEveryMs = 33
/** Below the 64 open actions that a client may have. */
const callsOpenMax = 16
/** Strokes that may wait for a lost connection. */
const draftsMax = 100
const acknowledgedMax = 2_000

export class Sketch {
  /** Lets a visitor be offline for a while. */
  readonly network = simulateNetwork()
  readonly live: Live<typeof board>
  /** Why the server refused the last thing that was tried. */
  refusal: string | undefined
  #drafts: Draft[] = []
  #callsOpen = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly #acknowledged = new Map<string, Acknowledged>()
  readonly #listeners = new Set<() => void>()

  constructor(name: string) {
    this.live = connect<typeof board>(`/live/board/${name}`, { open: this.network.open })
    this.live.subscribe(() => this.#notify())
  }

  /** Tells of changes of the board as well as of the own strokes. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  get strokes(): readonly ShownStroke[] {
    return this.live.state?.strokes ?? []
  }

  /** Own strokes that the server has not acknowledged in full. */
  get drafts(): readonly Omit<Stroke, 'by'>[] {
    return this.#drafts.map(({ stroke }) => stroke)
  }

  /** The newest strokes whose every part was acknowledged, as they were drawn. */
  get acknowledged(): readonly Acknowledged[] {
    return [...this.#acknowledged.values()]
  }

  penDown(color: Ink, width: Width, [x, y]: Point): void {
    this.refusal = undefined
    if (this.#drafts.length >= draftsMax) {
      this.refusal = 'Too many strokes wait for the connection; this one was not taken.'
    } else {
      const stroke = { id: newStrokeId(), color, width, points: [x, y] }
      this.#drafts.push({ stroke, sent: 0, confirmed: 0, finished: false })
      this.#send()
    }
    this.#notify()
  }

  penMove([x, y]: Point): void {
    const draft = this.#drafts.at(-1)
    if (!draft || draft.finished) return
    const { color, width, points } = draft.stroke
    if (points.at(-2) === x && points.at(-1) === y) return
    points.push(x, y)
    if (points.length >= strokeNumbersMax) {
      // A stroke has an end, a hand has not: go on in a new one from here.
      this.penUp()
      this.penDown(color, width, [x, y])
      return
    }
    this.#sendSoon()
    this.#notify()
  }

  penUp(): void {
    const draft = this.#drafts.at(-1)
    if (!draft || draft.finished) return
    draft.finished = true
    this.#send()
    this.#settle(draft)
  }

  undo(): Promise<void> {
    return this.#attempt(this.live.actions.undo())
  }

  clear(): Promise<void> {
    return this.#attempt(this.live.actions.clear())
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#listeners.clear()
    this.live.close()
  }

  #sendSoon(): void {
    this.#timer ??= setTimeout(() => this.#send(), sendEveryMs)
  }

  #send(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const draft of this.#drafts) {
      while (draft.sent < draft.stroke.points.length) {
        if (this.#callsOpen >= callsOpenMax) {
          this.#sendSoon()
          return
        }
        void this.#sendChunk(draft)
      }
    }
  }

  async #sendChunk(draft: Draft): Promise<void> {
    const { actions } = this.live
    const { id, color, width, points } = draft.stroke
    const from = draft.sent
    const to = from === 0 ? 2 : Math.min(points.length, from + chunkNumbersMax)
    const [x = 0, y = 0] = points
    draft.sent = to
    this.#callsOpen += 1
    try {
      await (from === 0
        ? actions.begin({ id, color, width, x, y })
        : actions.extend({ id, points: points.slice(from, to) }))
      draft.confirmed += to - from
      this.#settle(draft)
    } catch (error) {
      this.#drop(draft, error)
    } finally {
      this.#callsOpen -= 1
    }
  }

  /** The state contains an acknowledged stroke already: the own copy may go. */
  #settle(draft: Draft): void {
    const { id, points } = draft.stroke
    if (draft.finished && draft.confirmed === points.length) {
      this.#drafts = this.#drafts.filter((other) => other !== draft)
      this.#acknowledged.set(id, { id, points })
      const [oldest] = this.#acknowledged.keys()
      if (oldest && this.#acknowledged.size > acknowledgedMax) this.#acknowledged.delete(oldest)
    }
    this.#notify()
  }

  #drop(draft: Draft, error: unknown): void {
    this.#drafts = this.#drafts.filter((other) => other !== draft)
    this.#refuse(error)
  }

  async #attempt(call: Promise<unknown>): Promise<void> {
    this.refusal = undefined
    await call.catch((error: unknown) => this.#refuse(error))
    this.#notify()
  }

  #refuse(error: unknown): void {
    if (!(error instanceof SojournError)) throw error
    // Why a connection is closed is said by its status already.
    if (this.live.status !== 'closed') this.refusal = error.message
    this.#notify()
  }

  #notify(): void {
    for (const listener of this.#listeners) listener()
  }
}

/** Not `randomUUID()`: browsers have that on https and localhost only. */
function newStrokeId(): string {
  return [...crypto.getRandomValues(new Uint32Array(3))].map((part) => part.toString(36)).join('')
}
