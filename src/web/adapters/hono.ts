/** Sessions for Hono. */
import type { Context, MiddlewareHandler } from 'hono'
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

/** For `new Hono<{ Variables: SessionVariables<Data> }>()`: types `c.get('session')`. */
export type SessionVariables<Data extends object = Record<string, unknown>> = {
  session: Session<Data>
}

/**
 * A middleware: `app.use(sessions(sojourn))`, then `c.get('session')` in handlers.
 *
 * The session is loaded before the handler runs and stored before the response leaves. When a
 * handler throws, nothing is stored; a `SojournError` is answered as the table says, any other
 * error by the application's `onError`.
 */
export function sessions<Data extends object>(
  appOrSessions: SessionsSource<Data>,
  options: AdapterOptions = {},
): MiddlewareHandler<{ Variables: SessionVariables<Data> }> {
  const all = sessionsOf(appOrSessions)
  return async (context, next) => {
    const problem = (error: unknown) => all.problem(error)
    const visit = await Promise.resolve()
      .then(() => open(all, options, { url: context.req.url, request: context, factsOf }))
      .catch((error) => problemResponse(problem(error)))
    if (visit instanceof Response) return visit
    if (!visit) return next()
    context.set('session', visit.session)
    await next()
    const { error } = context
    if (error) visit.discard()
    const response = isSojournError(error)
      ? problemResponse(problem(error), context.res.headers)
      : context.res
    const sealed = await sealResponse(visit, response, problem)
    if (sealed === context.res) return undefined
    // Hono would copy the headers of the response that is replaced.
    context.res = undefined
    context.res = sealed
    return undefined
  }
}

function factsOf({ req, env }: Context): RequestFacts {
  const { host, protocol } = new URL(req.url)
  // @hono/node-server hands the request of node:http along.
  const incoming = (env as { incoming?: { socket?: object } } | undefined)?.incoming
  const isTls = incoming?.socket ? 'encrypted' in incoming.socket : protocol === 'https:'
  return { method: req.method, headers: { host, ...req.header() }, isTls }
}
