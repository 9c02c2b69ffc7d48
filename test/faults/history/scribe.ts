/** A client of a list that writes down what it does, hears and sees. */
import { WebSocket } from 'ws'
import { parseFromInstance } from '../../../src/base/protocol/index.ts'
import { connect, isSojournError, type Live, type SocketLike } from '../../../src/client/index.ts'
import type list from './backends/at-process.ts'
import type { Append, Read, View } from './history.ts'

/** What all clients of one list write into. */
export interface Notes {
  readonly appends: Append[]
  readonly reads: Read[]
  readonly views: View[]
}

/** What all clients of a run count together. */
export class Tally {
  #now = 0
  readonly counts: Map<string, number> = new Map()

  /** The next moment; see `History`. */
  tick(): number {
    this.#now += 1
    return this.#now
  }

  count(what: string): void {
    this.counts.set(what, this.of(what) + 1)
  }

  of(what: string): number {
    return this.counts.get(what) ?? 0
  }
}

export class Scribe {
  readonly #name: string
  readonly #notes: Notes
  readonly #tally: Tally
  readonly #live: Live<typeof list>
  #socket: WebSocket | undefined
  #openedAt = 0
  #values = 0
  #shown: readonly string[] = []
  #isLive = false

  constructor(address: string, name: string, notes: Notes, tally: Tally) {
    this.#name = name
    this.#notes = notes
    this.#tally = tally
    this.#live = connect<typeof list>(address, { open: (url) => this.#open(url) })
    this.#live.subscribe(() => this.#look())
  }

  get isLive(): boolean {
    return this.#live.status === 'live'
  }

  /** It was told not to come again. */
  get isClosed(): boolean {
    return this.#live.status === 'closed'
  }

  /** The list as it was shown last. */
  get list(): readonly string[] {
    return this.#shown
  }

  append(): Promise<void> {
    return this.#call((value) => this.#live.actions.append(value))
  }

  /** An append that its handler takes back. */
  appendInVain(): Promise<void> {
    return this.#call((value) => this.#live.actions.appendAndRefuse(value))
  }

  /** The connection breaks without a word. */
  cut(): void {
    this.#socket?.terminate()
  }

  /** Goes for good; what it waits for stays unknown. */
  close(): void {
    this.#live.close()
  }

  async #call(run: (value: string) => Promise<number>): Promise<void> {
    this.#values += 1
    const value = `${this.#name}-${this.#values}`
    const append = { client: this.#name, value, called: this.#tally.tick() }
    const settle = (outcome: Append['outcome'], place: { index?: number } = {}): void => {
      this.#tally.count(outcome)
      this.#notes.appends.push({ ...append, returned: this.#tally.tick(), outcome, ...place })
    }
    try {
      settle('acknowledged', { index: (await run(value)) - 1 })
    } catch (error) {
      const code = isSojournError(error) ? error.code : String(error)
      this.#tally.count(`answered ${code}`)
      settle(code === 'FORBIDDEN' ? 'refused' : 'unknown')
    }
  }

  #open(url: string): SocketLike {
    const socket = new WebSocket(url)
    this.#socket = socket
    this.#openedAt = this.#tally.tick()
    socket.once('message', (data: Buffer) => {
      const said = parseFromInstance(new Uint8Array(data))
      if (said.type === 'welcome') this.#tally.count(said.resumed ? 'resumes' : 'snapshots')
    })
    return socket as unknown as SocketLike
  }

  #look(): void {
    const { state, status } = this.#live
    const client = this.#name
    const list = state?.entries ?? []
    if (list !== this.#shown) {
      let kept = 0
      while (kept < list.length && list[kept] === this.#shown[kept]) kept += 1
      // A list that became shorter is a view too, of nothing new.
      if (kept < list.length || kept < this.#shown.length)
        this.#notes.views.push({ client, at: this.#tally.tick(), kept, added: list.slice(kept) })
      this.#shown = list
    }
    const wasLive = this.#isLive
    this.#isLive = status === 'live'
    if (this.#isLive && !wasLive) this.#came(list.length)
  }

  /** The first look at the list over a new connection is as fresh as an answer. */
  #came(length: number): void {
    const times = { called: this.#openedAt, returned: this.#tally.tick() }
    this.#notes.reads.push({ client: this.#name, ...times, length })
  }
}
