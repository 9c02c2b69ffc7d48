/** What takes part in the state bench: a server that is changed and a client that follows. */

export interface Server<Tick> {
  /** Everything a client needs to follow from here on. */
  snapshot(): Uint8Array
  /** Changes the state and encodes the change. The bytes are good until the next call. */
  send(tick: Tick): Uint8Array
  state(): unknown
}

export interface Client {
  take(frame: Uint8Array): void
  /** The state as a program gets it to read: whole where it is immutable, itself where it lives. */
  state(): unknown
}

export interface Contestant<State, Tick> {
  readonly name: string
  /** The client is known to end up with something else than the server; the name says so. */
  readonly diverges?: boolean
  serve(initial: State): Server<Tick>
  join(snapshot: Uint8Array): Client
}

/** How the scenario changes a plain state; also a draft of one, or one that is tracked. */
export type Change<State, Tick> = (state: State, tick: Tick) => void
