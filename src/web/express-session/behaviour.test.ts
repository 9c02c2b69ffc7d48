/**
 * What applications of express-session rely on, asked of the original and of the drop-in alike,
 * over real sockets.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import express from 'express'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Browser, openSite } from '../../../test/fakes/browser.ts'
import { sign } from '../../base/secrets/index.ts'
import ours, {
  type MemoryStore,
  type Session,
  type SessionFactory,
  type SessionOptions,
  type SessionRequest,
  type Store,
  type StoredSession,
} from './index.ts'

declare module './types.ts' {
  interface SessionData {
    views: number
    user: string
  }
}

const original = createRequire(import.meta.url)('express-session') as SessionFactory
type Handler = (req: express.Request, res: express.Response) => unknown

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
  vi.restoreAllMocks()
})

const secret = 'keyboard cat'
const quiet = { secret, resave: false, saveUninitialized: false }

function count(req: express.Request, res: express.Response): void {
  req.session.views = (req.session.views ?? 0) + 1
  res.send(String(req.session.views))
}

describe.each([
  ['the original', original],
  ['the drop-in', ours],
])('%s', (_, session) => {
  /** An application of Express that notes the errors it is told of. */
  async function site(
    options: SessionOptions,
    handler: Handler,
    { trust = false, mount = '/' }: { trust?: boolean; mount?: string } = {},
  ): Promise<{ browser: Browser; errors: Error[] }> {
    const errors: Error[] = []
    const app = express()
    app.set('trust proxy', trust)
    app.use(mount, session({ ...quiet, ...options }))
    app.use((req, res) => handler(req, res))
    app.use((error: Error, _req: unknown, res: express.Response, _next: unknown) => {
      errors.push(error)
      if (res.headersSent) res.destroy()
      else res.status(500).send(error.message)
    })
    const opened = await openSite(app)
    closers.push(opened.close)
    return { browser: opened.browser(), errors }
  }

  /** The same for node:http with a `next` of three lines. */
  async function bare(
    options: SessionOptions,
    handler: (req: SessionRequest, res: ServerResponse) => unknown,
  ): Promise<Browser> {
    const middleware = session({ ...quiet, ...options })
    const opened = await openSite((req: IncomingMessage, res) => {
      middleware(req, res, (error) => {
        if (!error) handler(req, res)
        else if (!res.headersSent) res.writeHead(500).end(String(error))
      })
    })
    closers.push(opened.close)
    return opened.browser()
  }

  function stored(store: MemoryStore): Promise<StoredSession[]> {
    return new Promise((resolve, reject) => {
      store.all((error, all = {}) => (error ? reject(error) : resolve(Object.values(all))))
    })
  }

  describe('the session of a visitor', () => {
    it('is kept from request to request', async () => {
      const { browser } = await site({}, count)
      expect((await browser.send()).body).toBe('1')
      expect((await browser.send()).body).toBe('2')
    })

    it('works without Express', async () => {
      const browser = await bare({}, (req, res) => {
        if (req.session) req.session.views = (req.session.views ?? 0) + 1
        res.end(String(req.session?.views))
      })
      await browser.send()
      expect((await browser.send()).body).toBe('2')
    })

    it('is read for an upgrade, where there is no response', async () => {
      const middleware = session(quiet)
      const opened = await openSite((req: SessionRequest, res) => {
        if (req.url === '/write')
          middleware(req, res, () => {
            if (req.session) req.session.user = 'ada'
            res.end()
          })
        else middleware(req, {} as ServerResponse, () => res.end(req.session?.user))
      })
      closers.push(opened.close)
      const browser = opened.browser()
      await browser.send('/write')
      expect((await browser.send('/upgrade')).body).toBe('ada')
    })

    it('is found under req.sessionID and req.session.id, with the store beside it', async () => {
      const store = new session.MemoryStore()
      const { browser } = await site({ store }, (req, res) => {
        const { id } = req.session
        res.json([
          id === req.sessionID,
          id.length,
          req.sessionStore === store,
          Object.keys(req.session),
        ])
      })
      expect(JSON.parse((await browser.send()).body)).toEqual([true, 32, true, ['cookie']])
    })

    it('is new when the store has forgotten it, under another id', async () => {
      const store = new session.MemoryStore()
      const { browser } = await site({ store }, (req, res) => {
        req.session.views = 1
        res.send(req.sessionID)
      })
      const first = (await browser.send()).body
      store.clear()
      const { body, setCookies } = await browser.send()
      expect(body).not.toBe(first)
      expect(setCookies).toHaveLength(1)
    })

    it('belongs to the first middleware that gives one', async () => {
      const inner = session({ ...quiet, name: 'inner' })
      const browser = await bare({}, (req, res) => {
        const before = req.session
        inner(req, res, () => res.end(String(req.session === before)))
      })
      expect((await browser.send()).body).toBe('true')
    })

    it('is refused with a foreign signature, a cut one, or none', async () => {
      const { browser } = await site({}, (req, res) => {
        req.session.views ??= 0
        res.send(req.sessionID)
      })
      const id = (await browser.send()).body
      const forged = [
        `s:${sign(id, ['dog'])}`,
        `s:${id}`,
        `s:${id}.`,
        id,
        `s:${sign(id, [secret]).slice(0, -1)}`,
      ]
      for (const value of forged) {
        browser.cookie = `connect.sid=${encodeURIComponent(value)}`
        expect((await browser.send()).body).not.toBe(id)
      }
      browser.cookie = `a=b; connect.sid=${encodeURIComponent(`s:${sign(id, [secret])}`)}`
      expect((await browser.send()).body).toBe(id)
    })
  })

  describe('the cookie', () => {
    const touch: Handler = (req, res) => {
      req.session.views ??= 0
      res.send('')
    }

    it('is signed, HttpOnly, for the whole site and until the browser closes', async () => {
      const { browser } = await site({ genid: () => 'an id' }, touch)
      const value = encodeURIComponent(`s:${sign('an id', [secret])}`)
      expect((await browser.send()).setCookies).toEqual([`connect.sid=${value}; Path=/; HttpOnly`])
    })

    it('has the attributes that were asked for', async () => {
      const cookie = {
        path: '/',
        domain: 'example.com',
        httpOnly: false,
        sameSite: true,
        partitioned: true,
        priority: 'high',
      } as const
      const { browser } = await site({ cookie, name: 'sid' }, touch)
      const { setCookies } = await browser.send()
      expect(setCookies[0]?.replace(/^sid=[^;]+/, 'sid')).toBe(
        'sid; Domain=example.com; Path=/; Partitioned; Priority=High; SameSite=Strict',
      )
    })

    it('says when it expires', async () => {
      const { browser } = await site({ cookie: { maxAge: 60_000 } }, touch)
      const before = Math.floor(Date.now() / 1000) * 1000
      const [line = ''] = (await browser.send()).setCookies
      const expires = Date.parse(/Expires=([^;]+)/.exec(line)?.[1] ?? '')
      expect(expires).toBeGreaterThanOrEqual(before + 60_000)
      expect(expires).toBeLessThanOrEqual(Date.now() + 60_000)
    })

    it('can be found by a function of the request', async () => {
      const cookie = (req: SessionRequest) => ({ path: req.url?.startsWith('/a') ? '/a' : '/b' })
      const { browser } = await site({ cookie }, touch)
      expect((await browser.send('/a/1')).setCookies[0]).toContain('Path=/a')
    })

    it('goes by `key` as well as by `name`', async () => {
      const { browser } = await site({ key: 'k' }, touch)
      expect((await browser.send()).setCookies[0]).toMatch(/^k=/)
    })

    it('stands beside the cookies of the application', async () => {
      const browser = await bare({}, (req, res) => {
        if (req.session) req.session.views = 1
        res.writeHead(200, { 'Set-Cookie': ['a=1', 'b=2'] })
        res.end()
      })
      const names = (await browser.send()).setCookies.map((line) => line.split('=')[0])
      expect(names.toSorted()).toEqual(['a', 'b', 'connect.sid'])
    })

    it('is for TLS only when it is secure, and the session is stored all the same', async () => {
      const store = new session.MemoryStore()
      const { browser } = await site({ store, cookie: { secure: true } }, touch)
      expect((await browser.send()).setCookies).toEqual([])
      expect(await stored(store)).toHaveLength(1)
    })

    const https = { 'x-forwarded-proto': 'https, http' }
    it.each([
      [true, false, true],
      [false, true, false],
      [undefined, true, true],
      [undefined, false, false],
    ])(
      'with proxy %s and trust proxy %s believes x-forwarded-proto: %s',
      async (proxy, trust, seen) => {
        const options = { proxy, cookie: { secure: 'auto', sameSite: 'auto' } } as const
        const { browser } = await site(options, touch, { trust })
        const [line] = (await browser.send('/', https)).setCookies
        expect(line?.includes('Secure')).toBe(seen)
        expect(line).toContain(seen ? 'SameSite=None' : 'SameSite=Lax')
      },
    )

    it('with proxy true takes only https for TLS', async () => {
      const { browser } = await site({ proxy: true, cookie: { secure: true } }, touch)
      expect((await browser.send('/', { 'x-forwarded-proto': 'http' })).setCookies).toEqual([])
      expect((await browser.send('/', https)).setCookies).toHaveLength(1)
    })

    it('says no session where its path is another', async () => {
      const see: Handler = (req, res) => res.send(String(req.session === undefined))
      const { browser } = await site({ cookie: { path: '/admin' } }, see)
      expect((await browser.send('/')).body).toBe('true')
      expect((await browser.send('/admin/x?y')).body).toBe('false')
    })

    it('judges the whole path where the middleware is mounted deeper', async () => {
      const see: Handler = (req, res) => res.send(String(req.session === undefined))
      const { browser } = await site({ cookie: { path: '/admin/x' } }, see, { mount: '/admin' })
      expect((await browser.send('/admin/x')).body).toBe('false')
    })

    it('goes to the error handler when it can not be written', async () => {
      const { browser, errors } = await site({ cookie: { expires: new Date(Number.NaN) } }, touch)
      await browser.send().catch(() => {})
      await vi.waitFor(() => expect(errors).toHaveLength(1))
    })

    it('is signed by the first secret and known by all', async () => {
      const store = new session.MemoryStore()
      const old = await site({ store, secret: ['old'] }, count)
      await old.browser.send()
      const { browser } = await site({ store, secret: ['new', 'old'] }, count)
      browser.cookie = old.browser.cookie
      expect((await browser.send()).body).toBe('2')
      const fresh = (await site({ store, secret: ['new', 'old'] }, count)).browser
      await fresh.send()
      expect(decodeURIComponent(fresh.cookie ?? '')).toMatch(/^connect\.sid=s:/)
      const only = (await site({ store, secret: 'new' }, count)).browser
      only.cookie = fresh.cookie
      expect((await only.send()).body).toBe('2')
      only.cookie = old.browser.cookie
      expect((await only.send()).body).toBe('1')
    })
  })

  describe('its options', () => {
    it('refuses what can not work', () => {
      expect(() => session({ genid: 'x' as never })).toThrow(TypeError)
      expect(() => session({ unset: 'x' as never })).toThrow(TypeError)
      expect(() => session({ secret: [] })).toThrow(TypeError)
      expect(() => new session.Cookie('x' as never)).toThrow(TypeError)
      expect(() => new session.Cookie({ maxAge: '1' as never })).toThrow(TypeError)
    })

    it('needs a secret, its own or that of cookie-parser', async () => {
      const middleware = session({ ...quiet, secret: undefined })
      const opened = await openSite((req: SessionRequest, res) => {
        if (req.url === '/with') Object.assign(req, { secret })
        middleware(req, res, (error) => res.end(error ? 'error' : 'ok'))
      })
      closers.push(opened.close)
      expect((await opened.browser().send('/without')).body).toBe('error')
      expect((await opened.browser().send('/with')).body).toBe('ok')
    })

    it('gives genid the request and takes its id', async () => {
      const genid = (req: SessionRequest): string => `id of ${req.url}`
      const { browser } = await site({ genid }, (req, res) => res.send(req.sessionID))
      expect((await browser.send('/x')).body).toBe('id of /x')
    })

    it('rolling: sets the cookie with every response of a stored session', async () => {
      const handler: Handler = (req, res) => {
        if (req.path === '/write') req.session.views = 1
        res.send('')
      }
      const { browser } = await site({ rolling: true, cookie: { maxAge: 60_000 } }, handler)
      expect((await browser.send('/')).setCookies).toHaveLength(0)
      expect((await browser.send('/write')).setCookies).toHaveLength(1)
      expect((await browser.send('/')).setCookies).toHaveLength(1)
    })

    it('without rolling sets it anew only for changes of sessions that expire', async () => {
      const { browser } = await site({ cookie: { maxAge: 60_000 } }, (req, res) => {
        if (req.path === '/write') req.session.views = (req.session.views ?? 0) + 1
        res.send('')
      })
      expect((await browser.send('/write')).setCookies).toHaveLength(1)
      expect((await browser.send('/')).setCookies).toHaveLength(0)
      expect((await browser.send('/write')).setCookies).toHaveLength(1)
      const lasting = await site({}, count)
      expect((await lasting.browser.send()).setCookies).toHaveLength(1)
      expect((await lasting.browser.send()).setCookies).toHaveLength(0)
    })

    it.each([true, false])(
      'resave %s says whether an unchanged session is written',
      async (resave) => {
        const store = new session.MemoryStore()
        const set = vi.spyOn(store, 'set')
        const touch = vi.spyOn(store, 'touch')
        const { browser } = await site({ store, resave }, (req, res) => {
          req.session.user = 'ada'
          res.send('')
        })
        await browser.send()
        await browser.send()
        expect([set.mock.calls.length, touch.mock.calls.length]).toEqual(resave ? [2, 0] : [1, 1])
      },
    )

    it.each([true, false])(
      'saveUninitialized %s says whether an empty session is',
      async (wanted) => {
        const store = new session.MemoryStore()
        const { browser } = await site({ store, saveUninitialized: wanted }, (_, res) =>
          res.send(''),
        )
        expect((await browser.send()).setCookies).toHaveLength(wanted ? 1 : 0)
        expect(await stored(store)).toHaveLength(wanted ? 1 : 0)
      },
    )

    it.each(['keep', 'destroy'] as const)('unset %s', async (unset) => {
      const store = new session.MemoryStore()
      const { browser } = await site({ store, unset }, (req, res) => {
        if (req.path === '/unset') (req as { session: unknown }).session = null
        else req.session.views = 1
        res.send('')
      })
      await browser.send()
      await browser.send('/unset')
      expect(await stored(store)).toHaveLength(unset === 'keep' ? 1 : 0)
    })

    it('has no session while the store is disconnected', async () => {
      const store = new session.MemoryStore()
      const { browser } = await site({ store }, (req, res) => res.send(String(!req.session)))
      store.emit('disconnect')
      expect((await browser.send()).body).toBe('true')
      store.emit('connect')
      expect((await browser.send()).body).toBe('false')
    })
  })

  describe('its methods', () => {
    it('regenerate() gives an empty session with another id, and ends the old one', async () => {
      const store = new session.MemoryStore()
      const { browser } = await site({ store }, (req, res) => {
        if (req.path !== '/login') return count(req, res)
        const before = req.sessionID
        return req.session.regenerate(() => {
          const isNew = req.sessionID !== before && req.session.views === undefined
          req.session.user = 'ada'
          res.send(String(isNew))
        })
      })
      await browser.send()
      const old = browser.fork()
      const login = await browser.send('/login')
      expect([login.body, login.setCookies.length]).toEqual(['true', 1])
      expect((await browser.send()).body).toBe('1')
      expect((await old.send()).body).toBe('1')
      expect(await stored(store)).toHaveLength(2)
    })

    it('reload() reads what is stored', async () => {
      const { browser } = await site({}, (req, res) => {
        if (req.path === '/write') return count(req, res)
        const before: Session = req.session
        req.session.views = 99
        return before.reload((error) => {
          res.send(`${req.session.views} ${before === req.session} ${error ?? 'ok'}`)
        })
      })
      await browser.send('/write')
      expect((await browser.send()).body).toBe('1 false ok')
    })

    it('reload() fails for a session that is gone', async () => {
      const store = new session.MemoryStore()
      const { browser } = await site({ store }, (req, res) => {
        store.clear()
        req.session.reload((error) => res.send(String(error instanceof Error)))
      })
      expect((await browser.send()).body).toBe('true')
    })

    it('save() writes at once, and the response does not write again', async () => {
      const store = new session.MemoryStore()
      const set = vi.spyOn(store, 'set')
      const { browser } = await site({ store }, (req, res) => {
        req.session.views = 1
        req.session.save((error) => res.send(`${set.mock.calls.length} ${error ?? 'ok'}`))
      })
      expect((await browser.send()).body).toBe('1 ok')
      const second = (
        await site({ store, resave: true }, (req, res) => {
          req.session.save(() => res.send(''))
        })
      ).browser
      second.cookie = browser.cookie
      await second.send()
      expect(set.mock.calls.length).toBe(2)
    })

    it('destroy() ends the session, and the request has none', async () => {
      const store = new session.MemoryStore()
      const { browser } = await site({ store }, (req, res) => {
        if (req.path !== '/logout') return count(req, res)
        return req.session.destroy((error) => res.send(`${req.session} ${error ?? 'ok'}`))
      })
      await browser.send()
      expect((await browser.send('/logout')).body).toBe('undefined ok')
      expect(await stored(store)).toEqual([])
    })

    it('touch() and resetMaxAge() start the lifetime anew', async () => {
      const { browser } = await site({ cookie: { maxAge: 60_000 } }, (req, res) => {
        req.session.cookie.maxAge = 5
        req.session.cookie.originalMaxAge = 60_000
        const isSame =
          req.session.touch() === req.session && req.session.resetMaxAge() === req.session
        res.send(`${isSame} ${Number(req.session.cookie.maxAge) > 50_000}`)
      })
      expect((await browser.send()).body).toBe('true true')
    })

    it('changes of the cookie are stored, and those of maxAge sent', async () => {
      const store = new session.MemoryStore()
      const { browser } = await site({ store, cookie: { maxAge: 60_000 } }, (req, res) => {
        if (req.path === '/forget') req.session.cookie.expires = false
        else req.session.cookie.maxAge = 3_600_000
        req.session.views = (req.session.views ?? 0) + 1
        res.send('')
      })
      const expires = Date.parse(
        /Expires=([^;]+)/.exec((await browser.send()).setCookies[0] ?? '')?.[1] ?? '',
      )
      expect(expires).toBeGreaterThan(Date.now() + 3_000_000)
      expect((await stored(store))[0]?.cookie.originalMaxAge).toBeGreaterThan(3_500_000)
      await browser.send('/forget')
      expect((await stored(store))[0]?.cookie.expires).toBeFalsy()
    })

    it('maxAge runs down until the response, and every response starts it anew', async () => {
      const { browser } = await site({ cookie: { maxAge: 60_000 } }, (req, res) => {
        req.session.views = 1
        const { originalMaxAge, maxAge } = req.session.cookie
        res.json([originalMaxAge, Number(maxAge) <= 10_000])
      })
      // The original loses a millisecond when the clock ticks while it makes a cookie.
      const now = Date.now()
      const clock = vi.spyOn(Date, 'now').mockReturnValue(now)
      await browser.send()
      for (const laterMs of [50_000, 100_000]) {
        clock.mockReturnValue(now + laterMs)
        expect(JSON.parse((await browser.send()).body)).toEqual([60_000, true])
      }
    })

    it('a session that has expired is gone', async () => {
      const store = new session.MemoryStore()
      const { browser } = await site({ store, cookie: { maxAge: 60_000 } }, count)
      await browser.send()
      const now = Date.now()
      vi.spyOn(Date, 'now').mockReturnValue(now + 61_000)
      expect((await browser.send()).body).toBe('1')
    })

    it('load() of the store finds a session outside of requests', async () => {
      const store = new session.MemoryStore()
      const { browser } = await site({ store }, (req, res) => {
        req.session.user = 'ada'
        res.send(req.sessionID)
      })
      const id = (await browser.send()).body
      const load = (sid: string) =>
        new Promise((resolve) => store.load(sid, (_error, found) => resolve(found)))
      expect(await load(id)).toMatchObject({ user: 'ada' })
      expect(await load('other')).toBeUndefined()
    })

    it('is stored as JSON of a known shape', async () => {
      const store = new session.MemoryStore()
      const { browser } = await site({ store, cookie: { maxAge: 60_000, sameSite: 'lax' } }, count)
      await browser.send()
      expect(await stored(store)).toEqual([
        {
          cookie: {
            originalMaxAge: 60_000,
            expires: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
            httpOnly: true,
            path: '/',
            sameSite: 'lax',
          },
          views: 1,
        },
      ])
    })
  })

  describe('a store that fails', () => {
    const failing = (name: 'get' | 'set' | 'destroy' | 'touch'): Store => {
      const store = new session.MemoryStore()
      const fail = (...args: unknown[]): void => {
        const callback = args.at(-1) as (error: Error) => void
        callback(new Error(`no ${name}`))
      }
      return Object.assign(store, { [name]: fail })
    }

    it('at get is told to the error handler', async () => {
      const { browser, errors } = await site({ store: failing('get') }, count)
      browser.cookie = `connect.sid=${encodeURIComponent(`s:${sign('x', [secret])}`)}`
      expect((await browser.send()).status).toBe(500)
      expect(errors.map(({ message }) => message)).toEqual(['no get'])
    })

    it('at get with ENOENT means that there is nothing', async () => {
      const store = new session.MemoryStore()
      store.get = (_sid, callback) => {
        callback(Object.assign(new Error('none'), { code: 'ENOENT' }))
      }
      const { browser, errors } = await site({ store }, count)
      browser.cookie = `connect.sid=${encodeURIComponent(`s:${sign('x', [secret])}`)}`
      expect([(await browser.send()).body, errors.length]).toEqual(['1', 0])
    })

    it('at set is told to the error handler', async () => {
      const { browser, errors } = await site({ store: failing('set') }, count)
      await browser.send().catch(() => {})
      await vi.waitFor(() => expect(errors.map(({ message }) => message)).toEqual(['no set']))
    })

    it('at touch is told to the error handler', async () => {
      const store = failing('touch')
      store.set('x', { cookie: { path: '/' }, views: 1 })
      const { browser, errors } = await site({ store }, (_req, res) => res.send(''))
      browser.cookie = `connect.sid=${encodeURIComponent(`s:${sign('x', [secret])}`)}`
      await browser.send().catch(() => {})
      await vi.waitFor(() => expect(errors.map(({ message }) => message)).toEqual(['no touch']))
    })

    it('at destroy is told to the callback', async () => {
      const { browser } = await site({ store: failing('destroy') }, (req, res) => {
        req.session.destroy((error) => res.send(String(error)))
      })
      expect((await browser.send()).body).toBe('Error: no destroy')
    })

    it('at destroy for an unset session is told to the error handler', async () => {
      const options = { store: failing('destroy'), unset: 'destroy' } as const
      const { browser, errors } = await site(options, (req, res) => {
        ;(req as { session: unknown }).session = null
        res.send('')
      })
      await browser.send().catch(() => {})
      await vi.waitFor(() => expect(errors.map(({ message }) => message)).toEqual(['no destroy']))
    })
  })

  describe('responses of every kind', () => {
    it('are complete, in pieces, with a length, empty, and ended twice', async () => {
      const browser = await bare({}, (req, res) => {
        if (req.session) req.session.views = (req.session.views ?? 0) + 1
        if (req.url === '/pieces') {
          res.write('a')
          res.write(Buffer.from('b'))
          res.end('c')
        } else if (req.url === '/length') {
          res.setHeader('content-length', 3)
          res.end('abc')
        } else if (req.url === '/empty') {
          res.writeHead(204)
          res.end(null)
        } else {
          res.end('once')
          res.end('twice')
        }
      })
      const bodies = []
      for (const path of ['/pieces', '/length', '/empty', '/twice'])
        bodies.push((await browser.send(path)).body)
      expect(bodies).toEqual(['abc', 'abc', '', 'once'])
    })

    it('store nothing that comes after the end, however often it ends', async () => {
      const store = new session.MemoryStore()
      const { browser } = await site({ store }, (req, res) => {
        req.session.views = 1
        res.write('first')
        setImmediate(() => {
          res.end('last')
          req.session.views = 2
          res.end()
        })
      })
      await browser.send()
      expect(await stored(store)).toMatchObject([{ views: 1 }])
    })

    it('store what a stream changes before its end', async () => {
      const store = new session.MemoryStore()
      const { browser } = await site({ store }, (req, res) => {
        req.session.views = 1
        res.write('first')
        setImmediate(() => {
          req.session.views = 2
          res.end('last')
        })
      })
      expect((await browser.send()).body).toBe('firstlast')
      expect(await stored(store)).toMatchObject([{ views: 2 }])
    })
  })
})
