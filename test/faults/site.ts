/** A whole Sojourn with an http and an https server, and visitors who log in by name. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import {
  createServer as createTlsServer,
  request as requestTls,
  type Server as TlsServer,
} from 'node:https'
import { WebSocket } from 'ws'
import { type BackendOptions, type Sojourn, sojourn } from '../../src/app/index.ts'
import { logVia } from '../../src/base/core/index.ts'
import { sessions } from '../../src/web/adapters/node.ts'
import { freePort, instancesOf, scratchFolder } from '../e2e/scratch.ts'
import { certificate, key } from '../fakes/certificate.ts'

type Data = Record<string, unknown>
export type SiteBackends = Readonly<Record<string, BackendOptions<Data>>>

export interface Answer {
  readonly status: number
  readonly body: string
}

/** One way in: the plain server or that with TLS. */
export type Way = 'http' | 'https'

interface LogLine {
  readonly facts: Data
  readonly message: string
}

interface SiteParts extends Pick<Site, 'app' | 'data' | 'logged'> {
  readonly ports: Readonly<Record<Way, number>>
  readonly servers: readonly (Server | TlsServer)[]
}

export class Site {
  readonly app: Sojourn<Data>
  readonly data: ReturnType<typeof scratchFolder>
  readonly logged: readonly LogLine[]
  readonly #ports: Readonly<Record<Way, number>>
  readonly #servers: readonly (Server | TlsServer)[]
  readonly #sockets: WebSocket[] = []

  private constructor({ app, data, logged, ports, servers }: SiteParts) {
    this.app = app
    this.data = data
    this.logged = logged
    this.#ports = ports
    this.#servers = servers
  }

  /** @param folder of the data; default: one of its own */
  static async open(backends: SiteBackends, folder?: string): Promise<Site> {
    const ports = { http: await freePort(), https: await freePort() }
    const data = folder ? { path: folder, remove: () => {} } : scratchFolder()
    const logged: LogLine[] = []
    const app = await sojourn({
      data: data.path,
      development: { port: ports.http },
      origins: [`http://localhost:${ports.http}`, `https://localhost:${ports.https}`],
      log: logVia((_, facts, message) => logged.push({ facts: facts as Data, message })),
      backends,
    })
    const plain = createServer(
      sessions(app, async ({ session, url = '' }, response) => {
        if (url.startsWith('/login/')) await session.login(url.slice(7))
        if (url === '/logout') await session.logout()
        response.end()
      }),
    )
    const tls = createTlsServer({ cert: certificate, key })
    const servers = [plain, tls]
    for (const [at, server] of servers.entries()) {
      app.attach(server)
      server.listen(at === 0 ? ports.http : ports.https, '127.0.0.1')
      await once(server, 'listening')
    }
    return new Site({ app, data, logged, ports, servers })
  }

  url(path: string, way: Way = 'http'): string {
    return `${way}://localhost:${this.#ports[way]}${path}`
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(this.url(path), init)
  }

  fetchTls(path: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = requestTls(this.url(path, 'https'), { rejectUnauthorized: false })
      sent.on('error', reject).end()
      sent.on('response', async (response) => {
        const chunks: Buffer[] = []
        for await (const chunk of response) chunks.push(chunk as Buffer)
        resolve({ status: response.statusCode ?? 0, body: String(Buffer.concat(chunks)) })
      })
    })
  }

  /** The cookie of a visitor who logged in. */
  async login(user: string): Promise<string> {
    const response = await this.fetch(`/login/${user}`)
    return response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  }

  socket(path: string, { way = 'http', cookie = '' }: { way?: Way; cookie?: string } = {}) {
    const url = this.url(path, way).replace(/^http/, 'ws')
    const headers = { origin: this.url('', way), ...(cookie && { cookie }) }
    const socket = new WebSocket(url, { headers, rejectUnauthorized: false })
    socket.on('error', () => {})
    this.#sockets.push(socket)
    return socket
  }

  /** The process of the only instance of Sojourn's own that runs. */
  get instance(): { readonly pid: number; readonly parent: number } {
    const [found] = instancesOf(process.pid)
    if (!found) throw new Error('no instance runs')
    return found
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.terminate()
    await this.app.close()
    for (const server of this.#servers) server.close().closeAllConnections()
    this.data.remove()
  }
}

/** The next message on a socket. */
export async function heard(socket: WebSocket): Promise<string> {
  const [data] = (await once(socket, 'message')) as [Buffer]
  return String(data)
}

/** Says something, and waits for what comes next. */
export async function told(socket: WebSocket, text: string | Uint8Array): Promise<string> {
  if (socket.readyState === WebSocket.CONNECTING) await once(socket, 'open')
  const answer = heard(socket)
  socket.send(text)
  return answer
}

/** The code that a socket is closed with, and the reason. */
export async function closing(socket: WebSocket): Promise<[number, string]> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
  return [code, String(reason)]
}
