/** A server of node:http on a free port, and a client that keeps its cookie. */
import { createServer, type IncomingHttpHeaders, type RequestListener, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly setCookies: readonly string[]
}

export interface Site {
  readonly port: number
  browser(): Browser
  close(): void
}

export async function openSite(listener: RequestListener): Promise<Site> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    browser: () => new Browser(port),
    close: () => server.close().closeAllConnections(),
  }
}

export class Browser {
  /** The `Cookie` header of the next request. */
  cookie: string | undefined
  readonly #port: number

  constructor(port: number) {
    this.#port = port
  }

  /** A client of its own with the same cookie, as a second tab is. */
  fork(): Browser {
    const fork = new Browser(this.#port)
    fork.cookie = this.cookie
    return fork
  }

  /** Goes where a redirect points to as soon as its headers are there, as browsers do. */
  follow(path: string): Promise<Answer> {
    const headers = this.cookie === undefined ? {} : { cookie: this.cookie }
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: this.#port, path, agent: false, headers }
      const sent = request(options, (response) => {
        const [line] = response.headers['set-cookie'] ?? []
        if (line !== undefined) this.cookie = line.split(';', 1)[0]
        resolve(this.send(response.headers.location))
        response.on('error', reject).resume()
      })
      sent.on('error', reject).end()
    })
  }

  send(path = '/', headers: IncomingHttpHeaders = {}): Promise<Answer> {
    const cookie = this.cookie === undefined ? {} : { cookie: this.cookie }
    const all = { ...cookie, ...headers }
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: this.#port, path, agent: false, headers: all }
      const sent = request(options, (response) => {
        const setCookies = response.headers['set-cookie'] ?? []
        for (const line of setCookies) this.cookie = line.split(';', 1)[0]
        let body = ''
        response.setEncoding('utf8').on('error', reject)
        response.on('data', (text: string) => {
          body += text
        })
        const { statusCode: status = 0, headers: seen } = response
        response.on('end', () => resolve({ status, headers: seen, body, setCookies }))
      })
      sent.on('error', reject).end()
    })
  }
}
