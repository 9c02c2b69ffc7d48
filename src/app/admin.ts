/** The instances over HTTP, below `/live/-/`, for whoever holds the admin key. It only translates. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type Clock,
  isSojournError,
  limits,
  SojournError,
  toSojournError,
} from '../base/core/index.ts'
import { answerError } from '../live/gateway/answer.ts'
import type { InstanceNews, Instances, ListInstances } from '../live/gateway/instances.ts'
import { every } from './every.ts'

export interface AdminOptions {
  /** Without one nobody is let in. */
  readonly key: string | undefined
  readonly instances: Instances
  readonly clock: Clock
}

/** Answers with what it returns; with nothing it has answered itself. */
type Run = (call: Call) => unknown

interface Call {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly query: URLSearchParams
  readonly backend: string
  readonly key: string
}

const doorPath = '/live/-/'
const keyCharsMin = 32
const heartbeatMs = 15_000

/** No backend can be named `-`. */
export function isAdminRequest({ url = '' }: IncomingMessage): boolean {
  return url.startsWith(doorPath)
}

/** @throws RangeError for a key that could be guessed */
export function checkAdminKey(key: string): string {
  if (key.length >= keyCharsMin) return key
  throw new RangeError(`admin.key must have at least ${keyCharsMin} characters`)
}

export class AdminDoor {
  readonly #options: AdminOptions
  readonly #streams = new Set<ServerResponse>()
  readonly #routes: readonly (readonly [method: string, path: RegExp, run: Run])[]

  constructor(options: AdminOptions) {
    const { instances } = options
    this.#options = options
    this.#routes = [
      ['GET', /^instances$/, ({ query }) => instances.list(listOptions(query))],
      ['GET', /^instances\/([^/]+)\/([^/]+)$/, ({ backend, key }) => instances.get(backend, key)],
      [
        'GET',
        /^instances\/([^/]+)\/([^/]+)\/log$/,
        async ({ backend, key }) => ({ lines: await instances.log(backend, key) }),
      ],
      [
        'POST',
        /^instances\/([^/]+)\/([^/]+)\/stop$/,
        ({ backend, key }) => instances.stop(backend, key).then(() => ({})),
      ],
      ['GET', /^status$/, (call) => this.#stream(call)],
    ]
  }

  /** Answers a request below `/live/-/`. */
  request(request: IncomingMessage, response: ServerResponse): void {
    this.#answer(request, response).catch((error) => answerError(response, refusalOf(error)))
  }

  /** Ends all streams. */
  close(): void {
    for (const response of this.#streams) response.end()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { key } = this.#options
    // As for any name that is no backend: nothing tells that there could be something.
    if (key === undefined) throw new SojournError('BACKEND_UNKNOWN')
    if (!hasKey(request, key)) throw new SojournError('UNAUTHENTICATED', 'The admin key is wrong.')
    const body = await this.#run(request, response)
    if (body === undefined) return
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    response.end(JSON.stringify(body))
  }

  #run(request: IncomingMessage, response: ServerResponse): unknown {
    const { pathname, searchParams: query } = new URL(request.url ?? '', 'http://localhost')
    for (const [method, path, run] of this.#routes) {
      const [found, backend = '', key = ''] = path.exec(pathname.slice(doorPath.length)) ?? []
      if (found !== undefined && method === request.method)
        return run({ request, response, query, backend, key })
    }
    throw new SojournError('REQUEST_MALFORMED', `There is no ${request.method} ${pathname}.`)
  }

  /** Server-sent events (WHATWG HTML §9.2): `change` and `reset`, with ids to go on from. */
  #stream({ request, response }: Call): undefined {
    const { instances, clock } = this.#options
    response.setHeader('content-type', 'text/event-stream')
    response.setHeader('cache-control', 'no-store')
    const write = (text: string): void => {
      if (response.destroyed) return
      response.write(text)
      if (response.writableLength > limits.statusUnsentBytesMax) response.destroy()
    }
    const lastId = request.headers['last-event-id']
    const after = lastId === undefined ? undefined : Number(lastId)
    const stop = instances.follow((news) => write(eventOf(news)), after)
    const stopBeats = every(
      clock,
      heartbeatMs,
      () => write(':\n\n'),
      () => response.destroy(),
    )
    this.#streams.add(response)
    response.on('close', () => {
      this.#streams.delete(response)
      stop()
      stopBeats()
    })
    response.flushHeaders()
  }
}

function listOptions(query: URLSearchParams): ListInstances {
  const [backend, after, limit] = ['backend', 'after', 'limit'].map((name) => query.get(name))
  return {
    ...(backend && { backend }),
    ...(after && { after }),
    ...(limit && { limit: Number(limit) }),
  }
}

function eventOf({ type, id, ...facts }: InstanceNews): string {
  return `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(facts)}\n\n`
}

/** Compares hashes: all have one length, and how far two agree tells nothing of the key. */
function hasKey({ headers }: IncomingMessage, key: string): boolean {
  const [, bearer = ''] = /^Bearer (\S+)$/i.exec(headers.authorization ?? '') ?? []
  return timingSafeEqual(hashOf(bearer), hashOf(key))
}

function hashOf(text: string): Uint8Array {
  return createHash('sha256').update(text).digest()
}

function refusalOf(error: unknown): SojournError {
  const isMisuse = error instanceof RangeError && !isSojournError(error)
  return isMisuse ? new SojournError('REQUEST_MALFORMED', error.message) : toSojournError(error)
}
