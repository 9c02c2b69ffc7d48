/** Where the drop-in does better than the original, whatever the store: nothing overtakes a save. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import express from 'express'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Browser, openSite } from '../../../test/fakes/browser.ts'
import session, {
  MemoryStore,
  type SessionFactory,
  type SessionOptions,
  Store,
  type StoredSession,
} from './index.ts'

const original = createRequire(import.meta.url)('express-session') as SessionFactory

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

interface Site {
  readonly browser: Browser
  readonly errors: unknown[]
}

async function site(
  options: SessionOptions,
  handler: (req: express.Request, res: express.Response) => unknown,
  factory: SessionFactory = session,
): Promise<Site> {
  const errors: unknown[] = []
  const app = express()
  app.use((_req, res, next) => {
    res.setHeader('x-before', 'kept')
    next()
  })
  app.use(factory({ secret: 's', resave: false, saveUninitialized: false, ...options }))
  app.use((req, res) => handler(req, res))
  app.use((error: Error, _req: unknown, res: express.Response, _next: unknown) => {
    errors.push(error)
    if (!res.headersSent) res.status(500).send(`handled: ${error.message}`)
  })
  const opened = await openSite(app)
  closers.push(opened.close)
  return { browser: opened.browser(), errors }
}

/** A store whose writes take a while, or fail. */
class SlowStore extends MemoryStore {
  readonly #delayMs: number
  readonly log: string[] = []
  error: Error | undefined

  constructor(delayMs: number) {
    super()
    this.#delayMs = delayMs
  }

  override async set(...args: Parameters<MemoryStore['set']>): Promise<void> {
    await sleep(this.#delayMs)
    this.log.push('set')
    if (this.error) args[2]?.(this.error)
    else super.set(...args)
  }

  override async destroy(...args: Parameters<MemoryStore['destroy']>): Promise<void> {
    await sleep(this.#delayMs)
    this.log.push('destroy')
    super.destroy(...args)
  }
}

describe('a redirect', () => {
  /** How many of ten visitors don't see what they wrote before they were redirected. */
  async function lost(factory: SessionFactory): Promise<number> {
    const { browser } = await site(
      { store: new SlowStore(200) },
      (req, res) => {
        if (req.path === '/seen') return res.send(String(req.session.user))
        req.session.user = 'ada'
        return res.redirect('/seen')
      },
      factory,
    )
    const visitors = Array.from({ length: 10 }, () => browser.fork())
    const answers = await Promise.all(visitors.map((visitor) => visitor.follow('/write')))
    return answers.filter(({ body }) => body !== 'ada').length
  }

  it('shows what was written before it, with a store of 200 ms', async () => {
    expect(await lost(session)).toBe(0)
  })

  it('does not with the original: the test can tell', async () => {
    expect(await lost(original)).toBeGreaterThan(0)
  })
})

describe('a response', () => {
  it.each([
    ['save', ['set']],
    ['destroy', ['destroy']],
    ['regenerate', ['destroy', 'set']],
  ] as const)('waits for a %s() that the handler does not wait for', async (method, done) => {
    const store = new SlowStore(30)
    const { browser } = await site({ store }, (req, res) => {
      req.session.user = 'ada'
      req.session[method]()
      res.send('done')
    })
    expect((await browser.send()).body).toBe('done')
    expect(store.log).toEqual(done)
  })

  it('looks sent to the application while it is held back', async () => {
    const seen: boolean[] = []
    const { browser } = await site({ store: new SlowStore(10) }, (req, res) => {
      req.session.user = 'ada'
      res.send('x')
      seen.push(res.headersSent, res.writableEnded)
    })
    await browser.send()
    expect(seen).toEqual([true, true])
  })
})

describe('a save that fails', () => {
  const failing = (): SlowStore => Object.assign(new SlowStore(1), { error: new Error('boom') })

  it('becomes the answer of the error handler: no cookie, nothing of what was said', async () => {
    const { browser, errors } = await site({ store: failing() }, (req, res) => {
      req.session.user = 'ada'
      res.setHeader('x-after', 'dropped')
      res.status(201).send('all is well')
    })
    const { status, headers, body, setCookies } = await browser.send()
    expect([status, body, setCookies]).toEqual([500, 'handled: boom', []])
    expect([headers['x-before'], headers['x-after']]).toEqual(['kept', undefined])
    expect(errors).toHaveLength(1)
  })

  it.each([
    ['throws', () => expect.fail('boom')],
    ['rejects', () => Promise.reject(new Error('boom'))],
  ])('is a failure also where the store %s', async (_, set) => {
    const { browser } = await site(
      { store: Object.assign(new MemoryStore(), { set }) },
      (req, res) => {
        req.session.user = 'ada'
        res.send('all is well')
      },
    )
    expect((await browser.send()).body).toBe('handled: boom')
  })

  it('stands in for a stream that goes on, and the error handler hears of it', async () => {
    const { browser, errors } = await site({ store: failing() }, async (req, res) => {
      req.session.user = 'ada'
      res.write('all ')
      await sleep(20)
      res.end('is well')
    })
    const { status, body } = await browser.send()
    expect([status, body.includes('well')]).toEqual([500, false])
    await vi.waitFor(() => expect(errors).toHaveLength(1))
  })

  it('cuts a stream off that has begun', async () => {
    const store = new SlowStore(1)
    const { browser, errors } = await site({ store }, async (req, res) => {
      req.session.user = 'ada'
      res.write('begun')
      await vi.waitFor(() => expect(store.log).toHaveLength(1))
      await sleep(5)
      store.error = new Error('boom')
      req.session.user = 'bob'
      res.end('is well')
    })
    await expect(browser.send()).rejects.toThrow()
    await vi.waitFor(() => expect(errors).toHaveLength(1))
  })

  it('that the handler sees is tried again with the response', async () => {
    const store = failing()
    const { browser } = await site({ store }, async (req, res) => {
      req.session.user = 'ada'
      await req.session.save().catch(() => {})
      store.error = undefined
      res.send('x')
    })
    expect((await browser.send()).setCookies).toHaveLength(1)
    expect(store.log).toEqual(['set', 'set'])
  })
})

describe('without a callback', () => {
  it('the methods return promises', async () => {
    const { browser } = await site({}, async (req, res) => {
      const id = req.sessionID
      req.session.user = 'ada'
      await req.session.save()
      req.session.user = 'bob'
      await req.session.reload()
      const reloaded = req.session.user
      await req.session.regenerate()
      const isNew = req.sessionID !== id && req.session.user === undefined
      await req.session.destroy()
      res.json([reloaded, isNew, req.session === undefined])
    })
    expect(JSON.parse((await browser.send()).body)).toEqual(['ada', true, true])
  })

  it('the promises reject with what the store reports', async () => {
    const { browser } = await site({}, async (req, res) => {
      const error = await req.session.reload().catch((reason: unknown) => reason)
      res.send(String(error))
    })
    expect((await browser.send()).body).toBe('Error: the session is no longer in the store')
  })
})

it('keeps the async context of the request, wherever a store calls back from', async () => {
  const context = new AsyncLocalStorage<string>()
  const calls: (() => void)[] = []
  const timer = setInterval(() => calls.splice(0).forEach((call) => void call()), 1)
  closers.push(() => clearInterval(timer))
  class PooledStore extends MemoryStore {
    override get(sid: string, callback: Parameters<MemoryStore['get']>[1]): void {
      calls.push(() => super.get(sid, callback))
    }
  }
  const middleware = session({
    secret: 's',
    resave: false,
    saveUninitialized: true,
    store: new PooledStore(),
  })
  const opened = await openSite((req, res) => {
    context.run('mine', () => {
      middleware(req, res, () => res.end(String(context.getStore())))
    })
  })
  closers.push(opened.close)
  const browser = opened.browser()
  await browser.send()
  expect((await browser.send()).body).toBe('mine')
})

it('two middlewares may share a store, each with its own ids', async () => {
  const store = new MemoryStore()
  const app = express()
  const options = { secret: 's', resave: false, saveUninitialized: true, store }
  app.use('/a', session({ ...options, name: 'a', genid: () => `a${Math.random()}` }))
  app.use('/b', session({ ...options, name: 'b', genid: () => `b${Math.random()}` }))
  app.use(async (req, res) => {
    await req.session.regenerate()
    res.send(req.sessionID[0])
  })
  const opened = await openSite(app)
  closers.push(opened.close)
  expect((await opened.browser().send('/a')).body).toBe('a')
  expect((await opened.browser().send('/b')).body).toBe('b')
})

it('takes stores that were written before classes', () => {
  function OldStore(this: Store): void {
    ;(Store as unknown as () => void).call(this)
  }
  Object.setPrototypeOf(OldStore.prototype, Store.prototype)
  const store = Reflect.construct(OldStore, []) as Store
  const heard = vi.fn()
  store.on('connect', heard)
  store.emit('connect')
  expect([store instanceof Store, heard.mock.calls.length]).toEqual([true, 1])
})

it('warns of what is left unsaid, and of the memory in production', () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  vi.stubEnv('NODE_ENV', 'production')
  session({})
  expect(warn.mock.calls.map(([message]) => String(message))).toEqual([
    expect.stringContaining('resave'),
    expect.stringContaining('saveUninitialized'),
    expect.stringContaining('secret'),
    expect.stringContaining('MemoryStore'),
  ])
  vi.unstubAllEnvs()
  warn.mockRestore()
})

it('hands the whole out to require()', () => {
  const required = createRequire(import.meta.url)('./index.ts') as SessionFactory
  expect(typeof required).toBe('function')
  expect(typeof required.Store).toBe('function')
  const stored: StoredSession = { cookie: new required.Cookie({ maxAge: 5 }).toJSON() }
  expect(stored.cookie.originalMaxAge).toBeGreaterThan(0)
})
