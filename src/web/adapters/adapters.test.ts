/** What every adapter must do, over real sockets; then what only node:http can do. */
import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type RequestOptions,
  request,
  type Server,
  type ServerResponse,
} from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest'
import { type Log, SojournError } from '../../base/core/index.ts'
import { openSqlite } from '../../stores/sqlite/index.ts'
import { createSessions, type Session, type Sessions } from '../index.ts'
import type { SessionStore } from '../session/index.ts'
import * as hono from './hono.ts'
import * as node from './node.ts'

type Data = { count: number; name?: string }
type Handle = (session: Session<Data>, path: string) => Promise<Reply> | Reply
interface Reply {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: string
}
interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}
type Listener = (
  sessions: Sessions<Data>,
  handle: Handle,
) => (request: never, response: never) => unknown

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** A store that may be slow and may fail. */
function storeWith({ delayMs, fails }: { delayMs?: number | undefined; fails?: string[] }) {
  const sqlite = openSqlite({ data: ':memory:' })
  closers.push(() => sqlite.close())
  const done: string[] = []
  const store = new Proxy(sqlite.sessions(), {
    get:
      (target, name: string) =>
      (...args: unknown[]) => {
        const call = (): unknown => {
          if (fails?.includes(name)) throw new SojournError('STORE_UNAVAILABLE')
          done.push(name)
          return Reflect.apply(Reflect.get(target, name) as () => unknown, target, args)
        }
        if (delayMs === undefined) return call()
        return new Promise((resolve) => setTimeout(resolve, delayMs)).then(call)
      },
  }) as SessionStore
  return { store, done }
}

/** A server on a port of its own, and a client that keeps its cookie. */
async function serve(
  listenerFor: (sessions: Sessions<Data>) => (request: never, response: never) => unknown,
  { delayMs, fails }: { delayMs?: number | undefined; fails?: string[] } = {},
) {
  const server: Server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => server.close().closeAllConnections())
  const { port } = server.address() as AddressInfo
  const lines: [string, object][] = []
  const note = (facts: object, message: string): void => {
    lines.push([message, facts])
  }
  const log: Log = { debug: note, info: note, warn: note, error: note }
  const { store, done } = storeWith({ delayMs, ...(fails && { fails }) })
  const initial = (): Data => ({ count: 0 })
  const sessions = createSessions({ store, log, initial, development: { port } })
  server.on('request', listenerFor(sessions) as never)
  return { sessions, lines, done, port, client: () => new Client(port) }
}

class Client {
  cookie: string | undefined
  readonly port: number
  constructor(port: number) {
    this.port = port
  }

  send(path: string, { headers = {}, ...options }: RequestOptions = {}): Promise<Answer> {
    const cookie = this.cookie === undefined ? {} : { cookie: this.cookie }
    return new Promise((resolve, reject) => {
      const sent = request({
        port: this.port,
        host: '127.0.0.1',
        path,
        agent: false,
        ...options,
        headers: { ...cookie, ...(headers as IncomingHttpHeaders) },
      })
      sent.on('error', reject).end()
      sent.on('response', (response) => {
        this.take(response.headers['set-cookie'])
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        )
      })
    })
  }

  take(setCookies: readonly string[] = []): void {
    for (const line of setCookies.filter((text) => text.startsWith('sojourn-dev')))
      this.cookie = line.includes('Max-Age=0') ? undefined : line.split(';')[0]
  }
}

const nodeListener: Listener = (sessions, handle) =>
  node.sessions({ sessions }, async ({ session, url = '' }, response) => {
    const { status = 200, headers = {}, body } = await handle(session, url)
    response.writeHead(status, headers).end(body)
  }) as (request: never, response: never) => unknown

const honoListener: Listener = (sessions, handle) => {
  const app = new Hono<{ Variables: hono.SessionVariables<Data> }>()
  app.use(hono.sessions({ sessions }))
  app.all('*', async (c) => {
    expectTypeOf(c.get('session')).toEqualTypeOf<Session<Data>>()
    const { status = 200, headers = {}, body } = await handle(c.get('session'), c.req.path)
    return new Response(body ?? null, { status, headers })
  })
  app.onError((_, c) => c.text('the application says no', 500))
  return getRequestListener(app.fetch) as (request: never, response: never) => unknown
}

const handle: Handle = async (session, path) => {
  const { data } = session
  switch (path) {
    case '/write':
      data.count++
      return { body: String(data.count) }
    case '/read':
      return { body: JSON.stringify({ count: data.count, user: session.user?.id ?? null }) }
    case '/login':
      session.login('ada')
      return { status: 303, headers: { location: '/read' } }
    case '/logout':
      session.logout()
      return { body: 'bye' }
    case '/public':
      return { body: 'x', headers: { 'cache-control': 'public, max-age=60' } }
    case '/etag':
      data.count++
      return { status: 304, headers: { etag: '"a"' } }
    case '/own-cookie':
      data.count++
      return { body: 'x', headers: { 'set-cookie': 'a=b' } }
    case '/refuse':
      data.count++
      throw new SojournError('FORBIDDEN')
    case '/throw':
      session.login('ada')
      throw new Error('a secret detail')
    default:
      return { status: 404 }
  }
}

describe.each([
  ['node', nodeListener],
  ['hono', honoListener],
] as const)('%s', (name, listener) => {
  describe.each([undefined, 20])('with a store that takes %s ms', (delayMs) => {
    const open = (options: { fails?: string[]; handle?: Handle } = {}) =>
      serve((sessions) => listener(sessions, options.handle ?? handle), { delayMs, ...options })

    it('keeps a session from request to request', async () => {
      const client = (await open()).client()
      const first = await client.send('/write', { method: 'POST' })
      expect(first).toMatchObject({ status: 200, body: '1' })
      expect(first.headers['cache-control']).toBe('no-store')
      expect((await client.send('/write', { method: 'POST' })).body).toBe('2')
      const read = await client.send('/read')
      expect(read.body).toBe('{"count":2,"user":null}')
      expect(read.headers['set-cookie']).toBeUndefined()
    })

    it('gives no cookie to a request that another site makes (login CSRF)', async () => {
      const { client, done } = await open()
      for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'null' }]) {
        const sent = { method: 'POST', headers: { ...headers, 'content-type': 'text/plain' } }
        expect(await client().send('/login', sent)).toMatchObject({ status: 403 })
        const answer = await client().send('/write', sent)
        expect([answer.status, answer.headers['set-cookie']]).toEqual([403, undefined])
        // What doesn't touch the session is the application's own affair.
        expect((await client().send('/public', sent)).status).toBe(200)
      }
      expect(done).toEqual([])
    })

    it('refuses changes after the answer, instead of losing them', async () => {
      const late: Promise<unknown>[] = []
      const { client } = await open({
        handle: (session) => {
          session.data.count = 1
          const change = new Promise((resolve) => setTimeout(resolve, 60)).then(() => {
            session.data.count = 2
          })
          late.push(change.catch((error) => error.code))
          late.push(change.catch(() => session.update((newest) => ++newest.count)))
          return { body: 'x' }
        },
      })
      const visitor = client()
      await visitor.send('/write', { method: 'POST' })
      expect(await Promise.all(late)).toEqual(['SESSION_COMMITTED', 2])
    })

    it('sets no cookie and asks no store for a visitor who writes nothing', async () => {
      const { client, done } = await open()
      const { headers } = await client().send('/read')
      expect([headers['set-cookie'], done]).toEqual([undefined, []])
      expect((await client().send('/public')).headers['cache-control']).toBe('public, max-age=60')
    })

    it('lets a redirect leave only when its login is stored', async () => {
      const { client, done } = await open()
      const one = client()
      const { status, headers } = await one.send('/login', { method: 'POST' })
      expect([status, headers.location, done]).toEqual([303, '/read', ['create']])
      expect((await one.send('/read')).body).toContain('"ada"')
      expect((await one.send('/logout', { method: 'POST' })).headers['set-cookie']?.[0]).toContain(
        'Max-Age=0',
      )
      expect((await one.send('/read')).body).toContain('null')
    })

    it('answers HEAD and 304 without a body, with the cookie', async () => {
      const { client } = await open()
      for (const [path, method, status] of [
        ['/write', 'HEAD', 200],
        ['/etag', 'GET', 304],
      ] as const) {
        const answer = await client().send(path, { method })
        expect([answer.status, answer.body]).toEqual([status, ''])
        expect(answer.headers['set-cookie']).toHaveLength(1)
      }
    })

    it('adds its cookie to those of the application', async () => {
      const { headers } = await (await open()).client().send('/own-cookie')
      expect(headers['set-cookie']).toEqual(['a=b', expect.stringContaining('sojourn-dev')])
    })

    it('replaces the whole answer when the store fails, without a cookie', async () => {
      const { client, lines } = await open({ fails: ['create'] })
      const answer = await client().send('/login', { method: 'POST' })
      expect(answer.status).toBe(503)
      expect(JSON.parse(answer.body).error).toMatchObject({
        code: 'STORE_UNAVAILABLE',
        retry: true,
      })
      expect(answer.headers['set-cookie']).toBeUndefined()
      expect(answer.headers.location).toBeUndefined()
      expect(lines).toContainEqual(['a request failed', expect.anything()])
    })

    it('refuses when the session cannot be loaded', async () => {
      const fails: string[] = []
      const { client } = await open({ fails })
      const one = client()
      await one.send('/write', { method: 'POST' })
      fails.push('read')
      expect((await one.send('/read')).status).toBe(503)
    })

    it('stores nothing when the handler throws', async () => {
      const { client, done, lines } = await open()
      const thrown = await client().send('/throw', { method: 'POST' })
      expect([thrown.status, thrown.headers['set-cookie']]).toEqual([500, undefined])
      expect(thrown.body).not.toContain('secret')
      if (name === 'node') expect(lines).toContainEqual(['a request failed', expect.anything()])
      const refused = await client().send('/refuse', { method: 'POST' })
      expect(JSON.parse(refused.body)).toMatchObject({ error: { code: 'FORBIDDEN' } })
      expect([refused.status, refused.headers['set-cookie'], done]).toEqual([403, undefined, []])
    })

    it('answers 409 for a value that a parallel request changed', async () => {
      let arrived = 0
      let go = (): void => {}
      const both = new Promise<void>((resolve) => {
        go = resolve
      })
      const meet: Handle = async (session, path) => {
        if (path === '/meet') {
          session.data.count++
          if (++arrived === 2) go()
          await both
          return { body: 'ok' }
        }
        return handle(session, path)
      }
      const { client } = await open({ handle: meet })
      const one = client()
      await one.send('/write', { method: 'POST' })
      const answers = await Promise.all([one.send('/meet'), one.send('/meet')])
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
      expect((await one.send('/read')).body).toContain('"count":2')
    })

    it('refuses foreign hosts and origins, and removes a broken cookie', async () => {
      const { client, port } = await open()
      const one = client()
      await one.send('/write', { method: 'POST' })
      expect((await one.send('/read', { headers: { host: 'evil.example' } })).status).toBe(421)
      const headers = { origin: 'https://evil.example' }
      expect((await one.send('/write', { method: 'POST', headers })).status).toBe(403)
      one.cookie = `sojourn-dev-${port}=broken`
      expect((await one.send('/read')).status).toBe(400)
      expect(one.cookie).toBeUndefined()
      expect((await one.send('/read')).status).toBe(200)
    })
  })
})

describe('the barrier of node:http', () => {
  const open = (
    handler: (session: Session<Data>, response: ServerResponse, url: string) => unknown,
    options: { delayMs?: number; fails?: string[] } = {},
  ) =>
    serve(
      (sessions) =>
        node.sessions(sessions, ({ session, url = '' }, response) =>
          handler(session, response, url),
        ) as (request: never, response: never) => unknown,
      options,
    )
  const big = Buffer.alloc(256 * 1024, 'x')

  it('shows what is held back as sent, in the order of node:http', async () => {
    const seen: unknown[] = []
    const { client, done } = await open(
      ({ data }, response) => {
        data.count = 1
        response.setHeader('x-a', '1')
        response.writeHead(201, 'Made', ['x-b', '2', 'x-b', '3'])
        seen.push(response.headersSent)
        expect(() => response.setHeader('x-c', '1')).toThrow(/after they are sent/)
        expect(() => response.writeHead(200)).toThrow(/after they are sent/)
        seen.push(response.write('a'), done.length)
        response.statusCode = 500
        response.end('b', () => seen.push('finished'))
        seen.push(response.writableEnded)
      },
      { delayMs: 10 },
    )
    const { status, headers, body } = await client().send('/')
    expect([status, headers['x-a'], headers['x-b'], body]).toEqual([201, '1', '2, 3', 'ab'])
    expect(seen).toEqual([true, false, 0, true, 'finished'])
  })

  it('reads writeHead() as node:http does', async () => {
    const { client } = await open((_, response) => {
      response.writeHead(201, undefined, { 'x-a': '1' })
      response.statusCode = 500
      response.end()
    })
    const { status, headers } = await client().send('/')
    expect([status, headers['x-a']]).toEqual([201, '1'])
  })

  it('takes a client that hangs up for no fault of ours', async () => {
    const { client, lines } = await open(async (_, response) => {
      for await (const chunk of response.req) String(chunk)
      response.end()
    })
    const { port } = client()
    const socket = connect(port, '127.0.0.1')
    socket.write(`POST / HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Length: 9\r\n\r\nabc`)
    await new Promise((resolve) => setTimeout(resolve, 30))
    socket.destroy()
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(lines.filter(([message]) => message === 'a request failed')).toEqual([])
  })

  it('refuses two Hosts', async () => {
    const { client } = await open((_, response) => response.end())
    const { port } = client()
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET / HTTP/1.1\r\nHost: localhost:${port}\r\nHost: evil\r\n\r\n`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    expect(String(answer)).toContain('HOST_FOREIGN')
  })

  it.each([undefined, 10])('streams with backpressure (store delay %s ms)', async (delayMs) => {
    const { client, done } = await open(
      ({ data }, response) => {
        data.count = 1
        Readable.from(Array.from({ length: 40 }, () => big)).pipe(response)
      },
      delayMs === undefined ? {} : { delayMs },
    )
    const { body, headers } = await client().send('/')
    expect(body.length).toBe(40 * big.length)
    expect([headers['set-cookie']?.length, done]).toEqual([1, ['create']])
  })

  it('flushes headers after the commit', async () => {
    const { client, done } = await open(
      ({ data }, response) => {
        data.count = 1
        response.flushHeaders()
        setTimeout(() => response.end('late'), 30)
      },
      { delayMs: 5 },
    )
    const answer = await client().send('/')
    expect([answer.body, answer.headers['set-cookie']?.length, done]).toEqual([
      'late',
      1,
      ['create'],
    ])
  })

  it('drops what was streamed when the commit fails', async () => {
    const { client } = await open(
      ({ data }, response) => {
        data.count = 1
        response.writeHead(200, { 'content-length': big.length * 4, 'x-app': '1' })
        Readable.from(Array.from({ length: 4 }, () => big)).pipe(response)
      },
      { delayMs: 5, fails: ['create'] },
    )
    const { status, headers, body } = await client().send('/')
    expect([status, headers['x-app']]).toEqual([503, undefined])
    expect(JSON.parse(body).error.code).toBe('STORE_UNAVAILABLE')
  })

  it('cuts a response whose session was changed after its start and not committed', async () => {
    const { client, lines } = await open(async (session, response) => {
      session.data.count = 1
      response.write('a')
      session.data.count = 2
      response.end('b')
    })
    await expect(client().send('/')).rejects.toThrow()
    expect(JSON.stringify(lines)).toContain('SESSION_COMMITTED')
  })

  it('stores later changes that are committed, but can no longer log in', async () => {
    const refused: unknown[] = []
    const { client } = await open(async (session, response, url) => {
      if (url === '/read') return response.end(String(session.data.count))
      session.data.count = 1
      response.write('a')
      session.data.count = 2
      await session.commit()
      for (const call of [() => session.login('ada'), session.logout, session.rotate])
        try {
          call.call(session)
        } catch (error) {
          refused.push((error as SojournError).code)
        }
      return response.end('b')
    })
    const one = client()
    expect((await one.send('/')).body).toBe('ab')
    expect((await one.send('/read')).body).toBe('2')
    expect(refused).toEqual(Array(3).fill('SESSION_COMMITTED'))
  })

  it('cuts off an application that ignores backpressure', async () => {
    const { client, lines } = await open(
      ({ data }, response) => {
        data.count = 1
        for (let n = 0; n < 70; n++) response.write(big)
      },
      { delayMs: 10 },
    )
    await expect(client().send('/')).rejects.toThrow()
    expect(JSON.stringify(lines)).toContain('a request failed')
  })

  it('survives clients that go away while the session is being stored', async () => {
    let finished = 0
    const { client, done, port } = await open(
      ({ data }, response) => {
        data.count = 1
        response.write(big)
        response.end(big)
        finished++
      },
      { delayMs: 20 },
    )
    for (let n = 0; n < 5; n++) {
      const aborted = request({ port, host: '127.0.0.1', path: '/', agent: false })
      aborted.on('error', () => {}).end()
      setTimeout(() => aborted.destroy(), 10)
    }
    await expect.poll(() => done.length).toBe(5)
    expect(finished).toBe(5)
    expect((await client().send('/')).body.length).toBe(2 * big.length)
  })

  it('survives bytes that node:http cannot send', async () => {
    const { client, lines } = await open(
      ({ data }, response, url) => {
        data.count = 1
        response.end(url === '/bad' ? (123 as never) : 'good')
      },
      { delayMs: 5 },
    )
    await expect(client().send('/bad')).rejects.toThrow()
    expect(JSON.stringify(lines)).toContain('a request failed')
    expect((await client().send('/good')).body).toBe('good')
  })

  it('cuts the connection when the handler throws after the start', async () => {
    const { client, lines } = await open((_, response) => {
      response.write('a')
      throw new Error('late')
    })
    await expect(client().send('/')).rejects.toThrow()
    expect(JSON.stringify(lines)).toContain('a request failed')
  })
})
