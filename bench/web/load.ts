/**
 * A client that costs less than the servers it loads: a fixed request over connections that stay,
 * each asking again as soon as it is answered.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const connections = 16

export interface Load {
  /** Asks for so long, and waits for the last answers. */
  run(forMs: number): Promise<{ readonly requests: number; readonly seconds: number }>
  close(): void
}

export async function openLoad(port: number, path: string, cookie: string): Promise<Load> {
  const request = Buffer.from(
    [
      `GET ${path} HTTP/1.1`,
      `Host: localhost:${port}`,
      'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
      'Accept: application/json',
      'Accept-Encoding: gzip, deflate, br',
      `Cookie: ${cookie}`,
      '\r\n',
    ].join('\r\n'),
  )
  const lines = await Promise.all(
    Array.from({ length: connections }, () => Line.open(port, request)),
  )
  return {
    async run(forMs) {
      const startedMs = performance.now()
      const stop = stayAwake()
      const counts = await Promise.all(lines.map((line) => line.run(startedMs + forMs)))
      stop()
      const requests = counts.reduce((sum, count) => sum + count, 0)
      return { requests, seconds: (performance.now() - startedMs) / 1_000 }
    },
    close() {
      for (const line of lines) line.close()
    },
  }
}

/**
 * To wake a client that sleeps costs the server's write more than most of what is measured, and
 * the more often, the slower the server is.
 */
function stayAwake(): () => void {
  let isAwake = true
  const turn = (): void => {
    if (isAwake) setImmediate(turn)
  }
  turn()
  return () => {
    isAwake = false
  }
}

class Line {
  readonly #socket: Socket
  readonly #request: Buffer
  #received = ''
  #count = 0
  #untilMs = 0
  #done: { resolve(count: number): void; reject(error: Error): void } | undefined

  static async open(port: number, request: Buffer): Promise<Line> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return new Line(socket, request)
  }

  private constructor(socket: Socket, request: Buffer) {
    this.#socket = socket
    this.#request = request
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => this.#take(text))
    socket.on('error', (error) => this.#done?.reject(error))
    socket.on('close', () => this.#done?.reject(new Error('the server hung up')))
  }

  run(untilMs: number): Promise<number> {
    this.#count = 0
    this.#untilMs = untilMs
    this.#socket.write(this.#request)
    return new Promise((resolve, reject) => {
      this.#done = { resolve, reject }
    })
  }

  close(): void {
    this.#done = undefined
    this.#socket.destroy()
  }

  #take(text: string): void {
    const received = this.#received + text
    const headEnd = received.indexOf('\r\n\r\n')
    const lengthAt = received.toLowerCase().indexOf('content-length: ')
    const bodyBytes = Number.parseInt(received.slice(lengthAt + 16, lengthAt + 24), 10)
    if (headEnd < 0 || received.length < headEnd + 4 + bodyBytes) {
      this.#received = received
      return
    }
    this.#received = ''
    if (!received.startsWith('HTTP/1.1 200 ') || Number.isNaN(bodyBytes))
      this.#done?.reject(new Error(`unexpected answer: ${received.slice(0, 400)}`))
    this.#count += 1
    if (performance.now() < this.#untilMs) this.#socket.write(this.#request)
    else this.#done?.resolve(this.#count)
  }
}
