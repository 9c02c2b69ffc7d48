/**
 * Sockets that outlive their process: how one is given up between two frames, and how one that was
 * parked goes on. `ws` has no public names for either; what is used of it is checked at each use,
 * and a socket that can't be given up is closed, so that its client comes back by itself.
 */
import type { Socket } from 'node:net'
import { WebSocket } from 'ws'
import { limits } from '../../base/core/index.ts'

/** The parts of a WebSocket of `ws` that say where it stands. */
interface Inside {
  readonly _socket?: { readonly _handle?: { readStop?(): number } | null; writableLength: number }
  readonly _receiver?: { _bufferedBytes?: number; _state?: number; _fragmented?: number }
}

/** The state of its receiver between two frames. */
const expectsFrame = 0

/**
 * Stops reading, in the same turn of the event loop as the look: what comes from now on stays in
 * the kernel, for the next reader. False when the socket stands amid a message, or has closed.
 */
export function stopBetweenFrames(websocket: WebSocket): boolean {
  const { _socket: socket, _receiver: receiver } = websocket as unknown as Inside
  if (!socket?._handle?.readStop || websocket.readyState !== WebSocket.OPEN) return false
  const isBetween =
    receiver?._state === expectsFrame && receiver._bufferedBytes === 0 && receiver._fragmented === 0
  if (!isBetween || websocket.isPaused) return false
  return socket._handle.readStop() === 0
}

/** Whether everything that was said has left this process. */
export function isFlushed(websocket: WebSocket): boolean {
  const { _socket: socket } = websocket as unknown as Inside
  return websocket.bufferedAmount === 0 && socket?.writableLength === 0
}

/** Closes this process's descriptor without a word: another one holds the socket open. */
export function abandon(websocket: WebSocket): void {
  const { _socket: socket } = websocket as unknown as { _socket: Socket }
  websocket.removeAllListeners()
  socket.removeAllListeners()
  socket.on('error', () => {})
  socket.destroy()
}

/** Goes on with a socket whose handshake an earlier process finished. `head` was read already. */
export function adoptParked(socket: Socket, head: Uint8Array): WebSocket {
  const Adopting = WebSocket as unknown as new (
    address: null,
    protocols: undefined,
    options: { autoPong: boolean; closeTimeout: number },
  ) => WebSocket & { setSocket(socket: Socket, head: Buffer, options: object): void }
  const websocket = new Adopting(null, undefined, {
    autoPong: true,
    closeTimeout: limits.refusalMs,
  })
  const options = {
    allowSynchronousEvents: true,
    maxPayload: limits.messageBytesMax,
    skipUTF8Validation: false,
  }
  websocket.setSocket(socket, Buffer.from(head), options)
  // Nothing is read before its listeners are there.
  websocket.pause()
  return websocket
}
