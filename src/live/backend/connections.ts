/** The connections of an instance: who is here, what they are sent, and their presence. */
import { type ErrorCode, limits } from '../../base/core/index.ts'
import {
  type ActionResult,
  encodeFromInstance,
  type FromInstance,
  type PresenceEntry,
  pack,
} from '../../base/protocol/index.ts'
import type { Caller, ClientInput } from './define.ts'

/** A socket as the instance sees it. */
export interface Link {
  send(bytes: Uint8Array): void
  /** Bytes given to `send` that the client has not taken yet. */
  unsentBytes(): number
  /** Closes with the code's close code and the code as the reason. */
  close(code: ErrorCode): void
}

export interface Connection {
  /** Replaced as a whole when the backend attaches something else. */
  caller: Caller<unknown>
  readonly link: Link
  /** What others see beside the presence value; made by the backend's `identity`. */
  readonly identity: unknown
  /** The client id that its actions are remembered under; set at the welcome. */
  client?: string
  presence?: unknown
  /** What it sent since the last tick. */
  inputs: unknown[]
  /**
   * Forward only: `arrived` → `entered` (let in, counted) → `welcome` (shown the state, and what
   * comes after it) → `left`.
   */
  phase: 'arrived' | 'entered' | 'welcome' | 'left'
}

export class Connections {
  /** Called when the first connection comes, and when the last has left. */
  onChange = (_isEmpty: boolean): void => {}
  readonly #all = new Map<string, Connection>()

  get size(): number {
    return this.#all.size
  }

  add(connection: Connection): void {
    this.#all.set(connection.caller.connection, connection)
    if (this.size === 1) this.onChange(false)
  }

  /** Closes with a code. It leaves at once: the socket may take its time. */
  close(connection: Connection, code: ErrorCode): void {
    this.remove(connection)
    connection.link.close(code)
  }

  remove(connection: Connection): void {
    const shown = connection.phase === 'welcome'
    connection.phase = 'left'
    const wasHere = this.#all.delete(connection.caller.connection)
    if (shown) this.sayAll({ type: 'left', connection: connection.caller.connection })
    if (wasHere && this.size === 0) this.onChange(true)
  }

  find(id: string): Connection | undefined {
    return this.#all.get(id)
  }

  /** Those that entered. */
  callers(): readonly Caller<unknown>[] {
    return this.#here().map((connection) => connection.caller)
  }

  presence(): PresenceEntry[] {
    return this.#welcome().map(entryOf)
  }

  /** Shows a connection that entered to the others. */
  show(connection: Connection): void {
    this.sayAll({ type: 'presence', entry: entryOf(connection) }, connection)
  }

  /** Sets a presence value and shows it to the others; false when it is too large. */
  setPresence(connection: Connection, value: unknown): boolean {
    if (pack(value).byteLength > limits.presenceBytesMax) return false
    connection.presence = value
    if (connection.phase === 'welcome') this.show(connection)
    return true
  }

  /** Keeps an input for the next tick: the newest ones, since it is what the client wants now. */
  addInput({ inputs }: Connection, value: unknown): void {
    inputs.push(value)
    if (inputs.length > limits.inputsPerTickMax) inputs.shift()
  }

  /** Hands out the inputs since the last time. */
  takeInputs(): ClientInput<unknown, unknown, unknown>[] {
    return this.#here().flatMap((connection) => {
      const { caller, inputs } = connection
      if (inputs.length > 0) connection.inputs = []
      return inputs.map((value) => ({ caller, value }))
    })
  }

  /** Sends one message to one connection. */
  say(connection: Connection, said: FromInstance): void {
    send(connection, encodeFromInstance(said))
  }

  /** Sends one message, encoded once, to all that are welcome. */
  sayAll(said: FromInstance, except?: Connection): void {
    this.sendAll(encodeFromInstance(said), except)
  }

  sendAll(bytes: Uint8Array, except?: Connection): void {
    for (const connection of this.#all.values())
      if (connection.phase === 'welcome' && connection !== except) send(connection, bytes)
  }

  /**
   * Sends a frame to all that are welcome: the very same bytes to each, but for the one whose action
   * made it; that one gets the results in the same message.
   */
  publish(section: Uint8Array, to?: Connection, results: readonly ActionResult[] = []): void {
    this.sayAll({ type: 'state', results: [], bytes: section }, to)
    if (to && to.phase !== 'left') this.say(to, { type: 'state', results, bytes: section })
  }

  #here(): Connection[] {
    return [...this.#all.values()].filter(({ phase }) => phase === 'entered' || phase === 'welcome')
  }

  #welcome(): Connection[] {
    return [...this.#all.values()].filter(({ phase }) => phase === 'welcome')
  }
}

function entryOf({ caller, identity, presence }: Connection): PresenceEntry {
  return { connection: caller.connection, identity: identity ?? null, value: presence ?? null }
}

/** A client that lets more than `unsentBytesMax` pile up is closed: it costs others nothing. */
function send({ link }: Connection, bytes: Uint8Array): void {
  if (link.unsentBytes() > limits.unsentBytesMax) link.close('CLIENT_TOO_SLOW')
  else link.send(bytes)
}
