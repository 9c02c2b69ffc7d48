/** The clients of one list: they append in bursts, pause, leave, and others come. */
import { until } from '../../e2e/scratch.ts'
import { pause } from './faults.ts'
import type { History } from './history.ts'
import { type Notes, Scribe, type Tally } from './scribe.ts'

const placesInRoom = 3
const burstMax = 12
const pauseMsMax = 250
/** All of them rest for a part of each span, so that the instance falls asleep. */
const spanMs = 9_000
const restMs = 2_500
/** How long it may take, once nothing is done to them any more, until all are served again. */
const recoveryMs = 45_000

export interface RoomOptions {
  readonly address: string
  readonly name: string
  readonly random: () => number
  readonly tally: Tally
}

export class Room {
  readonly #options: RoomOptions
  readonly #notes: Notes = { appends: [], reads: [], views: [] }
  readonly #scribes = new Set<Scribe>()
  /** What each place has done, and got all answers to. */
  readonly #bursts: number[] = Array(placesInRoom).fill(0)
  readonly #restOffsetMs: number
  #names = 0
  #isOver = false

  constructor(options: RoomOptions) {
    this.#options = options
    this.#restOffsetMs = options.random() * spanMs
  }

  /** Works until `leave` is called; every call is answered first. */
  async work(): Promise<void> {
    await Promise.all(this.#bursts.map((_, place) => this.#writeAndLeave(place)))
    this.close()
  }

  leave(): void {
    this.#isOver = true
  }

  /** Ends all connections; what is not answered yet stays unknown. */
  close(): void {
    this.leave()
    for (const scribe of this.#scribes) scribe.close()
    this.#scribes.clear()
  }

  cutSome(): void {
    for (const scribe of this.#scribes) if (this.#options.random() < 0.5) scribe.cut()
  }

  /** Whether every call that is open now is answered in time. */
  recovered(): Promise<boolean> {
    const before = [...this.#bursts]
    return inTime(() => this.#bursts.every((count, place) => count > (before[place] ?? 0)))
  }

  /** What happened, with the list as a newcomer is shown it: one that is never shown is empty. */
  async history(): Promise<History> {
    const last = this.#enter()
    const isShown = await inTime(() => last.isLive)
    const final = isShown ? last.list : []
    last.close()
    return { ...this.#notes, final }
  }

  #enter(): Scribe {
    const { address, name, tally } = this.#options
    this.#names += 1
    const scribe = new Scribe(address, `${name}.${this.#names}`, this.#notes, tally)
    this.#scribes.add(scribe)
    return scribe
  }

  /** One place in the room, taken by one scribe after another. */
  async #writeAndLeave(place: number): Promise<void> {
    const { random } = this.#options
    let scribe = this.#enter()
    while (!this.#isOver) {
      const burst = this.#burst(scribe)
      if (scribe.isClosed || random() < 0.03) {
        await pause(random() * 5)
        scribe.close()
        this.#scribes.delete(scribe)
        scribe = this.#enter()
      }
      await burst
      this.#bursts[place] = (this.#bursts[place] ?? 0) + 1
      await pause(random() * pauseMsMax + this.#restMs())
    }
  }

  async #burst(scribe: Scribe): Promise<void> {
    const { random } = this.#options
    const count = random() < 0.5 ? 1 : 1 + Math.floor(random() * burstMax)
    const calls = Array.from({ length: count }, () =>
      random() < 0.05 ? scribe.appendInVain() : scribe.append(),
    )
    await Promise.all(calls)
  }

  #restMs(): number {
    const intoMs = (performance.now() + this.#restOffsetMs) % spanMs
    return intoMs < restMs && !this.#isOver ? restMs - intoMs : 0
  }
}

function inTime(holds: () => boolean): Promise<boolean> {
  return until(holds, 'all is well', recoveryMs).then(
    () => true,
    () => false,
  )
}
