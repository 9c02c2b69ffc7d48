import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { certificate } from '../../../test/fakes/certificate.ts'
import { type FakeDoor, openDoor, openInstance, textOf } from '../../../test/fakes/door.ts'
import { limits, SojournError } from '../../base/core/index.ts'

let door: FakeDoor
let isTls: boolean
let instance: Awaited<ReturnType<typeof openInstance>>
let server: Server
let sockets: WebSocketServer
/** Upgrades that reached the instance, and the WebSockets that it made of them. */
let reached: IncomingMessage[]
let served: WebSocket[]
/** What the instance does; replaced by tests. */
let accept: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
const clients: WebSocket[] = []

async function open(isTlsHere: boolean, hasPort = !isTlsHere): Promise<void> {
  isTls = isTlsHere
  reached = []
  served = []
  server = createServer((_, response) => response.writeHead(404).end('none'))
  sockets = new WebSocketServer({ noServer: true })
  accept = (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (websocket) => {
      served.push(websocket)
      websocket.on('error', () => {})
    })
  server.on('upgrade', (request, socket, head) => {
    reached.push(request)
    accept(request, socket, head)
  })
  instance = await openInstance(server, hasPort)
  door = await openDoor({ address: instance.address, isTls, isCommand: !isTls })
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.terminate()
  await door.close()
  await instance.close()
})

const until = (test: () => boolean) => expect.poll(test).toBe(true)

function visit(
  path = '/live/board/x',
  headers: Record<string, string> = {},
  protocols: string[] = [],
): WebSocket {
  const origin = `${isTls ? 'wss' : 'ws'}://127.0.0.1:${door.port}`
  const client = new WebSocket(`${origin}${path}`, protocols, {
    headers: { host: 'door', cookie: 'sid=s1; theme=dark', ...headers },
    origin: 'https://door',
    ca: certificate,
    perMessageDeflate: false,
  })
  client.on('error', () => {})
  clients.push(client)
  return client
}
const endOf = (client: WebSocket) =>
  new Promise<unknown>((resolve) =>
    client.on('close', (code, reason) => resolve([code, String(reason)])),
  )
async function opened(...args: Parameters<typeof visit>): Promise<WebSocket> {
  const client = visit(...args)
  await once(client, 'open')
  await until(() => served.length === clients.length)
  return client
}
const handshake =
  'GET /live/board/x HTTP/1.1\r\nHost: door\r\nConnection: upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

describe.each([
  ['TLS that ends at the door', true, false],
  ['a program with a port of its own', false, true],
  ['a program in a box', false, false],
])('%s', (_, isTlsHere, hasPort) => {
  beforeEach(() => open(isTlsHere, hasPort))

  it('is relayed, both ways, and told who asks', async () => {
    const client = await opened('/live/board/x/shell?size=80', {
      'x-sojourn-user': 'root',
      authorization: 'Basic x',
    })
    expect(reached[0]?.url).toBe('/shell?size=80')
    expect(reached[0]?.headers).toMatchObject({
      host: 'door',
      cookie: 'theme=dark',
      origin: 'https://door',
      authorization: 'Basic x',
      'x-forwarded-proto': isTlsHere ? 'https' : 'http',
      'x-sojourn-user': '%C3%9Cnal%20s1',
      'x-sojourn-session': 's1',
      'x-sojourn-grant': '%7B%22role%22%3A%22editor%22%7D',
      ...(isTlsHere && { 'x-sojourn-instance': '7' }),
    })
    expect('x-sojourn-instance' in (reached[0]?.headers ?? {})).toBe(isTlsHere)
    served[0]?.on('message', (data, isBinary) => served[0]?.send(data, { binary: isBinary }))
    const large = Buffer.alloc(3_000_000, 7)
    for (const message of ['ä', large]) {
      client.send(message)
      const [data] = await once(client, 'message')
      expect(data).toEqual(Buffer.from(message as string))
    }
    expect(door.awake()).toBe(1)
    // Our own instances tell the host who said something.
    expect(door.seen.includes('touch s1')).toBe(!isTlsHere)
    client.close(4000, 'bye')
    expect(await endOf(served[0] as WebSocket)).toEqual([4000, 'bye'])
    await until(() => door.awake() === 0)
    expect(door.seen).not.toContain('handed over')
  })

  it('closes with the code when the session ends, and no other', async () => {
    door.live.add('s2')
    const [one, two] = [await opened(), await opened(undefined, { cookie: 'sid=s2' })]
    served[0]?.send('last')
    await once(one, 'message')
    const ends = Promise.all([endOf(one), endOf(served[0] as WebSocket)])
    door.gateway.endSession('s1')
    expect(await ends).toEqual([
      [4401, 'SESSION_ENDED'],
      [1006, ''],
    ])
    await until(() => door.awake() === 1)
    expect(two.readyState).toBe(WebSocket.OPEN)
  })

  it('is refused with a close code, before anything starts', async () => {
    door.rule = () => null
    expect(await endOf(visit())).toEqual([4403, 'FORBIDDEN'])
    expect(await endOf(visit('/live/board/x', { cookie: 'sid=gone' }))).toEqual([4403, 'FORBIDDEN'])
    expect(door.seen).toEqual([])
  })

  it('ends with its instance, not with the host', async () => {
    const client = await opened()
    door.gateway.hostLost()
    served[0]?.send('still')
    await once(client, 'message')
    served[0]?.terminate()
    expect(await endOf(client)).toEqual([1006, ''])
    await until(() => door.awake() === 0)
  })

  it.each<[string, (connection: string) => void]>([
    ['that the host was lost', () => door.gateway.hostLost()],
    ['closed', (connection) => door.gateway.hear({ type: 'closed', connection })],
    ['adopted', (connection) => door.gateway.hear({ type: 'adopted', connection })],
  ])('is found by the end of its session, also when it hears %s', async (_, say) => {
    const client = await opened()
    say(String(reached[0]?.headers['x-sojourn-connection']))
    const end = endOf(client)
    door.gateway.endSession('s1')
    expect(await end).toEqual([4401, 'SESSION_ENDED'])
  })

  it('cuts its instance off when the client is lost', async () => {
    const client = await opened()
    client.terminate()
    await endOf(served[0] as WebSocket)
    await until(() => door.awake() === 0)
  })

  it('says what is wrong with its instance', async () => {
    accept = (_, socket) => socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n')
    expect(await endOf(visit())).toEqual([4502, 'INSTANCE_ANSWER_INVALID'])
    accept = (_, socket) => socket.destroy()
    expect(await endOf(visit())).toEqual([1012, 'INSTANCE_STOPPED'])
    door.locate = () => Promise.reject(new SojournError('INSTANCE_START_FAILED'))
    expect(await endOf(visit())).toEqual([4503, 'INSTANCE_START_FAILED'])
    expect(door.awake()).toBe(0)
  })

  it('waits neither for ever for an instance that starts nor for one that is silent', async () => {
    const { locate } = door
    door.locate = () => new Promise(() => {})
    const held = endOf(visit())
    await until(() => door.seen.includes('locate'))
    door.clock.advance(limits.heldMs)
    expect(await held).toEqual([4503, 'INSTANCE_STARTING'])
    door.locate = locate
    accept = () => {}
    const silent = endOf(visit())
    await until(() => reached.length === 1)
    door.clock.advance(limits.handshakeMs)
    expect(await silent).toEqual([4502, 'INSTANCE_ANSWER_INVALID'])
    const ended = endOf(visit())
    await until(() => reached.length === 2)
    door.gateway.endSession('s1')
    expect(await ended).toEqual([4401, 'SESSION_ENDED'])
    await until(() => door.awake() === 0)
  })

  it('agrees on a protocol and on extensions', async () => {
    const client = await opened(undefined, {}, ['tty', 'other'])
    expect(client.protocol).toBe('tty')
    expect(reached[0]?.headers['sec-websocket-protocol']).toBe('tty, other')
  })

  it('takes no more than its client takes, and cuts who takes nothing', async () => {
    const client = await opened()
    client.pause()
    const chunk = Buffer.alloc(65_536)
    let before = -1
    await expect
      .poll(
        () => {
          for (let n = 0; n < 100; n += 1) served[0]?.send(chunk)
          const unsent = served[0]?.bufferedAmount ?? 0
          const isStuck = before > 0 && unsent >= before + 100 * chunk.length
          before = unsent
          return isStuck
        },
        { interval: 100 },
      )
      .toBe(true)
    door.clock.advance(limits.stalledMs)
    door.clock.advance(limits.stalledMs)
    await endOf(served[0] as WebSocket)
    await until(() => door.awake() === 0)
  })
})

describe('bytes of a relay', () => {
  beforeEach(() => open(false))

  it('go on only after the instance agreed, with what came early', async () => {
    let agree = (): void => {}
    const heard: Buffer[] = []
    accept = (_, socket, head) => {
      heard.push(head)
      socket.on('data', (chunk: Buffer) => heard.push(chunk))
      agree = () =>
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nset-cookie: sid=evil\r\nx-sojourn-user: root\r\n\r\nearly',
        )
    }
    const socket = door.raw(`${handshake}GET /smuggled HTTP/1.1\r\n\r\n`)
    await until(() => reached.length === 1)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(String(Buffer.concat(heard))).toBe('')
    agree()
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(String(answer)).toMatch(/^HTTP\/1.1 101 [\s\S]*\r\n\r\n(early)?$/)
    expect(String(answer)).not.toMatch(/sid=|x-sojourn/)
    await until(() => String(Buffer.concat(heard)) === 'GET /smuggled HTTP/1.1\r\n\r\n')
    socket.resetAndDestroy()
    await until(() => door.awake() === 0)
  })

  it('are cut in the middle of a frame, where no close frame may stand', async () => {
    accept = (_, socket) => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n',
      )
      socket.write(Buffer.from([0x82, 10, 1, 2, 3]))
    }
    const socket = door.raw(
      handshake.replace('Host: door', 'Host: door\r\nCookie: sid=s1\r\nOrigin: https://door'),
    )
    let text = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => (text = Buffer.concat([text, chunk])))
    await until(() => text.includes(Buffer.from([1, 2, 3])))
    door.gateway.endSession('s1')
    await textOf(socket)
    expect(text.subarray(-5)).toEqual(Buffer.from([0x82, 10, 1, 2, 3]))
    await until(() => door.awake() === 0)
  })

  it('end in one direction alone', async () => {
    let upstream: Duplex | undefined
    accept = (_, socket) => {
      upstream = socket
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n',
      )
    }
    const socket = door.raw(handshake)
    await once(socket, 'data')
    socket.end()
    upstream?.resume()
    await once(upstream as Duplex, 'end')
    upstream?.write('still')
    expect(String(((await once(socket, 'data')) as [Buffer])[0])).toBe('still')
    upstream?.end()
    await textOf(socket)
    await until(() => door.awake() === 0)
  })

  it('end in both after a while, when one alone has ended', async () => {
    accept = (_, socket) =>
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n',
      )
    const socket = door.raw(handshake)
    await once(socket, 'data')
    socket.destroy()
    await expect
      .poll(() => {
        door.clock.advance(limits.stalledMs)
        return door.awake()
      })
      .toBe(0)
  })

  it('end for a client that answers no close frame', async () => {
    accept = (_, socket) => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n',
      )
    }
    const socket = connect({ port: door.port, host: '127.0.0.1', allowHalfOpen: true })
    const host = 'Host: door\r\nCookie: sid=s1\r\nOrigin: https://door'
    socket.write(handshake.replace('Host: door', host))
    await once(socket, 'data')
    door.gateway.endSession('s1')
    const [frame] = (await once(socket, 'data')) as [Buffer]
    expect(frame.subarray(0, 4)).toEqual(Buffer.from([0x88, 15, 4401 >> 8, 4401 & 0xff]))
    await once(socket, 'end')
    expect(door.awake()).toBe(1)
    door.clock.advance(limits.closeMs)
    await until(() => door.awake() === 0)
    socket.destroy()
  })
})

it('refuses plain text on TLS, and TLS that tells another origin', async () => {
  await open(true)
  const socket = connectTls({
    port: door.port,
    host: '127.0.0.1',
    ca: certificate,
    servername: 'door',
  })
  socket.write(handshake.replace('Host: door', 'Host: door\r\nOrigin: https://evil'))
  expect(await textOf(socket)).toMatch(/^HTTP\/1.1 403/)
  const plain = door.raw(handshake)
  expect(await textOf(plain)).not.toMatch(/101/)
  expect(door.seen).toEqual([])
})
