/** The same routes on each framework, with whatever brings the session. */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import express from 'express'
import fastify from 'fastify'
import { type Held, routeOf, routes } from './routes.ts'

/** A server of one contestant, not listening yet. */
export interface App {
  listen(port: number): Promise<unknown>
}

const none = (): Held => {
  throw new Error('there is no session')
}

/** express-session writes before it ends, so that node:http would not know the length. */
export function send(response: ServerResponse, body: string): void {
  response.setHeader('content-length', Buffer.byteLength(body))
  response.end(body)
}

export function onExpress(middleware?: unknown, hold: (request: never) => Held = none): App {
  const app = express()
  if (middleware) app.use(middleware)
  for (const [path, route] of Object.entries(routes))
    app.get(path, (request: never, response: ServerResponse) => {
      const query = new URLSearchParams((request as IncomingMessage).url?.split('?')[1])
      const body = route(() => hold(request), query)
      return typeof body === 'string'
        ? send(response, body)
        : body.then((text) => send(response, text))
    })
  return onHttp(app)
}

export function onFastify(
  register: (app: ReturnType<typeof fastify>) => void = () => {},
  hold: (request: never) => Held = none,
): App {
  const app = fastify()
  register(app)
  for (const [path, route] of Object.entries(routes))
    app.get(path, (request, reply) => {
      const query = new URLSearchParams(request.url.split('?')[1])
      const body = route(() => hold(request as never), query)
      if (typeof body === 'string') return void reply.send(body)
      return body
    })
  return { listen: (port) => app.listen({ port, host: '127.0.0.1' }) }
}

export function onHttp(listener: RequestListener): App {
  return {
    listen: (port) =>
      new Promise((resolve) => {
        const server = createServer(listener).listen(port, '127.0.0.1', () => resolve(server))
      }),
  }
}

/** A listener of node:http around the routes, for what needs no `await` to get at its session. */
export function listenerOf(hold: (request: never) => Held = none) {
  return (request: { readonly url?: string | undefined }, response: ServerResponse): unknown => {
    const { route, query } = routeOf(request.url ?? '')
    const body = route(() => hold(request as never), query)
    return typeof body === 'string'
      ? send(response, body)
      : body.then((text) => send(response, text))
  }
}
