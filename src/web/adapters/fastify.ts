/** Sessions for Fastify 5. */
import type { FastifyPluginCallback, FastifyRequest } from 'fastify'
import { isSojournError, type SojournError } from '../../base/core/index.ts'
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
import { factsOf } from './incoming.ts'

/**
 * A request with its session. To have `request.session` typed in every handler, declare it once in
 * the application:
 *
 *     declare module 'fastify' {
 *       interface FastifyRequest { readonly session: Session<Visitor> }
 *     }
 */
export type SessionRequest<Data extends object = Record<string, unknown>> = FastifyRequest & {
  readonly session: Session<Data>
}

/**
 * A plugin: `app.register(sessions(sojourn))`, then `request.session` in all routes of the context
 * that it is registered in, and of those within.
 *
 * The session is loaded before the body is read and stored before a header leaves, whether by
 * `reply.send()`, a stream or a hijacked `reply.raw`. When a handler or a hook throws, what was
 * changed is forgotten, then the error handler runs; its own changes are stored. A `SojournError`
 * that is left to Fastify is answered as the table says. After the start of the response an error
 * cuts the connection.
 */
export function sessions<Data extends object>(
  appOrSessions: SessionsSource<Data>,
  options: AdapterOptions = {},
): FastifyPluginCallback {
  const all = sessionsOf(appOrSessions)
  const problem = (error: unknown): Problem => all.problem(error)
  /** On the request: a WeakMap of requests is what a collector of garbage is slowest at. */
  const state = Symbol('sojourn')
  type Entered = { [state]?: { visit: Visit<Data>; refused?: SojournError } }

  const plugin: FastifyPluginCallback = (app, _, registered) => {
    app.decorateRequest('session', undefined)
    app.decorateRequest(state, undefined)
    app.addHook('onRequest', (request, reply, done) => {
      openThen(
        all,
        options,
        { url: request.originalUrl, request: request.raw, factsOf },
        (visit) => {
          if (!visit) return done()
          barrier(reply.raw, visit, problem)
          Object.assign(request, { [state]: { visit }, session: visit.session })
          return done()
        },
        (error) => {
          const { status, headers, body } = problem(error)
          reply.code(status).headers(headers).send(body)
        },
      )
    })
    app.addHook('onError', (request, _reply, error, done) => {
      const entered = (request as Entered)[state]
      entered?.visit.discard()
      if (entered && isSojournError(error)) entered.refused = error
      done()
    })
    app.addHook('onSend', (request, reply, payload, done) => {
      const error = (request as Entered)[state]?.refused
      if (!error || !isLeftToFastify(payload, error)) return done(null, payload)
      const { status, headers, body } = problem(error)
      reply.code(status).headers({ ...headers, 'content-length': Buffer.byteLength(body) })
      done(null, body)
    })
    registered()
  }
  // For the context that it is registered in, as with fastify-plugin.
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true })
}

/** No error handler made another answer of it. */
function isLeftToFastify(payload: unknown, { message }: SojournError): boolean {
  const isDefault = typeof payload === 'string' && payload.startsWith('{"statusCode":')
  return isDefault && payload.includes(`"message":${JSON.stringify(message)}`)
}
