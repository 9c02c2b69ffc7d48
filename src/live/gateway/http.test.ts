import { once } from 'node:events'
import { createServer, IncomingMessage, request, type Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FakeDoor, openDoor, openInstance, textOf } from '../../../test/fakes/door.ts'
import { limits, SojournError } from '../../base/core/index.ts'
import { virtualClock } from '../../testing/index.ts'
import { forward } from './http.ts'

let door: FakeDoor
let instance: Awaited<ReturnType<typeof openInstance>>
let server: Server
/** Requests that reached the instance. */
let reached: IncomingMessage[]
/** What the instance does; replaced by tests. */
let serve: (request: IncomingMessage, response: ServerResponse) => void

beforeEach(async () => {
  reached = []
  serve = (_, response) => response.end('served')
  server = createServer((request, response) => {
    reached.push(request)
    serve(request, response)
  })
  instance = await openInstance(server)
  door = await openDoor({ address: instance.address })
})

afterEach(async () => {
  await door.close()
  await instance.close()
})

const until = (test: () => boolean) => expect.poll(test).toBe(true)

interface Asking {
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string | string[]>
  readonly body?: Readable | string
}

/** Sends a request; resolves with the head of the answer. */
async function ask({
  body = '',
  headers = {},
  method = 'GET',
  path = '/live/board/x',
}: Asking = {}): Promise<IncomingMessage> {
  const options = { port: door.port, method, path, agent: false }
  const sent = request({
    ...options,
    headers: { host: 'door', cookie: 'sid=s1; theme=dark', ...headers },
  })
  sent.on('error', () => {})
  if (typeof body === 'string') sent.end(body)
  else pipeline(body, sent).catch(() => {})
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  answer.on('error', () => {})
  return answer
}
async function bodyOf(answer: IncomingMessage): Promise<string> {
  const chunks = await answer.toArray()
  return Buffer.concat(chunks as Buffer[]).toString()
}
const codeOf = async (answer: IncomingMessage): Promise<unknown> =>
  (JSON.parse(await bodyOf(answer)) as { error: { code: string } }).error.code

describe('a request to an instance', () => {
  it.each([
    ['/live/board/x', '/'],
    ['/live/board/x?a=b%', '/?a=b%'],
    ['/live/board/x/', '/'],
    ['/live/board/x/a/b%2Fc;d?e=/../f', '/a/b%2Fc;d?e=/../f'],
  ])('%s is its %s', async (path, expected) => {
    expect(await bodyOf(await ask({ path }))).toBe('served')
    expect(reached[0]?.url).toBe(expected)
    await until(() => door.awake() === 0)
    expect(door.seen).toEqual(['touch s1', 'locate'])
  })

  it('says who asks, whatever the client says, and without the token', async () => {
    door.rule = () => ({ role: 'éditeur "1"\r\nx-evil: 1' })
    await ask({
      headers: {
        'X-Sojourn-User': 'root',
        x_sojourn_user: 'root',
        'x-forwarded-for': '6.6.6.6',
        forwarded: 'for=6.6.6.6',
        'x-real-ip': '6.6.6.6',
        te: 'trailers',
        connection: 'close, x-secret, cookie2',
        'x-secret': '1',
        'x-mine': 'ü',
      },
    })
    const { headers = {}, rawHeaders = [] } = reached[0] ?? {}
    const value = (name: string) => decodeURIComponent(String(headers[`x-sojourn-${name}`]))
    expect(headers).toMatchObject({
      host: 'door',
      cookie: 'theme=dark',
      'x-mine': 'ü',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'door',
      'x-sojourn-backend': 'board',
      'x-sojourn-key': 'x',
      'x-sojourn-instance': '7',
      'x-sojourn-session': 's1',
    })
    expect(value('user')).toBe('Ünal s1')
    expect(JSON.parse(value('grant'))).toEqual({ role: 'éditeur "1"\r\nx-evil: 1' })
    const names = rawHeaders.filter((_, at) => at % 2 === 0)
    for (const gone of ['te', 'x-secret', 'x_sojourn_user', 'forwarded', 'x-real-ip', 'x-evil'])
      expect(names).not.toContain(gone)
    expect(names.filter((name) => name === 'x-sojourn-user')).toHaveLength(1)
  })

  it('gets the answer as it is, but for what is between the hops', async () => {
    serve = (_, response) => {
      response.sendDate = false
      response.writeHead(418, [
        ...['set-cookie', 'a=1', 'set-cookie', 'sid=evil', 'set-cookie', 'b=2'],
        ...['x-sojourn-user', 'root', 'connection', 'x-hop', 'x-hop', '1', 'trailer', 'x-late'],
        ...['x-latin', 'ü'],
      ])
      response.addTrailers({ 'x-late': '1' })
      response.end(Buffer.from('teapot'))
    }
    const answer = await ask()
    expect(await bodyOf(answer)).toBe('teapot')
    expect([answer.statusCode, answer.trailers]).toEqual([418, {}])
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2'])
    expect(answer.headers['x-latin']).toBe('ü')
    for (const gone of ['x-hop', 'x-sojourn-user', 'trailer'])
      expect(answer.headers).not.toHaveProperty(gone)
  })

  it('takes a place only as long as it lasts', async () => {
    for (let n = 0; n <= limits.connectionsPerSessionMax; n += 1)
      expect(await bodyOf(await ask())).toBe('served')
    serve = (_, response) => response.write('open')
    for (let n = 0; n < limits.connectionsPerSessionMax; n += 1) await ask()
    expect(await codeOf(await ask())).toBe('CONNECTIONS_TOO_MANY')
  })

  it('answers HEAD, 304 and 204 without a body', async () => {
    serve = ({ method }, response) => {
      if (method === 'HEAD') response.writeHead(200, { 'content-length': 5 }).end()
      else response.writeHead(method === 'GET' ? 304 : 204).end()
    }
    const answers = await Promise.all(['HEAD', 'GET', 'DELETE'].map((method) => ask({ method })))
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 304, 204])
    expect(answers[0]?.headers['content-length']).toBe('5')
    expect(await Promise.all(answers.map(bodyOf))).toEqual(['', '', ''])
  })
})

describe('who may not ask', () => {
  it.each<[string, Asking, () => unknown, number, string]>([
    ['a stranger', { headers: { cookie: '' } }, () => false, 401, 'UNAUTHENTICATED'],
    ['somebody without the right', {}, () => null, 403, 'FORBIDDEN'],
    ['whose session has ended', { headers: { cookie: 'sid=gone' } }, () => 1, 401, 'SESSION_ENDED'],
    [
      'a page of another site',
      { method: 'POST', headers: { origin: 'https://evil' } },
      () => 1,
      403,
      'ORIGIN_FOREIGN',
    ],
    ['for another host', { headers: { host: 'evil' } }, () => 1, 421, 'HOST_FOREIGN'],
    ['for an unknown backend', { path: '/live/nope/x' }, () => 1, 404, 'BACKEND_UNKNOWN'],
    ['with a grant that is no JSON', {}, () => () => 1, 500, 'INTERNAL'],
    ['with a grant too large', {}, () => 'ü'.repeat(2_000), 503, 'AUTHORIZE_FAILED'],
  ])('%s', async (_, asking, rule, status, code) => {
    door.rule = rule
    const answer = await ask(asking)
    expect([answer.statusCode, await codeOf(answer)]).toEqual([status, code])
    expect(reached).toEqual([])
    if (!code.includes('INTERNAL') && !code.includes('AUTHORIZE'))
      expect(door.seen).not.toContain('locate')
    await until(() => door.awake() === 0)
  })
})

describe('a malformed request reaches nobody', () => {
  const head = 'GET /live/board/x HTTP/1.1\r\nHost: door\r\n'
  const post = head.replace('GET', 'POST')
  const to = (path: string) => `GET /live/board/x${path} HTTP/1.1\r\nHost: door\r\n`
  it.each([
    ['two Hosts', `${head}Host: evil\r\n`],
    ['two Hosts of one name', `${head}host: door\r\n`],
    ['length and coding', `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n`],
    ['two lengths', `${post}Content-Length: 5\r\nContent-Length: 6\r\n`],
    ['a list of lengths', `${post}Content-Length: 5, 5\r\n`],
    ['a signed length', `${post}Content-Length: +5\r\n`],
    ['an odd coding', `${post}Transfer-Encoding: gzip, chunked\r\n`],
    ['identity', `${post}Transfer-Encoding: identity, chunked\r\n`],
    ['coding twice', `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n`],
    ['a coding in HTTP/1.0', `${post.replace('1.1', '1.0')}Transfer-Encoding: chunked\r\n`],
    ['HTTP/1.0', head.replace('1.1', '1.0')],
    ['TRACE', head.replace('GET', 'TRACE')],
    ['a folded header', `${head}X-A: 1\r\n x-sojourn-user: root\r\n`],
    ['a space before the colon', `${head}X-Sojourn-User : root\r\n`],
    ['a bare line feed', `${head}X-A: 1\nX-Sojourn-User: root\r\n`],
    ['an unlisted upgrade', `${head}Connection: upgrade\r\nUpgrade: h2c\r\n`],
    ['many headers', `${head}${'a:\r\n'.repeat(limits.requestHeadersMax)}`],
    ['ten thousand headers', `${head}${'a:\r\n'.repeat(10_000)}`],
    ['dots', to('/../y')],
    ['dots at the end', to('/a/..')],
    ['encoded dots', to('/%2e%2E/y')],
    ['half encoded dots', to('/.%2e/y')],
    ['dots between encoded slashes', to('/a%2f..%2fy')],
    ['dots with a parameter', to('/..;a/y')],
    ['a dot', to('/./y')],
    ['a backslash', to('/a\\y')],
    ['an encoded backslash', to('/a%5Cy')],
    ['an encoded NUL', to('/a%00')],
    ['half a percent', to('/a%2')],
    ['a percent of nothing', to('/a%zz')],
    ['another host in the path', to('//evil/y')],
    ['a fragment', to('/a#b')],
    ['letters beyond ASCII', to('/\xe4')],
  ])('%s', async (_, text) => {
    const answer = await textOf(
      door.raw(
        Buffer.from(`${text}\r\nGET /live/board/smuggled HTTP/1.1\r\nHost: door\r\n\r\n`, 'latin1'),
      ),
    )
    expect(answer.slice(0, 12)).toMatch(/^HTTP\/1.1 4/)
    expect(answer.match(/^HTTP\/1.1 /gm)).toHaveLength(1)
    expect(reached).toEqual([])
    expect(door.seen).toEqual([])
  })

  it.each([
    ['what names no Host', 'GET /live/board/x HTTP/1.1\r\n\r\n'],
    ['absolute-form', 'GET http://door/live/board/x HTTP/1.1\r\nHost: door\r\n\r\n'],
    [
      'absolute-form of another host',
      'GET http://evil/live/board/x HTTP/1.1\r\nHost: door\r\n\r\n',
    ],
    ['authority-form', 'CONNECT door:80 HTTP/1.1\r\nHost: door\r\n\r\n'],
  ])('%s is not for the door', async (_, text) => {
    const socket = door.raw(text)
    socket.end()
    await textOf(socket)
    expect(reached).toEqual([])
    expect(door.seen).toEqual([])
  })

  it('while its framing comes out as it went in', async () => {
    const bodies: string[] = []
    serve = async (request, response) => {
      bodies.push(await bodyOf(request))
      response.end()
    }
    const smuggled = 'GET /live/board/smuggled HTTP/1.1\r\nHost: door\r\n\r\n'
    const post = (more: string) => `POST /live/board/x HTTP/1.1\r\nHost: door\r\n${more}\r\n\r\n`
    const last = 'Connection: close\r\nContent-Length: 0'
    const length = smuggled.length
    const text =
      post(`Content-Length: ${length}`) +
      smuggled +
      post(`Content-Length: ${length}`).replace('POST', 'GET') +
      smuggled +
      post('Transfer-Encoding: chunked') +
      `${length.toString(16)};x=y\r\n${smuggled}\r\n0\r\nx-sojourn-user: root\r\n\r\n` +
      post(last)
    await textOf(door.raw(text))
    expect(bodies.sort()).toEqual(['', smuggled, smuggled, smuggled])
    expect(reached.map(({ trailers }) => trailers)).toEqual([{}, {}, {}, {}])
  })
})

describe('streams', () => {
  /** Bytes without an end, and how many were taken. */
  function endless() {
    const chunk = Buffer.alloc(65_536)
    const counted = {
      bytes: 0,
      stream: new Readable({
        read() {
          counted.bytes += chunk.length
          counted.stream.push(chunk)
        },
      }),
    }
    return counted
  }

  it('carries large bodies both ways, and holds little of them', async () => {
    serve = (request, response) => request.pipe(response)
    const total = 96 * 1_048_576
    let left = total
    const chunk = Buffer.alloc(65_536, 1)
    const upload = new Readable({
      read() {
        left -= chunk.length
        this.push(left >= 0 ? chunk : null)
      },
    })
    let [bytes, heldBytes] = [0, 0]
    const headers = { 'content-length': String(total) }
    const answer = await ask({ method: 'POST', headers, body: upload })
    for await (const part of answer) {
      bytes += (part as Buffer).length
      heldBytes = Math.max(heldBytes, total - left - bytes)
    }
    expect(bytes).toBe(total)
    // The most of it is in the buffers of the kernel.
    expect(heldBytes).toBeLessThan(32 * 1_048_576)
    expect(reached[0]?.headers['content-length']).toBe(String(total))
  })

  it('takes no more of an instance than its client takes, and cuts who takes nothing', async () => {
    const source = endless()
    serve = (_, response) => source.stream.pipe(response)
    const answer = await ask()
    answer.pause()
    let before = -1
    await expect
      .poll(
        () => {
          const isStill = source.bytes === before
          before = source.bytes
          return isStill
        },
        { interval: 200 },
      )
      .toBe(true)
    expect(source.bytes).toBeLessThan(16 * 1_048_576)
    expect(door.awake()).toBe(1)
    door.clock.advance(limits.stalledMs)
    door.clock.advance(limits.stalledMs)
    await until(() => door.awake() === 0)
    await until(() => reached[0]?.socket.destroyed === true)
  })

  it('takes no more of a client than its instance takes', async () => {
    const source = endless()
    serve = () => {}
    ask({ method: 'POST', body: source.stream }).catch(() => {})
    let before = -1
    await expect
      .poll(
        () => {
          const isStill = source.bytes > 0 && source.bytes === before
          before = source.bytes
          return isStill
        },
        { interval: 200 },
      )
      .toBe(true)
    expect(source.bytes).toBeLessThan(16 * 1_048_576)
    // Nobody reads, so nobody sees that the client left.
    source.stream.destroy()
    door.clock.advance(limits.stalledMs)
    door.clock.advance(limits.stalledMs)
    await until(() => door.awake() === 0)
  })

  it('sends on what comes of an upload, as slowly as it comes', async () => {
    const heard: string[] = []
    serve = (request, response) => {
      request.on('data', (chunk: Buffer) => heard.push(String(chunk)))
      request.on('end', () => response.end('all'))
    }
    const head = 'POST /live/board/x HTTP/1.1\r\nHost: door\r\nConnection: close\r\n'
    const socket = door.raw(`${head}Content-Length: 3\r\n\r\n`)
    for (const letter of 'abc') {
      socket.write(letter)
      await until(() => heard.includes(letter))
    }
    expect(await textOf(socket)).toMatch(/ 200 [\s\S]*all$/)
    expect(heard).toEqual(['a', 'b', 'c'])
  })

  it('sends an event when it happens, after a head without one', async () => {
    let response: ServerResponse | undefined
    serve = (_, given) => {
      response = given
      given.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    }
    const answer = await ask()
    expect(door.awake()).toBe(1)
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      response?.write(event)
      const [chunk] = (await once(answer, 'data')) as [Buffer]
      expect(String(chunk)).toBe(event)
    }
    answer.destroy()
    await until(() => response?.destroyed === true && door.awake() === 0)
  })

  it('gives up an upload with the client that leaves, half way', async () => {
    let isAborted = false
    serve = (request) => {
      request.on('data', () => {})
      request.on('error', () => (isAborted = true))
    }
    const socket = door.raw(
      'POST /live/board/x HTTP/1.1\r\nHost: door\r\nContent-Length: 1000\r\n\r\nhalf',
    )
    await until(() => reached.length === 1)
    socket.destroy()
    await until(() => isAborted && door.awake() === 0)
  })

  it('answers before an upload has come, and serves the next one on the same connection', async () => {
    serve = (request, response) => {
      if (request.method === 'POST') response.writeHead(413).end('too large')
      else response.end('next')
    }
    const socket = door.raw(
      'POST /live/board/x HTTP/1.1\r\nHost: door\r\nContent-Length: 200000\r\n\r\nhalf',
    )
    const [first] = (await once(socket, 'data')) as [Buffer]
    expect(String(first)).toMatch(/^HTTP\/1.1 413/)
    socket.write(Buffer.alloc(200_000 - 4))
    socket.write('GET /live/board/x HTTP/1.1\r\nHost: door\r\nConnection: close\r\n\r\n')
    expect(await textOf(socket)).toMatch(/HTTP\/1.1 200[\s\S]*next/)
  })

  it('asks for the body of a client that waits, once it is let in', async () => {
    serve = (request, response) => request.pipe(response)
    const waiting = (path: string) =>
      `POST ${path} HTTP/1.1\r\nHost: door\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`
    const socket = door.raw(waiting('/live/board/x'))
    expect(String(((await once(socket, 'data')) as [Buffer])[0])).toBe(
      'HTTP/1.1 100 Continue\r\n\r\n',
    )
    socket.write('hi')
    expect(await textOf(socket)).toMatch(/^HTTP\/1.1 200[\s\S]*hi/)
    expect(reached[0]?.headers).not.toHaveProperty('expect')
    expect(await textOf(door.raw(waiting('/live/nope/x')))).toMatch(/^HTTP\/1.1 404/)
    expect(await textOf(door.raw(`${waiting('/app')}hi`))).toMatch(
      /^HTTP\/1.1 100[\s\S]*HTTP\/1.1 200[\s\S]*app/,
    )
  })

  it('is cut when its instance dies half way, and answers when it dies before', async () => {
    serve = (request, response) => {
      if (request.url === '/before') request.socket.destroy()
      else response.write('half', () => request.socket.destroy())
    }
    const answer = await ask({ path: '/live/board/x/before' })
    expect([answer.statusCode, answer.headers['retry-after'], await codeOf(answer)]).toEqual([
      503,
      '1',
      'INSTANCE_STOPPED',
    ])
    await expect(bodyOf(await ask())).rejects.toThrow('aborted')
    await until(() => door.awake() === 0)
  })

  it('refuses an answer that is none', async () => {
    serve = (request) => request.socket.end('SSH-2.0-OpenSSH\r\n')
    const answer = await ask()
    expect([answer.statusCode, await codeOf(answer)]).toEqual([502, 'INSTANCE_ANSWER_INVALID'])
  })
})

describe('the end of a session', () => {
  it('cuts its streams, and no others', async () => {
    door.live.add('s2')
    serve = (_, response) => response.write('open')
    const [one, two] = await Promise.all(
      ['s1', 's2'].map((id) => ask({ headers: { cookie: `sid=${id}` } })),
    )
    const cut = once(one as IncomingMessage, 'error')
    one?.resume()
    door.gateway.endSession('s1')
    await cut
    await until(() => door.awake() === 1)
    expect(two?.destroyed).toBe(false)
  })

  it('cuts an answer that has come in full and is not taken', async () => {
    const socket = new Duplex({ read() {}, write() {} }) as Socket
    const request = new IncomingMessage(socket)
    const response = new ServerResponse(request)
    response.assignSocket(socket)
    const body = Readable.from([Buffer.alloc(10)])
    const pool = { request: async () => ({ statusCode: 200, headers: [], body }) }
    const ending = new AbortController()
    const clock = virtualClock()
    const parts = { request, response, path: '/', headers: [], clock, ending }
    const forwarded = forward(pool as never, { ...parts, withoutToken: (_, value) => value })
    await once(body, 'close')
    ending.abort(new SojournError('SESSION_ENDED'))
    await forwarded
    expect(socket.destroyed).toBe(true)
  })

  it('answers what has no answer yet, wherever it is', async () => {
    serve = () => {}
    const answers = Promise.all([ask(), ask()])
    await until(() => reached.length === 2)
    door.gateway.endSession('s1')
    for (const answer of await answers)
      expect([answer.statusCode, await codeOf(answer)]).toEqual([401, 'SESSION_ENDED'])
    door.locate = () => new Promise(() => {})
    const held = ask()
    await until(() => door.seen.filter((what) => what === 'locate').length === 3)
    door.gateway.endSession('s1')
    expect((await held).statusCode).toBe(401)
    expect(door.awake()).toBe(0)
  })

  it('finds whatever comes at the same time', async () => {
    serve = (_, response) => setTimeout(() => response.write('late'), 5)
    const asked = Array.from({ length: 40 }, async () => {
      const answer = await ask()
      return answer.statusCode === 200 ? bodyOf(answer).catch(() => 'cut') : codeOf(answer)
    })
    await until(() => reached.length > 5)
    door.live.delete('s1')
    door.gateway.endSession('s1')
    for (const outcome of await Promise.all(asked)) expect(outcome).toMatch(/^(cut|SESSION_ENDED)$/)
    await until(() => door.awake() === 0)
  })
})

describe('an instance that starts', () => {
  it('is waited for, but not for ever, and not by everybody', async () => {
    const start = door.locate
    const starting: (() => void)[] = []
    door.locate = () => new Promise((resolve) => starting.push(() => resolve(start())))
    const first = ask()
    await until(() => starting.length === 1)
    starting[0]?.()
    expect(await bodyOf(await first)).toBe('served')
    const late = ask()
    await until(() => starting.length === 2)
    door.clock.advance(limits.heldMs)
    const answer = await late
    expect([answer.statusCode, answer.headers['retry-after'], await codeOf(answer)]).toEqual([
      503,
      '1',
      'INSTANCE_STARTING',
    ])
    // It comes when nobody waits any more.
    starting[1]?.()
    await until(() => door.awake() === 0)
  })

  it('has a bounded number of requests wait', async () => {
    door.locate = () => new Promise(() => {})
    const perSession = 40
    const sessions = Math.ceil(limits.requestsHeldPerInstanceMax / perSession)
    for (let n = 0; n < sessions; n++) door.live.add(`v${n}`)
    const of = (n: number) => ask({ headers: { cookie: `sid=v${Math.floor(n / perSession)}` } })
    for (let n = 0; n < limits.requestsHeldPerInstanceMax; n++) of(n).catch(() => {})
    const count = () => door.seen.filter((what) => what === 'locate').length
    await until(() => count() === limits.requestsHeldPerInstanceMax)
    const answer = await ask()
    expect([answer.statusCode, await codeOf(answer)]).toEqual([503, 'INSTANCE_STARTING'])
    expect(count()).toBe(limits.requestsHeldPerInstanceMax)
    door.clock.advance(limits.heldMs)
  })

  it('that cannot start is told as such, and so is one that serves no HTTP', async () => {
    door.locate = () => Promise.reject(new SojournError('INSTANCE_START_FAILED'))
    expect(await codeOf(await ask())).toBe('INSTANCE_START_FAILED')
    door.locate = async () => ({ address: undefined, instance: 0, release() {} })
    const answer = await ask()
    expect([answer.statusCode, await codeOf(answer)]).toEqual([426, 'UPGRADE_REQUIRED'])
  })

  it('is forgotten some time after its last answer', async () => {
    const closed: unknown[] = []
    server.on('connection', (socket) => socket.on('close', () => closed.push(socket)))
    await bodyOf(await ask())
    await until(() => door.awake() === 0)
    expect(closed).toEqual([])
    door.clock.advance(limits.poolIdleMs)
    await until(() => closed.length === 1)
    expect(await bodyOf(await ask())).toBe('served')
  })
})
