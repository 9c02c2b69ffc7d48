/** What handlers of the Fetch API do without a server; the rest is in adapters.test.ts. */
import { Hono } from 'hono'
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest'
import { closeAll, closeLater, type Data } from '../../../test/fakes/web-server.ts'
import { openSqlite } from '../../stores/sqlite/index.ts'
import { createSessions, type Session } from '../index.ts'
import { sessions } from './fetch.ts'
import * as hono from './hono.ts'

afterEach(closeAll)

const url = 'https://shop.example/cart'

function open() {
  const sqlite = openSqlite({ data: ':memory:' })
  closeLater(() => sqlite.close())
  const initial = (): Data => ({ count: 0, list: [] })
  const origins = ['https://shop.example']
  return createSessions({ store: sqlite.sessions(), initial, origins, trustProxy: false })
}

describe('sessions for handlers of the Fetch API', () => {
  it('takes host and TLS from the URL, where there is no header', async () => {
    const serve = sessions(open(), (_, session) => Response.json(++session.data.count))
    const first = await serve(new Request(url))
    expect(await first.text()).toBe('1')
    const [cookie = ''] = first.headers.getSetCookie()
    expect(cookie).toMatch(/^__Host-sojourn=sjs_/)
    const [pair = ''] = cookie.split(';')
    const second = await serve(new Request(url, { headers: { cookie: pair } }))
    expect(await second.text()).toBe('2')
    expect((await serve(new Request('https://evil.example/cart'))).status).toBe(421)
  })

  it('believes the Host header rather than the URL that a runtime made up', async () => {
    const serve = sessions(open(), () => new Response('x'))
    const local = (host: string) => new Request('http://localhost:3000/', { headers: { host } })
    expect((await serve(local('shop.example'))).status).toBe(200)
    expect((await serve(local('evil.example'))).status).toBe(421)
    expect((await serve(new Request(url, { headers: { host: 'evil.example' } }))).status).toBe(421)
  })

  it('hands on what else the runtime gives, typed', async () => {
    interface Context {
      readonly params: Promise<{ readonly id: string }>
    }
    const GET = sessions(open(), async (request, session, context: Context) => {
      expectTypeOf(request).toEqualTypeOf<Request>()
      expectTypeOf(session).toEqualTypeOf<Session<Data>>()
      return new Response((await context.params).id)
    })
    expectTypeOf(GET).toEqualTypeOf<(request: Request, context: Context) => Promise<Response>>()
    const answer = await GET(new Request(url), { params: Promise.resolve({ id: '7' }) })
    expect(await answer.text()).toBe('7')
  })

  it('stores the session before it throws a Response on', async () => {
    const serve = sessions(open(), (_, session) => {
      session.login('ada')
      throw Response.redirect('https://shop.example/account', 303)
    })
    const thrown = (await serve(new Request(url)).catch((error) => error)) as Response
    expect([thrown.status, thrown.headers.get('location')]).toEqual([
      303,
      'https://shop.example/account',
    ])
    expect(thrown.headers.getSetCookie()).toHaveLength(1)
  })

  it('throws other errors on, and stores nothing', async () => {
    const all = open()
    const serve = sessions(all, (_, session) => {
      session.login('ada')
      throw new Error('mine')
    })
    await expect(serve(new Request(url))).rejects.toThrow('mine')
    expect(await all.listByUser('ada')).toEqual([])
  })
})

describe('sessions for Hono', () => {
  it('types the session of a context', async () => {
    const app = new Hono<{ Variables: hono.SessionVariables<Data> }>()
    app.use(hono.sessions(open()))
    app.get('*', (c) => {
      expectTypeOf(c.get('session')).toEqualTypeOf<Session<Data>>()
      return c.json(++c.get('session').data.count)
    })
    expect(await (await app.request(url)).text()).toBe('1')
  })
})
