/** Sessions for node:http. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type AdapterOptions,
  barrier,
  openThen,
  type Problem,
  type Session,
  type SessionsSource,
  sessionsOf,
  type Visit,
} from '../session/index.ts'
import { answer, factsOf, replace } from './incoming.ts'

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
  options: AdapterOptions = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  const all = sessionsOf(appOrSessions)
  const problem = (error: unknown): Problem => all.problem(error)

  function serve(request: IncomingMessage, response: ServerResponse, visit?: Visit<Data>): void {
    if (visit) barrier(response, visit, problem)
    Object.assign(request, { session: visit?.session })
    try {
      const handled = handler(request as SessionRequest<Data>, response)
      if (handled instanceof Promise)
        handled.catch((error: unknown) => fail(request, response, visit, error))
    } catch (error) {
      fail(request, response, visit, error)
    }
  }

  function fail(
    request: IncomingMessage,
    response: ServerResponse,
    visit: Visit<Data> | undefined,
    error: unknown,
  ): void {
    visit?.discard()
    // Nobody to answer, and no fault.
    if (isHangUp(error, request, response)) response.destroy()
    else replace(response, problem(error))
  }

  return (request, response) => {
    openThen(
      all,
      options,
      { url: request.url ?? '', request, factsOf },
      (visit) => serve(request, response, visit),
      (error) => answer(response, problem(error)),
    )
  }
}

/** Whether a handler fails because its client left while it read the request or sent the answer. */
function isHangUp(error: unknown, request: IncomingMessage, response: ServerResponse): boolean {
  if (error === request.errored) return true
  const hasLeft = response.destroyed && !response.errored
  return hasLeft && (error as { code?: unknown })?.code === 'ERR_STREAM_PREMATURE_CLOSE'
}
