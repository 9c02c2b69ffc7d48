/** Sessions for Express 5. */
import { tracingChannel } from 'node:diagnostics_channel'
import type { Application, ErrorRequestHandler, Request, RequestHandler } from 'express'
import { isSojournError } from '../../base/core/index.ts'
import {
  type AdapterOptions,
  barrier,
  openThen,
  type Problem,
  type Session,
  type SessionsSource,
  sessionsOf,
} from '../session/index.ts'
import { answer, factsOf, replace } from './incoming.ts'

/**
 * A request with its session. To have `request.session` typed in every handler, declare it once in
 * the application:
 *
 *     declare global {
 *       namespace Express {
 *         interface Request { readonly session: Session<Visitor> }
 *       }
 *     }
 */
export type SessionRequest<Data extends object = Record<string, unknown>> = Omit<
  Request,
  'session'
> & {
  readonly session: Session<Data>
}

interface Entered {
  discard(): void
  problem(error: unknown): Problem
}

/** On the request: a WeakMap of requests is what a collector of garbage is slowest at. */
const entered = Symbol('entered')
type EnteredRequest = { [entered]?: Entered }

const answering = new WeakSet<Application>()
/** Tells of an error before any error handler hears of it. */
const failures = tracingChannel<unknown, { req: object }>('express.router.request').error

/**
 * A middleware: `app.use(sessions(sojourn))`, then `request.session` in all handlers after it.
 *
 * The session is loaded before they run and stored before a header leaves. When one of them throws
 * or calls `next(error)`, what it changed is forgotten, then the error handlers of the application
 * run; their own changes are stored. A `SojournError` that none of them answers is answered as the
 * table says. After the start of the response an error cuts the connection.
 *
 * @throws TypeError with the first request, if `router`, a package of Express, is older than 2.3
 */
export function sessions<Data extends object>(
  appOrSessions: SessionsSource<Data>,
  options: AdapterOptions = {},
): RequestHandler {
  const all = sessionsOf(appOrSessions)
  const problem = (error: unknown): Problem => all.problem(error)
  failures.unsubscribe(discard)
  failures.subscribe(discard)
  return (request, response, next) => {
    answerLast(request.app)
    openThen(
      all,
      options,
      { url: request.originalUrl, request, factsOf },
      (visit) => {
        if (!visit) return next()
        barrier(response, visit, problem)
        const own: Entered = { discard: () => visit.discard(), problem }
        Object.assign(request, { [entered]: own, session: visit.session })
        return next()
      },
      (error) => answer(response, problem(error)),
    )
  }
}

function discard(failure: unknown): void {
  ;(failure as { req: EnteredRequest }).req[entered]?.discard()
}

/** Behind the error handlers of the application, which are there once requests come. */
function answerLast(app: Application & { parent?: Application }): void {
  if (app.parent) {
    answerLast(app.parent)
    return
  }
  if (answering.has(app)) return
  // Came with the channel; without it, changes of handlers that throw would be stored.
  if (!Reflect.get(app.router, 'listRoutes'))
    throw new TypeError('sojourn/express needs router 2.3 or newer: npm update router')
  answering.add(app)
  app.use(answerProblem)
}

const answerProblem: ErrorRequestHandler = (error, request, response, next) => {
  const { problem } = (request as EnteredRequest)[entered] ?? {}
  if (!problem || !isSojournError(error) || response.headersSent) next(error)
  else replace(response, problem(error))
}
