/**
 * Keeps one WebSocket open: tries again after a loss, notices a peer that went silent, and stops
 * for good when the server says that trying again is of no use.
 */
import { type Clock, isErrorCode, isSojournError, SojournError } from '../base/core/index.ts'
import { encodeFromClient } from '../base/protocol/index.ts'
import { pauseMs } from './backoff.ts'

/** The part of the standard WebSocket that is used; Node 22 and every browser have it. */
export interface SocketLike {
  binaryType: string
  onopen: (() => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
  onclose: ((event: { code: number; reason: string }) => void) | null
  onerror: (() => void) | null
  send(bytes: Uint8Array): void
  close(): void
}

export interface LinkOptions {
  readonly open: (protocols?: string[]) => SocketLike
  /** Asked for a new ticket before each attempt. */
  readonly ticket?: (() => Promise<string> | string) | undefined
  readonly clock: Clock
  readonly random: () => number
  readonly onOpen: (send: (bytes: Uint8Array) => void) => void
  readonly onMessage: (bytes: Uint8Array) => void
  /** The connection was lost; the link tries again unless `error` says why it will not. */
  readonly onLost: (error: SojournError | undefined) => void
}

/** The server is asked this often whether it is there, how far away, and what its clock says. */
const pingEveryMs = 5_000
/** Without any word for so long, the connection counts as lost. */
const lostAfterMs = 12_000

export class Link {
  /** Of all messages on all sockets so far. */
  bytesReceived = 0
  bytesSent = 0
  readonly #options: LinkOptions
  #socket: SocketLike | undefined
  #attempt = 0
  /** The attempt that waits for its ticket. */
  #asking: object | undefined
  #closed = false
  #cancelRetry = (): void => {}
  #cancelPing = (): void => {}
  #cancelLost = (): void => {}

  constructor(options: LinkOptions) {
    this.#options = options
    this.#open()
  }

  /** Skips the pause before the next attempt; for `online` and a page that became visible. */
  hurry(): void {
    if (this.#closed || this.#socket || this.#asking) return
    this.#cancelRetry()
    this.#open()
  }

  /** The server has answered in full: the next loss starts with a short pause again. */
  settled(): void {
    this.#attempt = 0
  }

  /** Asks the server, which answers with a pong. */
  ping(): void {
    const { clock } = this.#options
    this.#cancelPing()
    this.#cancelPing = clock.after(pingEveryMs, () => this.ping())
    try {
      this.#send(encodeFromClient({ type: 'ping', sentMs: clock.monotonicMs() }))
    } catch {
      // Still connecting: the deadline for silence runs all the same.
    }
  }

  /** Drops the socket and tries again, for a peer that makes no sense. */
  restart(): void {
    this.#lose(undefined)
  }

  close(): void {
    this.#closed = true
    this.#cancelRetry()
    this.#drop()
  }

  #open(): void {
    const { open, ticket } = this.#options
    if (ticket) this.#ask(ticket)
    else this.#use(open())
  }

  async #ask(ticket: () => Promise<string> | string): Promise<void> {
    const asking = {}
    this.#asking = asking
    this.#heard()
    try {
      const text = await ticket()
      if (this.#asking !== asking) return
      this.#use(this.#options.open(['sojourn', `ticket.${text}`]))
    } catch (error) {
      if (this.#asking !== asking) return
      this.#lose(isSojournError(error) && !error.retry ? error : undefined)
    }
  }

  #use(socket: SocketLike): void {
    this.#asking = undefined
    this.#socket = socket
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => this.#options.onOpen((bytes) => this.#send(bytes))
    socket.onmessage = ({ data }) => {
      this.#heard()
      if (!(data instanceof ArrayBuffer)) return
      this.bytesReceived += data.byteLength
      this.#options.onMessage(new Uint8Array(data))
    }
    socket.onclose = ({ reason }) => this.#lose(finalError(reason))
    socket.onerror = () => {}
    this.#heard()
  }

  #heard(): void {
    this.#cancelLost()
    this.#cancelLost = this.#options.clock.after(lostAfterMs, () => this.#lose(undefined))
  }

  #send(bytes: Uint8Array): void {
    this.#socket?.send(bytes)
    this.bytesSent += bytes.byteLength
  }

  #drop(): void {
    const socket = this.#socket
    this.#socket = undefined
    this.#asking = undefined
    this.#cancelPing()
    this.#cancelLost()
    if (!socket) return
    socket.onopen = null
    socket.onmessage = null
    socket.onclose = null
    socket.close()
  }

  #lose(error: SojournError | undefined): void {
    if (this.#closed) return
    this.#drop()
    this.#closed = error !== undefined
    if (!error) {
      const { clock, random } = this.#options
      this.#cancelRetry = clock.after(pauseMs(this.#attempt, random), () => this.#open())
      this.#attempt += 1
    }
    this.#options.onLost(error)
  }
}

/** A close reason of the error table that no retry can mend. */
function finalError(reason: string): SojournError | undefined {
  const error = isErrorCode(reason) ? new SojournError(reason) : undefined
  return error?.retry === false ? error : undefined
}
