/** Plain HTTP to an instance: the backend's `http` handler, as a turn. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { limits, SojournError, toSojournError } from '../../base/core/index.ts'
import type { CallerFacts } from '../../base/protocol/index.ts'
import { refuse } from './front.ts'
import type { Instance } from './instance.ts'

/** Answers a request, whatever happens. */
export async function answerHttp(
  instance: Instance,
  facts: CallerFacts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const made = await handle(instance, facts, request, abortOf(response))
    await send(made, response)
  } catch (error) {
    if (response.headersSent) response.destroy()
    else refuse(response, toSojournError(error))
  }
}

async function handle(
  instance: Instance,
  facts: CallerFacts,
  incoming: IncomingMessage,
  signal: AbortSignal,
): Promise<Response> {
  const { http } = instance.given.backend.definition
  if (!http) throw new SojournError('UPGRADE_REQUIRED')
  const caller = await instance.callerOf(facts)
  // Read before the turn: a slow sender must not hold it.
  const request = requestOf(incoming, await bodyOf(incoming), signal)
  let made: Response | undefined
  const failed = await instance.settled(
    async (ctx) => {
      made = await http(ctx, request)
    },
    { caller },
  )
  if (failed) throw failed
  if (made instanceof Response) return made
  throw new SojournError('INTERNAL', 'The http handler must return a Response.')
}

function requestOf(
  { method = 'GET', url = '/', headers, rawHeaders }: IncomingMessage,
  body: Uint8Array | undefined,
  signal: AbortSignal,
): Request {
  const pairs: [string, string][] = []
  for (let at = 0; at < rawHeaders.length; at += 2)
    pairs.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? ''])
  const address = new URL(url, `http://${headers.host ?? 'localhost'}`)
  return new Request(address, { method, headers: pairs, signal, ...(body && { body }) })
}

async function bodyOf(incoming: IncomingMessage): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (incoming.method === 'GET' || incoming.method === 'HEAD') return undefined
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength
    if (bytes > limits.httpBodyBytesMax) throw new SojournError('MESSAGE_TOO_LARGE')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Tells the handler, and the stream that it returned, that nobody listens any more. */
function abortOf(response: ServerResponse): AbortSignal {
  const controller = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) controller.abort()
  })
  return controller.signal
}

async function send(made: Response, response: ServerResponse): Promise<void> {
  const headers = [...made.headers].filter(([name]) => name !== 'set-cookie')
  response.writeHead(made.status, [
    ...headers.flat(),
    ...made.headers.getSetCookie().flatMap((cookie) => ['set-cookie', cookie]),
  ])
  if (made.body) await pipeline(Readable.fromWeb(made.body as never), response)
  else response.end()
}
