/** What only Fastify can do; the rest is in adapters.test.ts. */
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest'
import { closeAll, closeLater, type Data, serve } from '../../../test/fakes/web-server.ts'
import { isSojournError, SojournError } from '../../base/core/index.ts'
import type { Session, Sessions } from '../index.ts'
import { type SessionRequest, sessions } from './fastify.ts'

afterEach(closeAll)

const sessionOf = (request: FastifyRequest) => (request as SessionRequest<Data>).session
const fail = async (request: FastifyRequest): Promise<never> => {
  sessionOf(request).data.count++
  throw new SojournError('UNAUTHENTICATED', 'Who are you?')
}
const read = async (request: FastifyRequest): Promise<Data> => sessionOf(request).data

describe('sessions for Fastify', () => {
  const open = async (
    build: (app: FastifyInstance, all: Sessions<Data>) => void,
    options: { delayMs?: number | undefined; fails?: string[] } = {},
  ) => {
    let app!: FastifyInstance
    const served = await serve(async (all) => {
      app = fastify()
      closeLater(() => app.close())
      build(app, all)
      await app.ready()
      return app.routing
    }, options)
    return { ...served, app, one: served.client() }
  }

  it('types the session of a request', () => {
    expectTypeOf<SessionRequest<Data>>().toExtend<FastifyRequest>()
    expectTypeOf<SessionRequest<Data>['session']>().toEqualTypeOf<Session<Data>>()
  })

  it.each([undefined, 10])('forgets what failed, wherever it failed (%s ms)', async (delayMs) => {
    const { one, done } = await open(
      (app, all) => {
        app.register(sessions(all))
        app.register(async (inner) => {
          inner.get('/throw', fail)
          inner.get('/send', (request, reply) => {
            sessionOf(request).login('ada')
            reply.send(new Error('failed'))
          })
          inner.get('/hook', { preHandler: fail }, read)
          inner.get('/late-hook', { preSerialization: fail }, read)
        })
      },
      { delayMs },
    )
    for (const [path, status] of [
      ['/throw', 401],
      ['/send', 500],
      ['/hook', 401],
      ['/late-hook', 401],
    ] as const) {
      const answer = await one.send(path)
      expect([path, answer.status, answer.headers['set-cookie']]).toEqual([path, status, undefined])
      if (status === 401)
        expect(JSON.parse(answer.body).error).toMatchObject({
          code: 'UNAUTHENTICATED',
          message: 'Who are you?',
        })
    }
    expect(done).toEqual([])
  })

  it('stores what an error handler does, and lets it answer errors of the table', async () => {
    const { one } = await open((app, all) => {
      app.register(sessions(all))
      app.setErrorHandler((error, request, reply) => {
        if (!isSojournError(error)) throw error
        sessionOf(request).data.list.push(error.code)
        return reply.redirect('/login')
      })
      app.get('/throw', fail)
      app.get('/read', read)
      app.get('/own', { errorHandler: (_, __, reply) => reply.code(418).send('own') }, fail)
    })
    const { status, headers } = await one.send('/throw')
    expect([status, headers.location]).toEqual([302, '/login'])
    expect(await one.send('/own')).toMatchObject({ status: 418, body: 'own' })
    expect((await one.send('/read')).body).toBe('{"count":0,"list":["UNAUTHENTICATED"]}')
  })

  it('commits before a hijacked reply', async () => {
    const { one, done } = await open(
      (app, all) => {
        app.register(sessions(all))
        app.get('/', (request, reply) => {
          sessionOf(request).data.count = 7
          reply.hijack()
          reply.raw.writeHead(201, { 'x-app': '1' })
          reply.raw.write('a')
          reply.raw.end('b')
        })
        app.get('/read', read)
      },
      { delayMs: 10 },
    )
    const { status, headers, body } = await one.send('/')
    expect([status, headers['x-app'], body, done]).toEqual([201, '1', 'ab', ['create']])
    expect((await one.send('/read')).body).toContain('"count":7')
  })

  it('keeps the headers of other hooks when it refuses', async () => {
    const { one } = await open((app, all) => {
      app.addHook('onRequest', async (_, reply) => {
        reply.header('x-request', '7')
      })
      app.register(sessions(all))
      app.get('/read', read)
    })
    const { status, headers } = await one.send('/read', { headers: { host: 'evil.example' } })
    expect([status, headers['x-request']]).toEqual([421, '7'])
  })

  it('answers the 404 of Fastify, with the session in its handler', async () => {
    const { one } = await open((app, all) => {
      app.register(sessions(all))
      app.setNotFoundHandler((request, reply) => {
        reply.code(404).send(String(++sessionOf(request).data.count))
      })
    })
    expect(await one.send('/nowhere')).toMatchObject({ status: 404, body: '1' })
    expect(await one.send('/nowhere')).toMatchObject({ status: 404, body: '2' })
  })

  it('applies to its context and those within, to no other', async () => {
    const { one } = await open((app, all) => {
      app.register(async (shop) => {
        shop.register(sessions(all))
        shop.get('/in', async (request) => typeof sessionOf(request))
      })
      app.get('/out', async (request) => typeof sessionOf(request))
    })
    expect((await one.send('/in')).body).toBe('object')
    expect((await one.send('/out')).body).toBe('undefined')
  })

  it('works with inject()', async () => {
    const { app, port } = await open(
      (app, all) => {
        app.register(sessions(all))
        app.get('/', async (request) => ++sessionOf(request).data.count)
      },
      { delayMs: 5 },
    )
    const answer = await app.inject({ url: '/', headers: { host: `localhost:${port}` } })
    expect([answer.statusCode, answer.body, answer.cookies.length]).toEqual([200, '1', 1])
  })

  it('cuts the connection when a handler throws after the start', async () => {
    const { one } = await open((app, all) => {
      app.register(sessions(all))
      app.get('/', async (_request, reply) => {
        reply.raw.write('a')
        throw new Error('late')
      })
    })
    await expect(one.send('/')).rejects.toThrow()
  })
})
