/** Takes a socket out of a process: its raw handle, and every byte read so far. */
import type { Socket } from 'node:net'

/** The parts of a TCP handle that the hand-over needs; Node has no public name for it. */
interface RawHandle {
  /** Node's own note of whether it reads; a socket made of the handle later goes by it. */
  reading: boolean
  readStop(): number
  readStart(): number
}

export interface Released {
  readonly handle: RawHandle
  /** What was read, and by nobody taken. */
  readonly head: Uint8Array
  /** Reads again: nobody took the socket, so the door has to answer on it. */
  takeBack(): void
}

/**
 * Stops reading at the handle first, in the same turn of the event loop: a socket that only
 * pauses goes on reading from the kernel, and those bytes would be lost to the receiver.
 *
 * `undefined` when the socket has closed meanwhile.
 */
export function release(socket: Socket, head: Uint8Array): Released | undefined {
  const handle = (socket as unknown as { _handle: RawHandle | null })._handle
  if (!handle || socket.destroyed) return undefined
  handle.readStop()
  handle.reading = false
  const chunks = [head]
  for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) chunks.push(chunk)
  const takeBack = (): void => {
    if (socket.destroyed) return
    handle.reading = true
    handle.readStart()
  }
  return { handle, head: Buffer.concat(chunks), takeBack }
}
