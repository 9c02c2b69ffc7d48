/** One application in the shape of every framework that there is an adapter for. */
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import fastify, { type FastifyInstance } from 'fastify'
import { Hono } from 'hono'
import { isSojournError } from '../../src/base/core/index.ts'
import * as expressAdapter from '../../src/web/adapters/express.ts'
import * as fastifyAdapter from '../../src/web/adapters/fastify.ts'
import * as fetchAdapter from '../../src/web/adapters/fetch.ts'
import * as honoAdapter from '../../src/web/adapters/hono.ts'
import * as nodeAdapter from '../../src/web/adapters/node.ts'
import type { Session, Sessions } from '../../src/web/index.ts'
import type { Opening } from '../../src/web/session/index.ts'
import { closeLater, type Data, type Listener } from './web-server.ts'

/** A request as the application sees it, whatever the framework. */
export interface Call {
  readonly session: Session<Data>
  readonly path: string
  readonly readBody: () => Promise<string>
}

export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Readable | undefined
}

export type Handle = (call: Call) => Promise<Reply> | Reply

/** Says of an error that isn't Sojourn's what each framework's own error handler says. */
export const sorry = 'the application is sorry'

const optionsOf = (open: Opening = 'always') => ({
  ignore: (path: string) => path === '/assets/a.css',
  open,
})

function node(sessions: Sessions<Data>, handle: Handle, opening?: Opening): Listener {
  return nodeAdapter.sessions(
    { sessions },
    async (request, response) => {
      const { session, url = '' } = request
      const [path = ''] = url.split('?')
      const {
        status = 200,
        headers = {},
        body,
      } = await handle({
        session,
        path,
        readBody: () => text(request),
      })
      response.writeHead(status, headers)
      if (body instanceof Readable) await pipeline(body, response)
      else response.end(body)
    },
    optionsOf(opening),
  )
}

function expressApp(sessions: Sessions<Data>, handle: Handle, opening?: Opening): Listener {
  const app = express()
  app.use(expressAdapter.sessions({ sessions }, optionsOf(opening)))
  app.all('/{*path}', async (request, response) => {
    const { session, path } = request as unknown as expressAdapter.SessionRequest<Data>
    const {
      status = 200,
      headers = {},
      body,
    } = await handle({
      session,
      path,
      readBody: () => text(request),
    })
    response.status(status).set(headers)
    if (body instanceof Readable) await pipeline(body, response)
    else response.send(body)
  })
  const onError: express.ErrorRequestHandler = (error, _request, response, next) => {
    if (isSojournError(error) || response.headersSent) next(error)
    else response.status(500).send(sorry)
  }
  app.use(onError)
  return app
}

async function fastifyApp(
  sessions: Sessions<Data>,
  handle: Handle,
  opening?: Opening,
): Promise<Listener> {
  const app: FastifyInstance = fastify()
  closeLater(() => app.close())
  app.register(fastifyAdapter.sessions({ sessions }, optionsOf(opening)))
  app.setErrorHandler((error, _request, reply) => {
    if (isSojournError(error)) throw error
    reply.code(500).send(sorry)
  })
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) =>
    done(null, payload),
  )
  app.all('/*', async (request, reply) => {
    const { session } = request as fastifyAdapter.SessionRequest<Data>
    const [path = ''] = request.url.split('?')
    const {
      status = 200,
      headers = {},
      body,
    } = await handle({
      session,
      path,
      readBody: () => text(request.body as IncomingMessage),
    })
    return reply.code(status).headers(headers).send(body)
  })
  await app.ready()
  return app.routing
}

function honoApp(sessions: Sessions<Data>, handle: Handle, opening?: Opening): Listener {
  const app = new Hono<{ Variables: honoAdapter.SessionVariables<Data> }>()
  app.use(honoAdapter.sessions({ sessions }, optionsOf(opening)))
  app.all('*', async (c) =>
    responseOf(
      await handle({ session: c.get('session'), path: c.req.path, readBody: () => c.req.text() }),
    ),
  )
  app.onError((_, c) => c.text(sorry, 500))
  return getRequestListener(app.fetch)
}

function fetchHandler(sessions: Sessions<Data>, handle: Handle, opening?: Opening): Listener {
  const serve = fetchAdapter.sessions(
    { sessions },
    async (request, session) => {
      const path = new URL(request.url).pathname
      return responseOf(await handle({ session, path, readBody: () => request.text() }))
    },
    optionsOf(opening),
  )
  return getRequestListener((request) => serve(request), {
    errorHandler: () => new Response(sorry, { status: 500 }),
  })
}

function responseOf({ status = 200, headers = {}, body = undefined }: Reply): Response {
  const stream = body instanceof Readable ? (Readable.toWeb(body) as ReadableStream) : body
  return new Response(stream ?? null, { status, headers })
}

/** Each builds a listener for node:http. */
export const frameworks: readonly (readonly [
  name: string,
  listenerFor: (
    sessions: Sessions<Data>,
    handle: Handle,
    opening?: Opening,
  ) => Listener | Promise<Listener>,
])[] = [
  ['node', node],
  ['express', expressApp],
  ['fastify', fastifyApp],
  ['hono', honoApp],
  ['fetch', fetchHandler],
]
