/** Measures a connection: what passes in a second, and how long the last interruption was. */
import type { BackendType, Live } from 'sojourn/client'

/** The part of a live view that tells of its connection. */
export type Wire = Pick<Live<BackendType>, 'status' | 'error' | 'link' | 'subscribe'>

const sampleEveryMs = 1_000

export class Meter {
  receivedPerSecond = 0
  sentPerSecond = 0
  /** Undefined until the connection was lost and is back. */
  lastOutageMs: number | undefined
  readonly #wire: Wire
  readonly #timer: ReturnType<typeof setInterval>
  readonly #unsubscribe: () => void
  readonly #listeners = new Set<() => void>()
  #sampledAtMs = performance.now()
  #received: number
  #sent: number
  #status: Wire['status']
  #lostAtMs: number | undefined

  constructor(wire: Wire) {
    this.#wire = wire
    this.#status = wire.status
    this.#received = wire.link.bytesReceived
    this.#sent = wire.link.bytesSent
    this.#timer = setInterval(() => this.#sample(), sampleEveryMs)
    this.#unsubscribe = wire.subscribe(() => this.#look())
  }

  /** Tells once a second, and when the status changes: not with each of sixty frames a second. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#unsubscribe()
  }

  #sample(): void {
    const nowMs = performance.now()
    const seconds = (nowMs - this.#sampledAtMs) / 1000
    const { bytesReceived, bytesSent } = this.#wire.link
    this.receivedPerSecond = (bytesReceived - this.#received) / seconds
    this.sentPerSecond = (bytesSent - this.#sent) / seconds
    this.#sampledAtMs = nowMs
    this.#received = bytesReceived
    this.#sent = bytesSent
    this.#notify()
  }

  #look(): void {
    const { status } = this.#wire
    if (status === this.#status) return
    if (this.#status === 'live') this.#lostAtMs = performance.now()
    if (status === 'live' && this.#lostAtMs !== undefined)
      this.lastOutageMs = performance.now() - this.#lostAtMs
    this.#status = status
    this.#notify()
  }

  #notify(): void {
    for (const listener of this.#listeners) listener()
  }
}
