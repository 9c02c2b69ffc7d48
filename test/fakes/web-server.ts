/** A server on a free port with a store that counts, dawdles and fails; and clients of it. */
import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions,
  request,
  type ServerResponse,
} from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { type Log, SojournError } from '../../src/base/core/index.ts'
import { openSqlite } from '../../src/stores/sqlite/index.ts'
import { type CreateSessionsOptions, createSessions, type Sessions } from '../../src/web/index.ts'
import { countedStore } from './counted-store.ts'

/** What the visitors of these tests have in their sessions. */
export type Data = { count: number; list: string[] }

export type Listener = (request: IncomingMessage, response: ServerResponse) => unknown

export interface ServeOptions {
  /** How long every store call takes; left out, the store answers at once. */
  readonly delayMs?: number | undefined
  /** The store calls that fail; may change while the server runs. */
  readonly fails?: string[]
  /** Where it is served, when not on loopback in development. */
  readonly site?: Pick<CreateSessionsOptions, 'origins' | 'trustProxy'>
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const closers: (() => unknown)[] = []

/** Stops what was started. */
export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close()
}

/** Remembers what to stop. */
export function closeLater(close: () => unknown): void {
  closers.push(close)
}

function storeWith({ delayMs, fails }: ServeOptions) {
  const sqlite = openSqlite({ data: ':memory:' })
  closeLater(() => sqlite.close())
  const done: string[] = []
  const note = (name: string): void => {
    if (fails?.includes(name)) throw new SojournError('STORE_UNAVAILABLE')
    done.push(name)
  }
  return { ...countedStore(sqlite.sessions(), { delayMs, note }), done }
}

/**
 * Serves what `listenerFor` makes of the sessions. `done` has the store calls, `lines` what was
 * logged, `client()` makes a visitor.
 */
export async function serve(
  listenerFor: (sessions: Sessions<Data>) => Listener | Promise<Listener>,
  options: ServeOptions = {},
) {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closeLater(() => server.close().closeAllConnections())
  const { port } = server.address() as AddressInfo
  const lines: [string, object][] = []
  const note = (facts: object, message: string): void => {
    lines.push([message, facts])
  }
  const log: Log = { debug: note, info: note, warn: note, error: note }
  const { store, forget, done } = storeWith(options)
  const initial = (): Data => ({ count: 0, list: [] })
  const site = options.site ?? { development: { port } }
  const sessions = createSessions({ store, log, initial, ...site })
  server.on('request', await listenerFor(sessions))
  return { server, sessions, lines, done, forget, port, client: () => new Client(port) }
}

/** A visitor that keeps its cookie. */
export class Client {
  cookie: string | undefined
  readonly port: number

  constructor(port: number) {
    this.port = port
  }

  post(path: string, headers: IncomingHttpHeaders = {}): Promise<Answer> {
    return this.send(path, { method: 'POST', headers })
  }

  /** Rejects when the connection is cut before the answer is whole. */
  send(path: string, options: RequestOptions & { readonly body?: string } = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = this.begin(path, options)
      sent.on('error', reject).end(options.body)
      sent.on('response', (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        )
      })
    })
  }

  /** A request whose end is up to the test. */
  begin(path: string, { headers = {}, ...options }: RequestOptions = {}) {
    const cookie = this.cookie === undefined ? {} : { cookie: this.cookie }
    return request({
      port: this.port,
      host: '127.0.0.1',
      path,
      agent: false,
      ...options,
      headers: { ...cookie, ...(headers as IncomingHttpHeaders) },
    }).on('response', ({ headers }) => this.#take(headers['set-cookie']))
  }

  /** A connection on which the test speaks HTTP by hand. */
  async raw(text: string): Promise<Socket> {
    const socket = connect(this.port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write(text)
    return socket
  }

  #take(setCookies: readonly string[] = []): void {
    for (const line of setCookies.filter((text) => /^(sojourn-dev|__Host-)/.test(text)))
      this.cookie = line.includes('Max-Age=0') ? undefined : line.split(';')[0]
  }
}
