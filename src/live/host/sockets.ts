/**
 * The host's descriptors of sockets that it handed to an instance. It never reads them; it keeps
 * them so that it can cut a connection whose process does not answer.
 */
import { Socket } from 'node:net'
import { type Clock, type ErrorCode, limits } from '../../base/core/index.ts'
import type { SocketFacts } from '../../base/protocol/index.ts'

/** A raw socket handle as it comes over a process channel: a descriptor that nobody reads. */
export interface SocketHandle {
  close(): void
}

/** A socket as it was handed over. */
export interface HandedOver {
  readonly handle: SocketHandle
  readonly socket: SocketFacts
}

interface Held extends HandedOver {
  /** Cancels the deadline that runs for this socket, if one does. */
  cancel: () => void
  /** The code that its process was told to close it with. */
  closing?: ErrorCode
}

export class HeldSockets {
  readonly #held = new Map<string, Held>()
  readonly #clock: Clock
  /** Called after a socket was cut because its process missed a deadline. */
  readonly #onCut: (connection: string) => void

  constructor(clock: Clock, onCut: (connection: string) => void) {
    this.#clock = clock
    this.#onCut = onCut
  }

  get size(): number {
    return this.#held.size
  }

  /** Keeps a descriptor that was just sent on; without `adopted` in time the socket is cut. */
  hold({ handle, socket }: HandedOver): void {
    const { connection } = socket.caller
    const cancel = this.#clock.after(limits.adoptMs, () => this.#expire(connection))
    this.#held.set(connection, { handle, socket, cancel })
  }

  /** The process has taken the socket. `undefined` when it was cut before. */
  adopted(connection: string): HandedOver | undefined {
    const held = this.#held.get(connection)
    held?.cancel()
    return held
  }

  /** The process was told to close this one; without `closed` in time the socket is cut. */
  closing(connection: string, code: ErrorCode): void {
    const held = this.#held.get(connection)
    if (!held) return
    held.closing = code
    held.cancel()
    held.cancel = this.#clock.after(limits.closeMs, () => this.#expire(connection))
  }

  /** The process closed its end; ours goes too. False when it was not held any more. */
  closed(connection: string): boolean {
    const held = this.#take(connection)
    held?.handle.close()
    return held !== undefined
  }

  /** Holds a socket no longer: its process left it open, and somebody else takes it. */
  giveUp(connection: string): (HandedOver & { readonly closing?: ErrorCode }) | undefined {
    return this.#take(connection)
  }

  /** Cuts all: their process is gone. */
  cutAll(): void {
    for (const connection of [...this.#held.keys()]) this.#expire(connection)
  }

  #expire(connection: string): void {
    const held = this.#take(connection)
    if (!held) return
    // Closing our descriptor alone says nothing to the client while another one is open: the
    // end of the stream must be sent.
    const socket = new Socket({ handle: held.handle, readable: false, writable: true } as never)
    socket.on('error', () => {})
    socket.end()
    this.#onCut(connection)
  }

  #take(connection: string): Held | undefined {
    const held = this.#held.get(connection)
    held?.cancel()
    this.#held.delete(connection)
    return held
  }
}
