/** HTTP to instances: streams both ways, at the pace of the slower side. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { PassThrough, type Readable } from 'node:stream'
import { type Dispatcher, errors, type Pool } from 'undici'
import { type Clock, isSojournError, SojournError } from '../../base/core/index.ts'
import { type HeaderLines, headersToClient, type WithoutToken } from './headers.ts'
import { hasBody } from './request.ts'
import { watchForStall } from './stalled.ts'

/** A request on its way to an instance. */
export interface Forwarding {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly path: string
  readonly headers: HeaderLines
  readonly withoutToken: WithoutToken
  readonly clock: Clock
  /** Ends it: the client has left, or may not stay. */
  readonly ending: AbortController
}

/**
 * Forwards a request and its answer; resolves when the answer has left.
 *
 * @throws SojournError `INSTANCE_STOPPED`, `INSTANCE_ANSWER_INVALID`, or the reason of `ending`
 */
export async function forward(pool: Pool, forwarding: Forwarding): Promise<void> {
  const { request, response, withoutToken, clock, ending } = forwarding
  const upload = hasBody(request) ? uploadOf(forwarding) : undefined
  const unwatch = [response, upload].map(
    (to) =>
      to && watchForStall(clock, to, () => ending.abort(new SojournError('INSTANCE_STOPPED'))),
  )
  try {
    const { statusCode, headers, body } = await ask(pool, forwarding, upload)
    ending.signal.throwIfAborted()
    const lines = headersToClient(headers as unknown as string[], withoutToken)
    response.writeHead(statusCode, lines)
    const poured = pour(body, response, ending.signal)
    // The first event of a stream may be long in coming. `flushHeaders()` would write them as UTF-8.
    setImmediate(() => response.writableEnded || response.write(new Uint8Array(0)))
    await poured
    // An answer that came early leaves a body that nobody reads; the client still waits for us.
    request.resume()
  } catch (error) {
    throw faultOf(error, ending.signal)
  } finally {
    for (const stop of unwatch) stop?.()
  }
}

function ask(
  pool: Pool,
  { request, path, headers, ending }: Forwarding,
  body: PassThrough | undefined,
): Promise<Dispatcher.ResponseData> {
  const method = request.method as Dispatcher.HttpMethod
  const options = { method, path, headers, signal: ending.signal, responseHeaders: 'raw' } as const
  return pool.request(body ? { ...options, body } : options)
}

/**
 * A pipeline of Node would do, but makes an AbortError each time, which takes three times as long.
 * When the client leaves, the signal destroys the body; when the body fails, the door cuts the client.
 */
function pour(body: Readable, response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    // A body that has come in full is nobody's to destroy, while the client may still be slow.
    signal.addEventListener('abort', () => response.destroy(), { once: true })
    body.on('error', reject)
    response.on('close', resolve)
    body.pipe(response)
  })
}

function uploadOf({ request, response }: Forwarding): PassThrough {
  if (request.headers.expect !== undefined) response.writeContinue()
  // A copy: when the answer comes early the body is destroyed, and the client's socket with it.
  const body = new PassThrough()
  body.on('error', () => {})
  return request.pipe(body)
}

function faultOf(error: unknown, { aborted, reason }: AbortSignal): SojournError {
  if (aborted && isSojournError(reason)) return reason
  const isAnswer =
    error instanceof errors.HTTPParserError ||
    error instanceof errors.HeadersTimeoutError ||
    error instanceof errors.HeadersOverflowError
  const code = isAnswer ? 'INSTANCE_ANSWER_INVALID' : 'INSTANCE_STOPPED'
  return new SojournError(code, undefined, { cause: error })
}
