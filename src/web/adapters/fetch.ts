/** Sessions for handlers of the Fetch API: Next.js, React Router, Bun, Deno, Workers. */
import { isSojournError } from '../../base/core/index.ts'
import {
  type AdapterOptions,
  open,
  problemResponse,
  type RequestFacts,
  type Session,
  type SessionsSource,
  sealResponse,
  sessionsOf,
} from '../session/index.ts'

/** A handler that has a session. What else the runtime hands over follows: params, bindings. */
export type SessionHandler<
  Data extends object = Record<string, unknown>,
  Incoming extends Request = Request,
  Rest extends readonly unknown[] = [],
> = (request: Incoming, session: Session<Data>, ...rest: Rest) => Response | Promise<Response>

/**
 * Wraps a handler: `export const POST = sessions(all, (request, session) => new Response(…))`,
 * `Bun.serve({ fetch: sessions(all, …) })`.
 *
 * The session is loaded before `handler` runs and stored before its response is returned, so a
 * body that streams can't change it any more. When `handler` throws, nothing is stored: a
 * `SojournError` is answered as the table says, any other error is thrown on to the runtime. A
 * thrown `Response` is an answer like a returned one: the session is stored, then it is thrown on.
 */
export function sessions<
  Data extends object,
  Incoming extends Request = Request,
  Rest extends readonly unknown[] = [],
>(
  appOrSessions: SessionsSource<Data>,
  handler: SessionHandler<Data, Incoming, Rest>,
  options: AdapterOptions = {},
): (request: Incoming, ...rest: Rest) => Promise<Response> {
  const all = sessionsOf(appOrSessions)
  const problem = (error: unknown) => all.problem(error)
  return async (request, ...rest) => {
    const visit = await Promise.resolve()
      .then(() => open(all, options, { url: request.url, request, factsOf }))
      .catch((error) => problemResponse(problem(error)))
    if (visit instanceof Response) return visit
    if (!visit) return handler(request, undefined as never, ...rest)
    try {
      const response = await handler(request, visit.session, ...rest)
      return await sealResponse(visit, response, problem)
    } catch (thrown) {
      if (thrown instanceof Response) throw await sealResponse(visit, thrown, problem)
      visit.discard()
      if (isSojournError(thrown)) return problemResponse(problem(thrown))
      throw thrown
    }
  }
}

/** Runtimes behind a proxy may name another host in the URL than the client did: `Host` counts. */
function factsOf({ method, url, headers }: Request): RequestFacts {
  const { host, protocol } = new URL(url)
  return {
    method,
    headers: { host, ...Object.fromEntries(headers) },
    isTls: protocol === 'https:',
  }
}
