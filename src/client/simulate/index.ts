/**
 * `sojourn/client/simulate`: a worse network than the developer's own, with a switch to be offline.
 * An entry of its own, so that the client of a finished page does not carry it.
 */
import { type Clock, systemClock } from '../../base/core/index.ts'
import type { SocketLike } from '../link.ts'
import { openSocket, sayOnline } from '../platform.ts'
import { SimulatedSocket } from './socket.ts'

/** How bad the network is; each may be changed while it runs, and counts from the next message on. */
export interface NetworkQuality {
  /** What each message takes longer, each way, in milliseconds: 0 to 10,000. Default 0. */
  latencyMs: number
  /** At most so much on top, at random for each message, in milliseconds: 0 to 10,000. Default 0. */
  jitterMs: number
  /** The share of messages that are lost at first: 0 to 1. Default 0. */
  lossShare: number
}

export interface SimulateOptions extends Partial<NetworkQuality> {
  /** Opens the real WebSocket; default: the platform's own. */
  readonly open?: (url: string, protocols?: string[]) => SocketLike
  /** Default: the clock of the machine. */
  readonly clock?: Clock
  /** A number from 0 to below 1, drawn for each message; default `Math.random`. */
  readonly random?: () => number
}

export interface SimulatedNetwork extends NetworkQuality {
  /** For `connect(address, { open: network.open })`. */
  readonly open: (url: string, protocols?: string[]) => SocketLike
  /**
   * `true` cuts every socket, with what is on its way, and lets attempts fail; `false` has the page
   * hear `online`, as from a browser that is back, so that clients try again at once.
   */
  isOffline: boolean
}

const delayMsMax = 10_000

/**
 * Makes a network that is slower, loses, or is gone. A WebSocket is a stream of TCP: nothing of it
 * is ever missing or out of order. What was lost is sent again, which is noticed after one round
 * trip (200 ms at least), and everything behind it waits for it: so a loss shows as a pause, and
 * then a burst.
 *
 * @throws RangeError for a figure outside of its range, also when it is set later
 */
export function simulateNetwork(options: SimulateOptions = {}): SimulatedNetwork {
  return new Simulation(options)
}

class Simulation implements SimulatedNetwork {
  readonly #given: Required<Pick<SimulateOptions, 'open' | 'clock' | 'random'>>
  readonly #quality: NetworkQuality = { latencyMs: 0, jitterMs: 0, lossShare: 0 }
  readonly #sockets = new Set<SimulatedSocket>()
  #isOffline = false

  constructor(options: SimulateOptions) {
    const { open = openSocket, clock = systemClock, random = Math.random } = options
    this.#given = { open, clock, random }
    const { latencyMs = 0, jitterMs = 0, lossShare = 0 } = options
    Object.assign(this, { latencyMs, jitterMs, lossShare })
  }

  readonly open = (url: string, protocols?: string[]): SocketLike => {
    const { open, clock, random } = this.#given
    const inner = this.#isOffline ? undefined : open(url, protocols)
    const socket = new SimulatedSocket(inner, {
      clock,
      random,
      quality: this.#quality,
      onGone: () => this.#sockets.delete(socket),
    })
    this.#sockets.add(socket)
    return socket
  }

  get latencyMs(): number {
    return this.#quality.latencyMs
  }

  set latencyMs(value: number) {
    this.#quality.latencyMs = within('latencyMs', value, delayMsMax)
  }

  get jitterMs(): number {
    return this.#quality.jitterMs
  }

  set jitterMs(value: number) {
    this.#quality.jitterMs = within('jitterMs', value, delayMsMax)
  }

  get lossShare(): number {
    return this.#quality.lossShare
  }

  set lossShare(value: number) {
    this.#quality.lossShare = within('lossShare', value, 1)
  }

  get isOffline(): boolean {
    return this.#isOffline
  }

  set isOffline(isOffline: boolean) {
    if (isOffline === this.#isOffline) return
    this.#isOffline = isOffline
    if (isOffline) for (const socket of [...this.#sockets]) socket.cut()
    else sayOnline()
  }
}

function within(name: string, value: number, max: number): number {
  if (value >= 0 && value <= max) return value
  throw new RangeError(`simulateNetwork(): ${name} must be 0 to ${max}, got ${value}`)
}
