/** The other end of a client, spoken by hand: sockets that remember, and say what the test says. */
import {
  type Cursor,
  encodeFromInstance,
  type FromClient,
  type FromInstance,
  parseFromClient,
} from '../../src/base/protocol/index.ts'
import type { SocketLike } from '../../src/client/link.ts'

export class ScriptedSocket implements SocketLike {
  binaryType = ''
  onopen: (() => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: ((event: { code: number; reason: string }) => void) | null = null
  onerror: (() => void) | null = null
  readonly sent: FromClient[] = []
  isClosed = false

  send(bytes: Uint8Array): void {
    this.sent.push(parseFromClient(bytes.slice()))
  }

  close(): void {
    this.isClosed = true
  }

  /** What was sent of one type. */
  all<Type extends FromClient['type']>(type: Type): Extract<FromClient, { type: Type }>[] {
    return this.sent.filter((said) => said.type === type) as never
  }

  open(): void {
    this.onopen?.()
  }

  hear(said: FromInstance): void {
    this.bytes(encodeFromInstance(said))
  }

  bytes(bytes: Uint8Array): void {
    this.onmessage?.({ data: bytes.slice().buffer })
  }

  welcome(head: Cursor, more: Partial<Extract<FromInstance, { type: 'welcome' }>> = {}): void {
    const { epoch, nonce } = head
    const whole = { version: 1, connection: 'c_1', client: 'k.1', epoch, nonce, head }
    this.hear({ type: 'welcome', ...whole, resumed: false, presence: [], ...more })
  }

  /** The connection is lost, or closed with a code of the error table as the reason. */
  lose(reason = ''): void {
    this.onclose?.({ code: reason ? 4000 : 1006, reason })
  }
}

/** Every socket that a client opened, the newest last. */
export class ScriptedServer {
  readonly sockets: ScriptedSocket[] = []

  /** What each attempt offered as subprotocols. */
  readonly offers: (readonly string[] | undefined)[] = []

  readonly open = (_?: string, protocols?: readonly string[]): SocketLike => {
    this.offers.push(protocols)
    const socket = new ScriptedSocket()
    this.sockets.push(socket)
    return socket
  }

  get newest(): ScriptedSocket {
    const socket = this.sockets.at(-1)
    if (!socket) throw new Error('no socket was opened')
    return socket
  }
}
