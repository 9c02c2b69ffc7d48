/** Our stores behind express-session, the original and the drop-in; foreign stores behind the drop-in. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { RedisStore } from 'connect-redis'
import express from 'express'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Browser, openSite } from '../../../test/fakes/browser.ts'
import { openSqlite } from '../../stores/sqlite/index.ts'
import { type VirtualClock, virtualClock } from '../../testing/index.ts'
import type { SessionStore } from '../session/index.ts'
import ours, {
  type MemoryStore,
  type SessionFactory,
  type SessionOptions,
  type Store,
  type StoredSession,
  type StoreFromOptions,
  storeFrom,
} from './index.ts'

declare module './types.ts' {
  interface SessionData {
    words: string[]
    cart: Record<string, number>
  }
}

const require = createRequire(import.meta.url)
const original = require('express-session') as SessionFactory
type Handler = (req: express.Request, res: express.Response) => unknown
const rounds = 100

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** SQLite that answers later, in an order of its own, as a database over a network does. */
function sqlite(data = ':memory:', clock?: VirtualClock): SessionStore {
  const opened = openSqlite({ data, ...(clock && { clock }) })
  closers.push(() => opened.close())
  return new Proxy(opened.sessions(), {
    get:
      (target, name: string) =>
      async (...args: unknown[]) => {
        for (let turns = Math.random() * 4; turns > 0; turns--)
          await new Promise((resolve) => setImmediate(resolve))
        return Reflect.apply(Reflect.get(target, name) as () => unknown, target, args)
      },
  })
}

async function site(
  store: Store,
  handler: Handler,
  { factory = ours, ...options }: SessionOptions & { factory?: SessionFactory } = {},
): Promise<Browser> {
  const app = express()
  app.use(factory({ secret: 's', resave: false, saveUninitialized: false, store, ...options }))
  app.use((req, res) => handler(req, res))
  app.use((error: { status?: number }, _req: unknown, res: express.Response, _next: unknown) => {
    if (!res.headersSent) res.status(error.status ?? 500).send(String(error))
  })
  const opened = await openSite(app)
  closers.push(opened.close)
  return opened.browser()
}

function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: resolve }
}

/** Adds what the query names, and waits until the other request has read its session, too. */
function parallelSite(store: Store, factory: SessionFactory): Promise<Browser> {
  let waiting = 0
  let both = gate()
  return site(
    store,
    async (req, res) => {
      if (req.path !== '/add') {
        req.session.words ??= []
        return res.json(req.session)
      }
      if (++waiting === 2) {
        waiting = 0
        both.open()
        both = gate()
      } else await both.opened
      const word = String(req.query['word'])
      req.session.words?.push(word)
      req.session.cart = { ...req.session.cart, [word]: 1 }
      return res.send('added')
    },
    { factory },
  )
}

async function addInParallel(browser: Browser, round: number): Promise<StoredSession> {
  const visitor = browser.fork()
  await visitor.send()
  const [one, other] = [`a${round}`, `b${round}`]
  await Promise.all([
    visitor.fork().send(`/add?word=${one}`),
    visitor.fork().send(`/add?word=${other}`),
  ])
  return JSON.parse((await visitor.send()).body) as StoredSession
}

describe.each([
  ['the original', original],
  ['the drop-in', ours],
])('our stores behind %s', (_, factory) => {
  it('keep sessions', async () => {
    const store = storeFrom(sqlite())
    const browser = await site(
      store,
      (req, res) => {
        req.session.views = (req.session.views ?? 0) + 1
        res.send(`${req.session.views} ${req.session.cookie.expires instanceof Date}`)
      },
      { factory, cookie: { maxAge: 60_000 } },
    )
    await browser.send()
    expect((await browser.send()).body).toBe('2 true')
    const length = await new Promise((resolve) => store.length?.((_error, value) => resolve(value)))
    expect(length).toBe(1)
  })

  it(`lose nothing of two parallel requests in ${rounds} rounds`, async () => {
    const browser = await parallelSite(storeFrom(sqlite()), factory)
    for (let round = 0; round < rounds; round++) {
      const { words, cart } = await addInParallel(browser, round)
      const both = [`a${round}`, `b${round}`]
      expect((words as string[]).toSorted()).toEqual(both)
      expect(Object.keys(cart as object).toSorted()).toEqual(both)
    }
  })

  it(`revive nothing after a logout in ${rounds} rounds against a request in flight`, async () => {
    let reached = gate()
    let go = gate()
    const sessions = sqlite()
    const browser = await site(
      storeFrom(sessions),
      async (req, res) => {
        if (req.path === '/slow') {
          reached.open()
          await go.opened
          req.session.user = 'mallory'
        } else if (req.path === '/login') req.session.user = 'ada'
        else if (req.path === '/logout') await new Promise((done) => req.session.destroy(done))
        res.send(String(req.session?.user))
      },
      { factory },
    )
    for (let round = 0; round < rounds; round++) {
      ;[reached, go] = [gate(), gate()]
      const visitor = browser.fork()
      await visitor.send('/login')
      const slow = visitor
        .fork()
        .send('/slow')
        .catch(() => ({ status: 0 }))
      await reached.opened
      const logout = visitor.fork().send('/logout')
      // Before the logout is through, and after it.
      if (round % 2 === 0) await logout
      go.open()
      const [{ status }] = await Promise.all([slow, logout])
      expect((await visitor.send()).body).toBe('undefined')
      expect(await sessions.scan(undefined, 10)).toEqual([])
      if (round % 2 === 0 && factory === ours) expect(status).toBe(409)
    }
  })
})

it('loses words with the memory of the original: the test can tell', async () => {
  const browser = await parallelSite(new original.MemoryStore(), original)
  expect((await addInParallel(browser, 0))['words']).toHaveLength(1)
})

describe('a store of ours', () => {
  const sid = 'the secret of the session'
  const session = (data: object = {}): StoredSession => ({
    cookie: { path: '/', httpOnly: true, originalMaxAge: null },
    ...data,
  })

  /** The store by its methods, with promises. */
  function direct(options: StoreFromOptions = {}) {
    const clock = virtualClock()
    const sessions = sqlite(':memory:', clock)
    const store = storeFrom(sessions, { clock, ...options })
    type Method = (...args: unknown[]) => Promise<unknown>
    const call = (name: string, ...args: unknown[]): Promise<unknown> =>
      (Reflect.get(store, name) as Method).call(store, ...args)
    const read = () => call('get', sid) as Promise<StoredSession | null>
    const open = async () => store.createSession({ sessionID: sid }, (await read()) ?? session())
    return { clock, sessions, call, read, open }
  }

  it('keeps the hash of the id, never the id', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sojourn-'))
    closers.push(() => rmSync(folder, { recursive: true }))
    const browser = await site(storeFrom(sqlite(folder)), (req, res) => {
      req.session.user = 'ada'
      res.send(req.sessionID)
    })
    const { body: id } = await browser.send()
    const db = new DatabaseSync(join(folder, 'sessions.db'), { readOnly: true })
    closers.unshift(() => db.close())
    const rows = ['sessions', 'tokens'].flatMap((table) =>
      db.prepare(`SELECT * FROM ${table}`).all(),
    )
    expect(rows).toHaveLength(2)
    const text = rows
      .flatMap((row) => Object.values(row))
      .map((value) =>
        value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value),
      )
    expect(text.some((value) => value.includes(id))).toBe(false)
    expect(text.some((value) => value.includes('ada'))).toBe(true)
  })

  it('creates nothing under an id that has ended', async () => {
    const { call, read, sessions } = direct()
    await call('set', sid, session({ views: 1 }))
    await call('destroy', sid)
    await expect(call('set', sid, session({ views: 2 }))).rejects.toMatchObject({
      code: 'SESSION_ROTATED',
    })
    await call('touch', sid, session())
    expect([await read(), await sessions.scan(undefined, 10)]).toEqual([null, []])
  })

  it('revives nothing by a late touch or an unchanged save, and takes neither for a fault', async () => {
    const { call, read, open } = direct()
    await call('set', sid, session({ views: 1 }))
    const late = await open()
    await call('destroy', sid)
    await call('touch', sid, late)
    await call('set', sid, late)
    Object.assign(late, { views: 2 })
    await expect(call('set', sid, late)).rejects.toMatchObject({ code: 'SESSION_ROTATED' })
    expect(await read()).toBeNull()
  })

  it('tells a late save that its session was revoked or has expired', async () => {
    const { call, open, clock } = direct({ idleAfterMs: 1_000 })
    await call('set', sid, session({ views: 1 }))
    const late = Object.assign(await open(), { views: 2 })
    clock.advance(1_000)
    await expect(call('set', sid, late)).rejects.toMatchObject({ code: 'SESSION_ENDED' })
  })

  it('ends sessions when their cookie does, used or not', async () => {
    const { call, read, clock } = direct()
    await call(
      'set',
      sid,
      session({ cookie: { path: '/', httpOnly: true, originalMaxAge: 10_000 } }),
    )
    clock.advance(9_000)
    const found = await read()
    expect(found?.cookie.expires).toEqual(new Date(clock.nowMs() + 1_000))
    await call('touch', sid, found)
    clock.advance(9_999)
    expect(await read()).not.toBeNull()
    clock.advance(1)
    expect(await read()).toBeNull()
  })

  it('ends a session earlier when its cookie is cut short', async () => {
    const { call, read, open, clock } = direct()
    await call(
      'set',
      sid,
      session({ cookie: { path: '/', httpOnly: true, originalMaxAge: 60_000 } }),
    )
    const one = await open()
    one.cookie.originalMaxAge = 1_000
    await call('touch', sid, one)
    clock.advance(1_000)
    expect(await read()).toBeNull()
  })

  it('ends every session at last', async () => {
    const { call, read, clock } = direct({ endAfterMs: 2_000, idleAfterMs: 1_500 })
    await call('set', sid, session())
    clock.advance(1_000)
    await call('touch', sid, await read())
    clock.advance(999)
    expect(await read()).not.toBeNull()
    clock.advance(1)
    expect(await read()).toBeNull()
  })

  it('writes a use at most once per tenth of the idle time', async () => {
    const { call, open, clock, sessions } = direct({ idleAfterMs: 1_000 })
    await call('set', sid, session())
    const touchedAtMs = async () => (await sessions.scan(undefined, 1))[0]?.touchedAtMs
    const first = await touchedAtMs()
    clock.advance(99)
    await call('touch', sid, await open())
    expect(await touchedAtMs()).toBe(first)
    clock.advance(1)
    await call('touch', sid, await open())
    expect(await touchedAtMs()).toBe(clock.nowMs())
  })

  it('merges the second save of one request, too', async () => {
    const { call, read, open } = direct()
    await call('set', sid, session({ views: 1 }))
    const [one, other] = [await open(), await open()]
    await call('set', sid, Object.assign(other, { user: 'ada' }))
    await call('set', sid, Object.assign(one, { views: 2 }))
    await call('set', sid, Object.assign(one, { words: ['x'] }))
    expect(await read()).toMatchObject({ user: 'ada', views: 2, words: ['x'] })
  })

  it('replaces as a whole what the caller has not read', async () => {
    const { call, read } = direct()
    await call('set', sid, session({ views: 1, user: 'ada' }))
    await call('set', sid, session({ views: 2 }))
    const found = await read()
    expect([found?.['views'], found?.['user']]).toEqual([2, undefined])
  })

  it('gives up after five tries against parallel writers', async () => {
    const clock = virtualClock()
    const sessions = sqlite(':memory:', clock)
    const commit = vi.fn<SessionStore['commit']>(() => 'conflict')
    const store = storeFrom(
      new Proxy(sessions, {
        get: (target, name) => (name === 'commit' ? commit : Reflect.get(target, name)),
      }),
      { clock },
    )
    await (store.set(sid, session()) as Promise<void>)
    const late = store.set(sid, session({ views: 1 })) as Promise<void>
    await expect(late).rejects.toMatchObject({ code: 'SESSION_CONFLICT' })
    expect(commit).toHaveBeenCalledTimes(5)
  })

  it('refuses what is too large', async () => {
    const { call, read } = direct({ dataBytesMax: 1_000 })
    const large = session({ words: ['x'.repeat(1_000)] })
    await expect(call('set', sid, large)).rejects.toMatchObject({ code: 'SESSION_TOO_LARGE' })
    expect(await read()).toBeNull()
    expect(() => storeFrom(sqlite(), { idleAfterMs: 0 })).toThrow(RangeError)
  })

  it('lists, counts and clears its own sessions, not those of the platform', async () => {
    const { call, sessions, clock } = direct()
    const nowMs = clock.nowMs()
    const times = {
      createdAtMs: nowMs,
      touchedAtMs: nowMs,
      expiresAtMs: nowMs + 9,
      endsAtMs: nowMs + 9,
    }
    const rest = {
      version: 1,
      bytes: Uint8Array.of(2),
      user: undefined,
      device: undefined,
      parentId: undefined,
    }
    await sessions.create({ id: 's_platform', ...times, ...rest }, 'hash')
    await call('set', sid, session({ views: 1 }))
    await call('set', 'other', session({ views: 2 }))
    expect(await call('length')).toBe(2)
    expect(await call('all')).toHaveLength(2)
    await call('clear')
    expect(await call('length')).toBe(0)
    expect(await sessions.readById('s_platform')).toBeDefined()
  })

  it('sweeps what has expired when new sessions come', async () => {
    const { call, sessions, clock } = direct({ idleAfterMs: 1_000 })
    await call('set', sid, session())
    clock.advance(600_000)
    await call('set', 'other', session())
    await vi.waitFor(async () => {
      const reasons = (await sessions.ends(0, 10)).map(({ reason }) => reason)
      expect(reasons).toEqual(['expired'])
    })
  })
})

describe('a foreign store', () => {
  const handler: Handler = async (req, res) => {
    if (req.path === '/logout') await req.session.destroy()
    else if (req.path === '/login') {
      await req.session.regenerate()
      req.session.user = 'ada'
    } else if (req.path === '/add') req.session.views = (req.session.views ?? 0) + 1
    res.json([req.session?.views ?? 0, req.session?.user ?? null])
  }

  async function passes(store: Store, count: () => number): Promise<void> {
    const browser = await site(store, handler, { cookie: { maxAge: 60_000 } })
    const seen: unknown[] = []
    for (const path of ['/add', '/add', '/', '/login', '/add', '/']) {
      const { body } = await browser.send(path)
      seen.push(JSON.parse(body))
    }
    expect(seen).toEqual([
      [1, null],
      [2, null],
      [2, null],
      [0, 'ada'],
      [1, 'ada'],
      [1, 'ada'],
    ])
    expect(count()).toBe(1)
    await browser.send('/logout')
    expect(count()).toBe(0)
    expect(JSON.parse((await browser.send()).body)).toEqual([0, null])
  }

  it('works: MemoryStore of the original', async () => {
    const store = new original.MemoryStore() as MemoryStore & { sessions?: object }
    await passes(store, () => Object.keys(store.sessions ?? {}).length)
  })

  it('keeps visitors logged in across the change from the original, and back', async () => {
    const store = new original.MemoryStore()
    const count: Handler = (req, res) => {
      req.session.views = (req.session.views ?? 0) + 1
      res.send(String(req.session.views))
    }
    const seen: string[] = []
    let cookie: string | undefined
    for (const factory of [original, ours, original]) {
      const browser = await site(store, count, { factory, cookie: { maxAge: 60_000 } })
      browser.cookie = cookie
      seen.push((await browser.send()).body)
      cookie = browser.cookie
    }
    expect(seen).toEqual(['1', '2', '3'])
  })

  it('works: session-file-store', async () => {
    const path = mkdtempSync(join(tmpdir(), 'sojourn-'))
    closers.push(() => rmSync(path, { recursive: true }))
    type FileStore = new (options: object) => Store
    const FileStore = (require('session-file-store') as (factory: SessionFactory) => FileStore)(
      ours,
    )
    const store = new FileStore({ path, retries: 0, reapInterval: -1, logFn: () => {} })
    await passes(store, () => readdirSync(path).length)
  })

  it('works: connect-redis', async () => {
    const values = new Map<string, string>()
    const client = {
      get: async (key: string) => values.get(key) ?? null,
      set: async (key: string, value: string) => void values.set(key, value),
      expire: async (key: string) => Number(values.has(key)),
      del: async (keys: string[]) => void keys.forEach((key) => void values.delete(key)),
    }
    const store = new RedisStore({ client }) as unknown as Store
    await passes(store, () => values.size)
  })

  it('works: connect-pg-simple', async () => {
    const rows = new Map<string, unknown>()
    const answers: readonly (readonly [RegExp, (values: unknown[]) => unknown[]])[] = [
      [
        /^SELECT sess/,
        ([sid]) => [...rows].filter(([id]) => id === sid).map(([, sess]) => ({ sess })),
      ],
      [/^INSERT/, ([sess, , sid]) => [rows.set(String(sid), JSON.parse(JSON.stringify(sess)))]],
      [/^UPDATE/, () => []],
      [/^DELETE/, ([sid]) => [rows.delete(String(sid))]],
    ]
    const pool = {
      query: async (text: string, values: unknown[]) => ({
        rows: answers.find(([pattern]) => pattern.test(text))?.[1](values) ?? [],
      }),
    }
    type PgStore = new (options: object) => Store
    const PgStore = (require('connect-pg-simple') as (factory: SessionFactory) => PgStore)(ours)
    await passes(new PgStore({ pool, pruneSessionInterval: false }), () => rows.size)
  })
})
