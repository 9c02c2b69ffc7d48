/** What only node:http can do; the rest is in adapters.test.ts. */
import { once } from 'node:events'
import { type ClientRequest, request, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest'
import { closeAll, type Data, type ServeOptions, serve } from '../../../test/fakes/web-server.ts'
import type { SojournError } from '../../base/core/index.ts'
import type { Session } from '../index.ts'
import * as node from './node.ts'

afterEach(closeAll)

describe('the barrier of node:http', () => {
  const open = (
    handler: (session: Session<Data>, response: ServerResponse, url: string) => unknown,
    options: ServeOptions = {},
  ) =>
    serve(
      (sessions) =>
        node.sessions(sessions, ({ session, url = '' }, response) => {
          expectTypeOf(session).toEqualTypeOf<Session<Data>>()
          return handler(session, response, url)
        }),
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

  it('reads the path of a request line that names the whole URL', async () => {
    const paths: string[] = []
    const ignore = (path: string) => paths.push(path) > 0
    const { client, port } = await serve((sessions) =>
      node.sessions(sessions, (_, response) => response.end(), { ignore }),
    )
    for (const target of [`http://localhost:${port}/a?b`, '/c?d?e', '*']) {
      const socket = await client().raw(`OPTIONS ${target} HTTP/1.1\r\nHost: x\r\n\r\n`)
      await once(socket, 'data')
      socket.destroy()
    }
    expect(paths).toEqual(['/a', '/c', '*'])
  })

  it('answers 500 when it cannot be told whether to ignore', async () => {
    const ignore = () => {
      throw new Error('mine')
    }
    const { client } = await serve((sessions) => node.sessions(sessions, () => {}, { ignore }))
    expect((await client().send('/')).status).toBe(500)
  })

  it('takes a client that hangs up during the answer for no fault of ours', async () => {
    let settled: unknown
    const { client, lines } = await serve((sessions) =>
      node.sessions(sessions, async (_, response) => {
        const endless = function* () {
          for (;;) yield big
        }
        await pipeline(Readable.from(endless()), response).catch((error) => {
          settled = error.code
          throw error
        })
      }),
    )
    const sent = client().begin('/')
    sent.on('error', () => {}).end()
    const [response] = await once(sent, 'response')
    response.on('error', () => {})
    sent.destroy()
    await expect.poll(() => settled).toBe('ERR_STREAM_PREMATURE_CLOSE')
    await new Promise((resolve) => setTimeout(resolve, 20))
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
    const leaving: ClientRequest[] = []
    const { client, done, port } = await open(
      ({ data }, response, url) => {
        data.count = 1
        // A client leaves as soon as its request has arrived.
        leaving[Number(url.slice(1))]?.destroy()
        response.write(big)
        response.end(big)
        finished++
      },
      { delayMs: 20 },
    )
    for (let n = 0; n < 5; n++) {
      const aborted = request({ port, host: '127.0.0.1', path: `/${n}`, agent: false })
      leaving.push(aborted)
      aborted.on('error', () => {}).end()
    }
    await expect.poll(() => done.length).toBe(5)
    expect(finished).toBe(5)
    expect((await client().send('/stays')).body.length).toBe(2 * big.length)
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
