/** The network between a page and its server: can be cut, and can swallow what it should carry. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** What a page's connection is, on both sides of the network. */
interface Pair {
  readonly client: Socket
  readonly server: Socket
}

export class Relay {
  readonly port: number
  readonly #listener: Server
  readonly #serverPort: number
  readonly #pairs = new Set<Pair>()
  /** Connections that carry nothing any more, though neither side knows. */
  readonly #dead = new Set<Pair>()
  /** Came while everything was swallowed; they ask again and again, as TCP does. */
  readonly #waiting = new Set<Socket>()
  #swallows = false

  private constructor(listener: Server, serverPort: number) {
    this.#listener = listener
    this.#serverPort = serverPort
    this.port = (listener.address() as AddressInfo).port
    listener.on('connection', (client) => {
      if (this.#swallows) this.#waiting.add(client)
      else this.#join(client)
    })
  }

  static async open(serverPort: number): Promise<Relay> {
    const listener = createServer().listen(0, '127.0.0.1')
    await once(listener, 'listening')
    return new Relay(listener, serverPort)
  }

  #join(client: Socket): void {
    const pair = { client, server: connect(this.#serverPort, '127.0.0.1') }
    const { server } = pair
    this.#pairs.add(pair)
    client.pipe(server).pipe(client)
    for (const [end, other] of [
      [client, server],
      [server, client],
    ] as const) {
      end.on('error', () => {})
      end.on('close', () => {
        this.#pairs.delete(pair)
        if (!this.#dead.has(pair)) other.destroy()
      })
    }
  }

  /** Resets all connections, on both sides; new ones are carried. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy()
      server.resetAndDestroy()
    }
  }

  /** Nothing is carried any more, and nobody is told. */
  swallow(): void {
    this.#swallows = true
    for (const pair of this.#pairs) {
      const { client, server } = pair
      this.#dead.add(pair)
      client.unpipe(server).resume()
      server.unpipe(client).resume()
    }
  }

  /** New connections are carried, those that were tried meanwhile too; what was swallowed stays dead. */
  carry(): void {
    this.#swallows = false
    for (const client of this.#waiting) this.#join(client)
    this.#waiting.clear()
  }

  /** The server has given up on the dead connections; their clients are not told. */
  giveUp(): void {
    for (const { server } of this.#dead) server.destroy()
  }

  close(): void {
    this.#listener.close()
    for (const { client, server } of [...this.#pairs, ...this.#dead]) {
      client.destroy()
      server.destroy()
    }
    for (const client of this.#waiting) client.destroy()
  }
}
