/** What the adapters upon node:http share. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isAboutReaders, type Problem, type RequestFacts, withAllHosts } from '../session/index.ts'

/** What a request of node:http tells. */
export function factsOf({
  method = '',
  headers,
  rawHeaders,
  socket,
}: IncomingMessage): RequestFacts {
  return { method, headers: withAllHosts(headers, rawHeaders), isTls: 'encrypted' in socket }
}

/** Answers with a problem; the headers that are set already stay. */
export function answer(response: ServerResponse, { status, headers, body }: Problem): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
}

/** Answers with a problem instead of what a handler began, or cuts it off if it has left. */
export function replace(response: ServerResponse, problem: Problem): void {
  if (response.writableEnded) return
  if (response.headersSent) {
    response.destroy()
    return
  }
  for (const name of response.getHeaderNames())
    if (!isAboutReaders(name)) response.removeHeader(name)
  answer(response, problem)
}
