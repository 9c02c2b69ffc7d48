/**
 * A WebSocket whose instance hibernates. It stays open here: control frames and the client's
 * heartbeat are answered; the first frame that means something stops the reading, and waits with
 * every byte behind it for the next process. Frames are looked at, never changed (RFC 6455 §5.2).
 */
import { Socket } from 'node:net'
import { type Clock, type ErrorCode, limits, SojournError } from '../../base/core/index.ts'
import {
  encodeFromInstance,
  isPing,
  parseFromClient,
  pingBytes,
} from '../../base/protocol/index.ts'
import { release } from '../sockets/release.ts'
import type { SocketHandle } from './sockets.ts'

export interface ParkedSocketOptions {
  readonly handle: SocketHandle
  readonly clock: Clock
  /** The client said something that an instance has to hear. */
  readonly onWake: () => void
  readonly onClosed: () => void
}

const opcodes = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const
const controlBytesMax = 125
const maskBytes = 4
const none = new Uint8Array(0)

/** One frame of a client, as far as it is read. */
interface Frame {
  readonly opcode: number
  readonly payload: Uint8Array
  readonly bytes: number
}

export class ParkedSocket {
  readonly #options: ParkedSocketOptions
  readonly #socket: Socket
  /** Bytes of a frame that isn't whole, or of those that wait for the next process. */
  #unread: Uint8Array = none
  #isAwake = false

  constructor(options: ParkedSocketOptions) {
    this.#options = options
    const socket = new Socket({ handle: options.handle, readable: true, writable: true } as never)
    this.#socket = socket
    socket.on('error', () => {})
    socket.on('close', options.onClosed)
    socket.on('data', (chunk: Uint8Array) => this.#take(chunk))
  }

  /** Sends a message of an instance. */
  say(bytes: Uint8Array): void {
    this.#send(opcodes.binary, bytes)
  }

  /** Closes it with a code; one that doesn't answer in time is cut. */
  close(code: ErrorCode): void {
    const { close } = new SojournError(code)
    const payload = Buffer.from(`  ${code}`)
    payload.writeUInt16BE(close)
    this.#send(opcodes.close, payload)
    this.#socket.end()
    this.#socket.setTimeout(limits.refusalMs, () => this.#socket.destroy())
  }

  /**
   * Stops reading and gives up the handle, with the bytes that the next process has to read first.
   * `undefined` when the socket has closed. Resolves when all that was said here is sent.
   */
  async giveUp(): Promise<{ handle: SocketHandle; head: Uint8Array } | undefined> {
    this.#isAwake = true
    const released = release(this.#socket, this.#unread)
    if (!released) return undefined
    if (this.#socket.writableLength > 0)
      await new Promise((resolve) => this.#socket.write(none, resolve))
    if (this.#socket.destroyed) return undefined
    this.#socket.removeAllListeners()
    this.#socket.on('error', () => {})
    return { handle: this.#options.handle, head: released.head }
  }

  #take(chunk: Uint8Array): void {
    this.#unread = this.#unread.byteLength > 0 ? Buffer.concat([this.#unread, chunk]) : chunk
    while (!this.#isAwake) {
      const frame = frameIn(this.#unread)
      if (frame === 'part') return
      if (frame === 'other' || !this.#answer(frame)) this.#wake()
      else this.#unread = this.#unread.subarray(frame.bytes)
    }
  }

  #wake(): void {
    this.#isAwake = true
    // In this same turn of the event loop: what comes from now on stays in the kernel.
    const released = release(this.#socket, this.#unread)
    if (!released) return
    this.#unread = released.head
    this.#options.onWake()
  }

  /** Answers what needs no instance; false for what does. */
  #answer({ opcode, payload }: Frame): boolean {
    switch (opcode) {
      case opcodes.ping:
        this.#send(opcodes.pong, payload)
        return true
      case opcodes.pong:
        return true
      case opcodes.close:
        this.#send(opcodes.close, payload.subarray(0, 2))
        this.#socket.end()
        return true
      case opcodes.binary:
        return this.#answerPing(payload)
      default:
        return false
    }
  }

  #answerPing(bytes: Uint8Array): boolean {
    const said = isPing(bytes) ? parseFromClient(bytes) : undefined
    if (said?.type !== 'ping') return false
    const { sentMs } = said
    const serverMs = this.#options.clock.nowMs()
    this.#send(opcodes.binary, encodeFromInstance({ type: 'pong', sentMs, serverMs }))
    return true
  }

  #send(opcode: number, payload: Uint8Array): void {
    if (this.#socket.writableLength > limits.parkedUnsentBytesMax) this.#socket.destroy()
    else this.#socket.write(serverFrame(opcode, payload))
  }
}

/** A whole small frame; `part` of one; or `other`: one that is too large to matter here, or wrong. */
function frameIn(bytes: Uint8Array): Frame | 'part' | 'other' {
  const [first = 0, second = 0] = bytes
  if (bytes.byteLength < 2) return 'part'
  const length = second & 0x7f
  const isWholeMessage = (first & 0xf0) === 0x80
  const isMasked = second >= 0x80
  if (!isWholeMessage || !isMasked || length > controlBytesMax) return 'other'
  const opcode = first & 0x0f
  // Only a heartbeat can be of this length; others need not be whole to be known.
  if (opcode < opcodes.close && length !== pingBytes) return 'other'
  const end = 2 + maskBytes + length
  if (bytes.byteLength < end) return 'part'
  const mask = bytes.subarray(2, 2 + maskBytes)
  const payload = bytes.slice(2 + maskBytes, end).map((byte, at) => byte ^ (mask[at % 4] ?? 0))
  return { opcode, payload, bytes: end }
}

/** Every message of the host is short: a heartbeat's answer, a parting, a close. */
function serverFrame(opcode: number, payload: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(0x80 | opcode, payload.byteLength), payload])
}
