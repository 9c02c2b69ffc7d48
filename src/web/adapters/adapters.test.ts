/** What every adapter must do, over real sockets. */
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { frameworks, type Handle, sorry } from '../../../test/fakes/web-frameworks.ts'
import { closeAll, type ServeOptions, serve } from '../../../test/fakes/web-server.ts'
import { SojournError } from '../../base/core/index.ts'

const chunk = Buffer.alloc(256 * 1024, 'x')

const handle: Handle = async ({ session, path, readBody }) => {
  switch (path) {
    case '/write':
      session.data.count++
      return { body: String(session.data.count) }
    case '/read':
      return { body: JSON.stringify({ ...session.data, user: session.user?.id ?? null }) }
    case '/redirect':
      session.data.count = 41
      return { status: 303, headers: { location: '/read' } }
    case '/login':
      session.login('ada')
      return { status: 303, headers: { location: '/read' } }
    case '/logout':
      session.logout()
      return { body: 'bye' }
    case '/public':
      return { body: 'x', headers: { 'cache-control': 'public, max-age=60' } }
    case '/public-read':
      return { body: `${session.data.count}`, headers: { 'cache-control': 'private' } }
    case '/public-write':
      session.data.count++
      return { body: 'x', headers: { 'cache-control': 'public, max-age=60' } }
    case '/etag':
      session.data.count++
      return { status: 304, headers: { etag: '"a"' } }
    case '/empty':
      session.data.count++
      return { status: 204 }
    case '/own-cookie':
      session.data.count++
      return { body: 'x', headers: { 'set-cookie': 'a=b' } }
    case '/refuse':
      session.data.count++
      throw new SojournError('FORBIDDEN')
    case '/throw':
      session.login('ada')
      throw new Error('a secret detail')
    case '/echo':
      session.data.list.push(await readBody())
      return { body: session.data.list.join() }
    case '/assets/a.css':
      return { body: String(session) }
    default:
      return { status: 404 }
  }
}

afterEach(closeAll)

describe.each(frameworks)('%s', (name, listenerFor) => {
  type Options = ServeOptions & { handle?: Handle; opening?: 'manual' }
  const open = ({ handle: own, opening, ...options }: Options = {}) =>
    serve((sessions) => listenerFor(sessions, own ?? handle, opening), options)

  /** Serves one handler, and everything else as above. */
  const openWith = (path: string, one: Handle, options: ServeOptions = {}) =>
    open({ ...options, handle: (call) => (call.path === path ? one(call) : handle(call)) })

  const visitor = async (options: ServeOptions = {}) => {
    const served = await open(options)
    const client = served.client()
    await client.post('/write')
    served.done.length = 0
    return { ...served, visitor: client, newcomer: served.client }
  }

  describe.each([undefined, 20])('with a store that takes %s ms', (delayMs) => {
    it('gives a visitor who writes nothing no cookie and no store call', async () => {
      const { client, done } = await open({ delayMs })
      const { headers, body } = await client().send('/read')
      expect(body).toBe('{"count":0,"list":[],"user":null}')
      expect([headers['set-cookie'], done]).toEqual([undefined, []])
    })

    it('sets the cookie once, strictly, when something is written', async () => {
      const { client, port } = await open({ delayMs })
      const one = client()
      const { status, headers, body } = await one.post('/write')
      expect([status, body]).toEqual([200, '1'])
      expect(headers['set-cookie']).toEqual([
        expect.stringMatching(
          `^sojourn-dev-${port}=sjs_[\\w-]{43}; Path=/; HttpOnly; SameSite=Lax$`,
        ),
      ])
      const second = await one.post('/write')
      expect([second.body, second.headers['set-cookie']]).toEqual(['2', undefined])
    })

    it('finds the session again, with one read and nothing else', async () => {
      const { visitor: one, done, forget } = await visitor({ delayMs })
      forget()
      for (let times = 0; times < 3; times++)
        expect((await one.send('/read')).body).toContain('"count":1')
      expect(done).toEqual(['read'])
    })

    it("makes no call before `open()` with open: 'manual'", async () => {
      const own: Handle = async (call) => {
        if (call.path === '/read' || call.path === '/write') await call.session.open()
        return handle(call)
      }
      const { client, done, forget } = await open({ delayMs, handle: own, opening: 'manual' })
      const one = client()
      await one.post('/write')
      forget()
      done.length = 0
      expect((await one.send('/nowhere')).status).toBe(404)
      expect(done).toEqual([])
      expect((await one.send('/read')).body).toContain('"count":1')
      expect((await one.send('/read')).body).toContain('"count":1')
      expect(done).toEqual(['read'])
      // A server can't be asked in the middle of a handler that doesn't wait.
      forget()
      const { status, body } = await one.send('/public-read')
      if (delayMs === undefined) expect([status, body]).toEqual([200, '1'])
      else expect(status).toBe(500)
    })

    it('lets a redirect leave only when its change is stored', async () => {
      const { client } = await open({ delayMs })
      const one = client()
      const { status, headers } = await one.post('/redirect')
      expect([status, headers.location]).toEqual([303, '/read'])
      expect((await one.send('/read')).body).toContain('"count":41')
    })

    it('answers HEAD, 304 and 204 without a body, with the cookie', async () => {
      const { client } = await open({ delayMs })
      for (const [path, method, status] of [
        ['/write', 'HEAD', 200],
        ['/etag', 'GET', 304],
        ['/empty', 'GET', 204],
      ] as const) {
        const answer = await client().send(path, { method })
        expect([path, answer.status, answer.body]).toEqual([path, status, ''])
        expect(answer.headers['set-cookie']).toHaveLength(1)
      }
    })

    it('streams, with the session stored before the first byte', async () => {
      const { client, done } = await openWith(
        '/stream',
        ({ session }) => {
          session.data.count = 1
          const body = function* () {
            yield `${done.join()} `
            yield 'end'
          }
          return { body: Readable.from(body()) }
        },
        { delayMs },
      )
      const one = client()
      const { body, headers } = await one.send('/stream')
      expect([headers['set-cookie']?.length, body.slice(-4)]).toEqual([1, ' end'])
      expect(done).toEqual(['create'])
      expect((await one.send('/read')).body).toContain('"count":1')
    })

    it('cuts a stream that changes the session after its start', async () => {
      const { client } = await openWith(
        '/late',
        ({ session }) => {
          session.data.count = 1
          const body = async function* () {
            yield 'start'
            await new Promise((resolve) => setTimeout(resolve, 50))
            session.data.count = 2
            yield 'end'
          }
          return { body: Readable.from(body()) }
        },
        { delayMs },
      )
      const one = client()
      await expect(one.send('/late')).rejects.toThrow()
      expect((await one.send('/read')).body).toContain('"count":1')
    })

    it('sends a large body whole', async () => {
      const { client } = await openWith(
        '/large',
        ({ session }) => {
          session.data.count = 1
          return { body: Readable.from(Array.from({ length: 40 }, () => chunk)) }
        },
        { delayMs },
      )
      const { body, headers } = await client().send('/large')
      expect(body.length).toBe(40 * chunk.length)
      expect(headers['set-cookie']).toHaveLength(1)
    })

    it('makes a body wait for its reader', async () => {
      let produced = 0
      const { client } = await openWith(
        '/endless',
        ({ session }) => {
          session.data.count = 1
          const body = function* () {
            for (; produced < 1_000; produced++) yield chunk
          }
          return { body: Readable.from(body()) }
        },
        { delayMs },
      )
      const sent = client().begin('/endless')
      sent.on('error', () => {}).end()
      const [response] = await once(sent, 'response')
      response.on('error', () => {}).pause()
      let before = -1
      await expect
        .poll(
          () => {
            const rests = produced > 0 && produced === before
            before = produced
            return rests
          },
          { interval: 100, timeout: 10_000 },
        )
        .toBe(true)
      sent.destroy()
      expect(produced).toBeLessThan(500)
    })

    it('stores nothing when the handler throws, and answers', async () => {
      const { client, done, lines } = await open({ delayMs })
      const { status, headers, body } = await client().post('/throw')
      expect([status, headers['set-cookie'], done]).toEqual([500, undefined, []])
      if (name === 'node') {
        expect(JSON.parse(body).error.code).toBe('INTERNAL')
        expect(body).not.toContain('secret')
        expect(lines).toContainEqual(['a request failed', expect.anything()])
      } else expect(body).toBe(sorry)
    })

    it('answers an error of the table as the table says', async () => {
      const { client, done } = await open({ delayMs })
      const { status, headers, body } = await client().post('/refuse')
      expect([status, headers['set-cookie'], done]).toEqual([403, undefined, []])
      expect(headers['content-type']).toBe('application/json; charset=utf-8')
      expect(headers['cache-control']).toBe('no-store')
      expect(JSON.parse(body).error).toMatchObject({ code: 'FORBIDDEN', retry: false })
    })

    it('cuts the connection when the body fails after its start', async () => {
      const { client } = await openWith(
        '/broken',
        () => {
          const body = async function* () {
            yield 'start'
            await new Promise((resolve) => setTimeout(resolve, 50))
            throw new Error('broken')
          }
          return { body: Readable.from(body()) }
        },
        { delayMs },
      )
      await expect(client().send('/broken')).rejects.toThrow()
      expect((await client().send('/read')).status).toBe(200)
    })

    it('stores nothing for a client that hangs up in the middle of its request', async () => {
      const { visitor: one, lines, newcomer, done } = await visitor({ delayMs })
      const headers = { 'content-length': '9', 'content-type': 'application/octet-stream' }
      const sent = one.begin('/echo', { method: 'POST', headers })
      sent.on('error', () => {}).write('abc')
      await expect.poll(() => done).toContain('read')
      await new Promise((resolve) => sent.on('close', resolve).destroy())
      const { body } = await one.send('/echo', {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body: 'whole',
      })
      expect(body).toBe('whole')
      expect((await newcomer().send('/read')).status).toBe(200)
      expect(lines.filter(([message]) => message === 'a request failed')).toEqual([])
    })

    it('stores what it was asked to for a client that does not wait for the answer', async () => {
      const { visitor: one, done } = await visitor({ delayMs })
      const sent = one.begin('/write', { method: 'POST' })
      sent.on('error', () => {}).end()
      await expect.poll(() => done).toContain('read')
      sent.destroy()
      await expect.poll(() => done).toContain('commit')
      expect((await one.send('/read')).body).toContain('"count":2')
    })

    it('answers 503 when the session cannot be read, and begins no other', async () => {
      const fails = ['read']
      const { visitor: one, done, forget } = await visitor({ delayMs, fails })
      const { cookie } = one
      forget()
      // A store that answers at once is asked by those only who use the session.
      const unread = delayMs === undefined ? [] : ['/public', '/nowhere']
      for (const path of ['/read', '/write', ...unread]) {
        const { status, headers, body } = await one.post(path)
        expect([status, headers['set-cookie']]).toEqual([503, undefined])
        expect(JSON.parse(body).error).toMatchObject({ code: 'STORE_UNAVAILABLE', retry: true })
      }
      fails.length = 0
      expect((await one.send('/read')).body).toContain('"count":1')
      expect([one.cookie, done]).toEqual([cookie, ['read']])
    })

    it('replaces status, headers and body when the session cannot be stored', async () => {
      const { client, lines } = await open({ delayMs, fails: ['create'] })
      const { status, headers, body } = await client().post('/login')
      expect([status, headers.location, headers['set-cookie']]).toEqual([503, undefined, undefined])
      expect(JSON.parse(body).error).toMatchObject({ code: 'STORE_UNAVAILABLE', retry: true })
      expect(lines).toContainEqual(['a request failed', expect.anything()])
    })

    it('keeps who may read the answer when the session cannot be stored', async () => {
      const own: Handle = ({ session }) => {
        session.data.count++
        const headers = { 'access-control-allow-origin': 'https://b.example', vary: 'origin' }
        return { body: 'x', headers: { ...headers, 'content-language': 'de' } }
      }
      const { client } = await openWith('/shared', own, { delayMs, fails: ['create'] })
      const { status, headers } = await client().post('/shared')
      expect([status, headers['access-control-allow-origin']]).toEqual([503, 'https://b.example'])
      expect([headers.vary, headers['content-language']]).toEqual(['origin', undefined])
    })

    it('drops what was streamed when the session cannot be stored', async () => {
      const { client } = await openWith(
        '/stream',
        ({ session }) => {
          session.data.count = 1
          return { headers: { 'x-app': '1' }, body: Readable.from([chunk, chunk]) }
        },
        { delayMs, fails: ['create'] },
      )
      const { status, headers, body } = await client().send('/stream')
      expect([status, headers['x-app']]).toEqual([503, undefined])
      expect(JSON.parse(body).error.code).toBe('STORE_UNAVAILABLE')
    })

    it('answers 409 for a value that a parallel request changed', async () => {
      const both = meeting(2)
      const { client } = await openWith(
        '/meet',
        async ({ session }) => {
          session.data.count++
          await both()
          return { body: 'ok' }
        },
        { delayMs },
      )
      const one = client()
      await one.post('/write')
      const answers = await Promise.all([one.post('/meet'), one.post('/meet')])
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
      const [lost] = answers.filter(({ status }) => status === 409)
      expect(JSON.parse(lost?.body ?? '').error.code).toBe('SESSION_CONFLICT')
      expect((await one.send('/read')).body).toContain('"count":2')
    })

    it('keeps what parallel requests append', async () => {
      const both = meeting(2)
      const { client } = await openWith(
        '/push',
        async ({ session }) => {
          const { list } = session.data
          await both()
          list.push('x')
          return { body: 'ok' }
        },
        { delayMs },
      )
      const one = client()
      await one.post('/write')
      const answers = await Promise.all([one.post('/push'), one.post('/push')])
      expect(answers.map(({ status }) => status)).toEqual([200, 200])
      expect((await one.send('/read')).body).toContain('"list":["x","x"]')
    })

    it('gives a login another token, and takes it away at the logout', async () => {
      const { visitor: one, newcomer, done } = await visitor({ delayMs })
      const before = newcomer()
      before.cookie = one.cookie
      await one.post('/login')
      expect(one.cookie).not.toBe(before.cookie)
      expect((await one.send('/read')).body).toContain('"ada"')
      expect((await before.send('/read')).body).toContain('"user":null')
      expect((await before.post('/write')).status).toBe(409)
      const after = newcomer()
      after.cookie = one.cookie
      const { body, headers } = await one.post('/logout')
      expect([body, headers['set-cookie']]).toEqual([
        'bye',
        [expect.stringMatching(/=; Path=\/; HttpOnly; SameSite=Lax; Max-Age=0$/)],
      ])
      expect((await after.send('/read')).body).toContain('"user":null')
      expect(done).toContain('destroy')
    })

    it('refuses changes after the answer, instead of losing them', async () => {
      const late: Promise<unknown>[] = []
      const { client } = await openWith(
        '/leave',
        ({ session }) => {
          session.data.count = 1
          const change = new Promise((resolve) => setTimeout(resolve, 100)).then(() => {
            session.data.count = 2
          })
          late.push(change.catch((error) => error.code))
          late.push(change.catch(() => session.update((newest) => ++newest.count)))
          return { body: 'x' }
        },
        { delayMs },
      )
      await client().post('/leave')
      expect(await Promise.all(late)).toEqual(['SESSION_COMMITTED', 2])
    })

    it('leaves the paths alone that it is told to ignore', async () => {
      const { visitor: one, done } = await visitor({ delayMs, fails: ['read'] })
      const headers = { host: 'evil.example', origin: 'https://evil.example' }
      const { status, body, headers: got } = await one.post('/assets/a.css?v=1', headers)
      expect([status, body, done]).toEqual([200, 'undefined', []])
      expect([got['set-cookie'], got['cache-control']]).toEqual([undefined, undefined])
    })
  })

  it('lets the followed page see the write, with a store of 200 ms', async () => {
    const { client } = await open({ delayMs: 200 })
    const one = client()
    await one.post('/redirect')
    expect((await one.send('/read')).body).toContain('"count":41')
  })

  it('answers 421 to a foreign host', async () => {
    const { visitor: one, done } = await visitor()
    const { status, body } = await one.send('/read', { headers: { host: 'evil.example' } })
    expect([status, JSON.parse(body).error.code, done]).toEqual([421, 'HOST_FOREIGN', []])
  })

  it('answers 403 to a cross-site POST with a cookie', async () => {
    const { visitor: one, done } = await visitor()
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }])
      for (const path of ['/write', '/public', '/nowhere'])
        expect((await one.post(path, headers)).status).toBe(403)
    expect(done).toEqual([])
  })

  it('gives no cookie to a request that another site makes (login CSRF)', async () => {
    const { client, done } = await open()
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'null' }]) {
      for (const path of ['/login', '/write']) {
        const { status, headers: got } = await client().post(path, headers)
        expect([status, got['set-cookie'], got.location]).toEqual([403, undefined, undefined])
      }
      // What doesn't touch the session is the application's own affair.
      expect((await client().post('/public', headers)).status).toBe(200)
    }
    expect(done).toEqual([])
  })

  it('removes a malformed cookie', async () => {
    const { client, port, done } = await open()
    for (const bad of ['broken', '', 'sjs_short', 'sjs_%00']) {
      const one = client()
      one.cookie = `sojourn-dev-${port}=${bad}`
      const { status, body } = await one.send('/read')
      expect([status, JSON.parse(body).error.code]).toEqual([400, 'COOKIE_MALFORMED'])
      expect(one.cookie).toBeUndefined()
      expect((await one.send('/read')).status).toBe(200)
    }
    expect(done).toEqual([])
  })

  it('refuses two different cookies, and takes the same one twice', async () => {
    const { visitor: one, newcomer } = await visitor()
    const other = newcomer()
    await other.post('/write')
    const mixed = newcomer()
    mixed.cookie = `${one.cookie}; ${other.cookie}`
    const { status, headers, body } = await mixed.send('/read')
    expect([status, headers['set-cookie']]).toEqual([400, undefined])
    expect(JSON.parse(body).error.code).toBe('CARRIER_CONFLICT')
    mixed.cookie = `${one.cookie}; ${one.cookie}`
    expect((await mixed.send('/read')).body).toContain('"count":1')
  })

  it('takes the token as a bearer', async () => {
    const { visitor: one, newcomer } = await visitor()
    const authorization = `Bearer ${one.cookie?.split('=')[1]}`
    const { body } = await newcomer().send('/read', { headers: { authorization } })
    expect(body).toContain('"count":1')
  })

  it('finds its cookie among a thousand', async () => {
    const { visitor: one, newcomer } = await visitor()
    const others = Array.from({ length: 1_000 }, (_, n) => `c${n}=${n}`).join('; ')
    const many = newcomer()
    many.cookie = `${others}; ${one.cookie}`
    expect((await many.send('/read')).body).toContain('"count":1')
    many.cookie = others
    expect((await many.send('/read')).body).toContain('"count":0')
  })

  it('keeps caches off what was read, unless the application says how', async () => {
    const { visitor: one } = await visitor()
    const cacheControl = async (path: string) => (await one.send(path)).headers['cache-control']
    expect(await cacheControl('/read')).toBe('no-store')
    expect(await cacheControl('/public')).toBe('public, max-age=60')
    expect(await cacheControl('/public-read')).toBe('private')
    expect(await cacheControl('/nowhere')).toBeUndefined()
    expect(await cacheControl('/public-write')).toBe('public, max-age=60')
  })

  it('keeps caches off an answer that gives a cookie, whatever the application says', async () => {
    const { client } = await open()
    const { headers } = await client().send('/public-write')
    expect(headers['set-cookie']).toHaveLength(1)
    expect(headers['cache-control']).toBe('no-store')
  })

  it('adds its cookie to those of the application', async () => {
    const { client } = await open()
    const { headers } = await client().send('/own-cookie')
    expect(headers['set-cookie']).toEqual(['a=b', expect.stringContaining('sojourn-dev')])
  })

  it('believes a proxy that TLS was spoken, if told to', async () => {
    const origins = ['https://shop.example']
    const behind = { host: 'shop.example', 'x-forwarded-proto': 'https' }
    const { client } = await open({ site: { origins, trustProxy: true } })
    const { status, headers } = await client().post('/write', behind)
    expect([status, headers['set-cookie']]).toEqual([
      200,
      [expect.stringMatching(/^__Host-sojourn=sjs_\S+; Path=\/; HttpOnly; Secure; SameSite=Lax$/)],
    ])
    const direct = await open({ site: { origins, trustProxy: false } })
    const { status: refused, body } = await direct.client().post('/write', behind)
    expect([refused, JSON.parse(body).error.code]).toEqual([500, 'TLS_REQUIRED'])
    const { host } = behind
    expect((await client().post('/write', { host })).status).toBe(500)
    expect((await client().send('/public', { headers: { host } })).status).toBe(200)
  })

  it('has nothing to do with upgrades', async () => {
    const { server, visitor: one, done } = await visitor()
    const headers = { connection: 'Upgrade', upgrade: 'websocket' }
    server.on('upgrade', (_, socket) => {
      const fields = Object.entries(headers).map((pair) => `${pair.join(': ')}\r\n`)
      socket.end(`HTTP/1.1 101 Switching Protocols\r\n${fields.join('')}\r\n`)
    })
    const sent = one.begin('/read', { headers })
    sent.on('error', () => {}).end()
    const [response] = await once(sent, 'upgrade')
    expect([response.statusCode, response.headers['set-cookie'], done]).toEqual([
      101,
      undefined,
      [],
    ])
    sent.destroy()
  })

  it('answers clients of HTTP/1.0', async () => {
    const { client, port } = await open({ delayMs: 5 })
    const text = await said(client().raw(`POST /write HTTP/1.0\r\nHost: localhost:${port}\r\n\r\n`))
    expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n/)
    expect(text.match(/set-cookie: sojourn-dev/gi)).toHaveLength(1)
    expect(text.split('\r\n\r\n')[1]).toBe('1')
  })

  it('keeps the order of pipelined requests', async () => {
    const { visitor: one, port } = await visitor({ delayMs: 5 })
    const requestOf = (path: string, more = '') =>
      `POST ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nCookie: ${one.cookie}\r\n` +
      `Content-Length: 0\r\n${more}\r\n`
    const text = await said(
      one.raw(requestOf('/public-read') + requestOf('/logout', 'Connection: close\r\n')),
    )
    expect(text.match(/HTTP\/1.1 200 OK/g)).toHaveLength(2)
    expect(text).toMatch(/cache-control: private[\s\S]*\r\n\r\n1[\s\S]*Max-Age=0[\s\S]*bye/i)
  })
})

/** A place where so many wait for each other. */
function meeting(size: number): () => Promise<void> {
  let arrived = 0
  let begin = (): void => {}
  const all = new Promise<void>((resolve) => {
    begin = resolve
  })
  return () => {
    if (++arrived === size) begin()
    return all
  }
}

/** Everything that a server says until it hangs up. */
async function said(connecting: Promise<NodeJS.ReadableStream>): Promise<string> {
  let text = ''
  for await (const part of await connecting) text += String(part)
  return text
}
