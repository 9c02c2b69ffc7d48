/** A socket whose messages take the way through a simulated network, in both directions. */
import type { Clock } from '../../base/core/index.ts'
import type { SocketLike } from '../link.ts'
import type { NetworkQuality } from './index.ts'
import { Way, type WayOptions } from './way.ts'

export interface SimulatedSocketOptions extends WayOptions {
  readonly clock: Clock
  readonly quality: Readonly<NetworkQuality>
  /** The socket is closed: nothing comes from it any more. */
  readonly onGone: () => void
}

/** The close code of a connection that was lost without a word. */
const lostCode = 1006

export class SimulatedSocket implements SocketLike {
  onopen: SocketLike['onopen'] = null
  onmessage: SocketLike['onmessage'] = null
  onclose: SocketLike['onclose'] = null
  onerror: SocketLike['onerror'] = null
  readonly #inner: SocketLike | undefined
  readonly #options: SimulatedSocketOptions
  readonly #up: Way
  readonly #down: Way
  #binaryType = 'blob'
  #isGone = false

  /** @param inner the real socket; none when there is no network: then the attempt fails */
  constructor(inner: SocketLike | undefined, options: SimulatedSocketOptions) {
    this.#inner = inner
    this.#options = options
    this.#up = new Way(options)
    this.#down = new Way(options)
    if (!inner) {
      // Whoever opened it has to put its handlers in place first.
      options.clock.after(0, () => this.cut())
      return
    }
    // A handshake is one round trip, the rest of it is on the way down.
    inner.onopen = () => this.#up.take(() => this.#down.take(() => this.onopen?.()))
    inner.onmessage = (event) => this.#down.take(() => this.onmessage?.(event))
    inner.onclose = ({ code, reason }) => this.#down.take(() => this.#end(code, reason))
    inner.onerror = () => this.#down.take(() => this.onerror?.())
  }

  get binaryType(): string {
    return this.#binaryType
  }

  set binaryType(type: string) {
    this.#binaryType = type
    if (this.#inner) this.#inner.binaryType = type
  }

  send(bytes: Uint8Array): void {
    if (this.#isGone) return
    // The caller may use its bytes again, as with a real socket.
    const copy = bytes.slice()
    this.#up.take(() => this.#inner?.send(copy))
  }

  close(): void {
    if (this.#isGone) return
    this.#leave()
    // Behind what was sent before.
    this.#up.take(() => this.#inner?.close())
  }

  /** The network is gone, with what is on its way. */
  cut(): void {
    if (this.#isGone) return
    this.#up.cut()
    this.#inner?.close()
    this.onerror?.()
    this.#end(lostCode, '')
  }

  #end(code: number, reason: string): void {
    if (this.#isGone) return
    this.#leave()
    this.onclose?.({ code, reason })
  }

  #leave(): void {
    this.#isGone = true
    this.#down.cut()
    this.#options.onGone()
    if (!this.#inner) return
    this.#inner.onopen = null
    this.#inner.onmessage = null
    this.#inner.onclose = null
  }
}
