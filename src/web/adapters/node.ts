/** Sessions for node:http. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  barrier,
  type Problem,
  type RequestFacts,
  type Session,
  type SessionsSource,
  sessionsOf,
  type Visit,
  withAllHosts,
} from '../session/index.ts'

/** A request with its session. */
export type SessionRequest<Data extends object = Record<string, unknown>> = IncomingMessage & {
  readonly session: Session<Data>
}

/** A request listener that has sessions; it may be asynchronous. */
export type SessionHandler<Data extends object = Record<string, unknown>> = (
  request: SessionRequest<Data>,
  response: ServerResponse,
) => unknown

/**
 * Wraps a request listener: `createServer(sessions(app, (request, response) => …))`.
 *
 * The session is loaded before `handler` runs and stored before a header leaves. An error that
 * `handler` throws before the response starts becomes the answer, and nothing is stored; after it
 * the connection is cut.
 */
export function sessions<Data extends object>(
  appOrSessions: SessionsSource<Data>,
  handler: SessionHandler<Data>,
): (request: IncomingMessage, response: ServerResponse) => void {
  const all = sessionsOf(appOrSessions)
  const problem = (error: unknown): Problem => all.problem(error)

  async function serve(request: IncomingMessage, response: ServerResponse, visit: Visit<Data>) {
    barrier(response, visit, problem)
    try {
      await handler(Object.assign(request, { session: visit.session }), response)
    } catch (error) {
      visit.discard()
      // The client hung up while its request was read: there is nobody to answer, and no fault.
      if (error === request.errored) response.destroy()
      else refuse(response, problem(error))
    }
  }

  return (request, response) => {
    try {
      const visit = all.visit(factsOf(request))
      if (!(visit instanceof Promise)) serve(request, response, visit)
      else
        visit.then(
          (opened) => serve(request, response, opened),
          (error) => refuse(response, problem(error)),
        )
    } catch (error) {
      refuse(response, problem(error))
    }
  }
}

function factsOf({ method = '', headers, rawHeaders, socket }: IncomingMessage): RequestFacts {
  return { method, headers: withAllHosts(headers, rawHeaders), isTls: 'encrypted' in socket }
}

function refuse(response: ServerResponse, { status, headers, body }: Problem): void {
  if (response.writableEnded) return
  if (response.headersSent) {
    response.destroy()
    return
  }
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
}
