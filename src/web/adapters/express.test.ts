/** What only Express can do; the rest is in adapters.test.ts. */
import express, { type ErrorRequestHandler, type Express, type Router } from 'express'
import { afterEach, beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest'
import { closeAll, type Data, serve } from '../../../test/fakes/web-server.ts'
import { isSojournError, SojournError } from '../../base/core/index.ts'
import type { Session, Sessions } from '../index.ts'
import { type SessionRequest, sessions } from './express.ts'

// In production Express prints what no error handler answers.
beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => {})
})
afterEach(async () => {
  vi.restoreAllMocks()
  await closeAll()
})

const sessionOf = (request: express.Request) => (request as unknown as SessionRequest<Data>).session
const fail: express.RequestHandler = (request) => {
  sessionOf(request).data.count++
  throw new SojournError('UNAUTHENTICATED')
}
const read: express.RequestHandler = (request, response) => {
  response.json(sessionOf(request).data)
}

describe('sessions for Express', () => {
  const open = async (build: (app: Express, all: Sessions<Data>) => void, delayMs?: number) => {
    const served = await serve(
      (all) => {
        const app = express().set('env', 'production')
        build(app, all)
        return app
      },
      { delayMs },
    )
    const one = served.client()
    return { ...served, one }
  }

  it('types the session of a request', () => {
    expectTypeOf<SessionRequest<Data>>().toExtend<Omit<express.Request, 'session'>>()
    expectTypeOf<SessionRequest<Data>['session']>().toEqualTypeOf<Session<Data>>()
  })

  it.each([undefined, 10])('forgets what a handler did that failed (%s ms)', async (delayMs) => {
    const { one, done } = await open((app, all) => {
      app.use(sessions(all))
      app.get('/read', read)
      app.get('/throw', fail)
      app.get('/next', (request, _, next) => {
        sessionOf(request).login('ada')
        next(new Error('secret'))
      })
      app.get('/reject', async (request) => {
        sessionOf(request).data.count++
        await Promise.reject(new Error('secret'))
      })
      const inner: Router = express.Router()
      inner.get('/deep', fail)
      app.use('/router', inner)
      app.use('/app', express().get('/deep', fail))
      app.param('id', (request, _, next) => {
        sessionOf(request).data.count++
        next(new Error('secret'))
      })
      app.get('/param/:id', read)
    }, delayMs)
    for (const [path, status] of [
      ['/throw', 401],
      ['/next', 500],
      ['/reject', 500],
      ['/router/deep', 401],
      ['/app/deep', 401],
      ['/param/1', 500],
    ] as const) {
      const answer = await one.send(path)
      expect([path, answer.status, answer.headers['set-cookie']]).toEqual([path, status, undefined])
      if (status === 401) expect(JSON.parse(answer.body).error.code).toBe('UNAUTHENTICATED')
      expect(answer.body).not.toContain('secret')
    }
    expect(done).toEqual([])
  })

  it('stores what an error handler does, and lets it answer errors of the table', async () => {
    const { one } = await open((app, all) => {
      app.use(sessions(all))
      app.get('/read', read)
      app.get('/throw', fail)
      const onError: ErrorRequestHandler = (error, request, response, next) => {
        if (!isSojournError(error)) return next(error)
        sessionOf(request).data.list.push(error.code)
        response.redirect('/login')
      }
      app.use(onError)
    })
    const { status, headers } = await one.send('/throw')
    expect([status, headers.location]).toEqual([302, '/login'])
    expect((await one.send('/read')).body).toBe('{"count":0,"list":["UNAUTHENTICATED"]}')
  })

  it('leaves a handler that recovers to go on', async () => {
    const { one } = await open((app, all) => {
      app.use(sessions(all))
      app.get('/', fail)
      const recover: ErrorRequestHandler = (_error, _request, _response, next) => next()
      app.use(recover)
      app.use((request, response) => {
        sessionOf(request).data.list.push('kept')
        response.json(sessionOf(request).data)
      })
    })
    expect((await one.send('/')).body).toBe('{"count":0,"list":["kept"]}')
    expect(one.cookie).toBeDefined()
  })

  it('works for a part of the application, and by the whole path', async () => {
    const { one, done } = await open((app, all) => {
      const shop = express()
      shop.use(sessions(all, { ignore: (path) => path === '/shop/picture' }))
      shop.get('/fail', fail)
      shop.get('/picture', (request, response) => {
        response.send(String(sessionOf(request)))
      })
      app.use('/shop', shop)
      app.get('/fail', fail)
    })
    expect((await one.send('/shop/picture')).body).toBe('undefined')
    expect(JSON.parse((await one.send('/shop/fail')).body).error.code).toBe('UNAUTHENTICATED')
    // Here there is no session at all.
    expect((await one.send('/fail')).status).toBe(500)
    expect(done).toEqual([])
  })

  it('comes after the error handlers of the application around', async () => {
    const { one } = await open((app, all) => {
      app.use('/shop', express().use(sessions(all)).get('/fail', fail))
      const onError: ErrorRequestHandler = (error, _request, response, _next) => {
        response.status(418).send(error.code)
      }
      app.use(onError)
    })
    expect(await one.send('/shop/fail')).toMatchObject({ status: 418, body: 'UNAUTHENTICATED' })
  })

  it('cuts the connection when a handler throws after the start', async () => {
    const { one } = await open((app, all) => {
      app.use(sessions(all))
      app.get('/', (_request, response) => {
        response.write('a')
        throw new Error('late')
      })
    })
    await expect(one.send('/')).rejects.toThrow()
  })

  it('keeps the headers of earlier middleware when it refuses', async () => {
    const { one } = await open((app, all) => {
      app.use((_request, response, next) => {
        response.set('x-request', '7')
        next()
      })
      app.use(sessions(all))
    })
    const { status, headers } = await one.send('/', { headers: { host: 'evil.example' } })
    expect([status, headers['x-request']]).toEqual([421, '7'])
  })

  it('refuses to work where errors of handlers can not be seen', async () => {
    const { one } = await open((app, all) => {
      Object.assign(app.router, { listRoutes: undefined })
      app.use(sessions(all))
      app.get('/', read)
    })
    expect((await one.send('/')).status).toBe(500)
  })
})
