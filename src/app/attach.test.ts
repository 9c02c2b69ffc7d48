import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { limits } from '../base/core/index.ts'
import { attachDoor, type ServerDoor } from './attach.ts'

const door: ServerDoor = {
  request: async (_, response) => {
    response.end('door')
  },
  upgrade: async (_, socket) => {
    socket.end('HTTP/1.1 400 Door\r\n\r\n')
  },
}

async function withServer(run: (port: number) => Promise<void>): Promise<void> {
  const server = createServer((_, response) => response.end('app'))
  attachDoor(server, door)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  await run((server.address() as AddressInfo).port)
  server.closeAllConnections()
  server.close()
}

async function upgradeOf(port: number, path: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n`,
  )
  const [answer] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return String(answer).split('\r\n')[0] ?? ''
}

describe('attachDoor()', () => {
  it('takes what is below /live/, and leaves the rest as it was', () =>
    withServer(async (port) => {
      const text = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text()
      expect(await text('/')).toBe('app')
      expect(await text('/live')).toBe('app')
      expect(await text('/lively/x')).toBe('app')
      expect(await text('/live/board/x')).toBe('door')
    }))

  it('keeps what is its own from listeners that come later', async () => {
    const server = createServer()
    attachDoor(server, door)
    const seen: (string | undefined)[] = []
    server.on('request', ({ url }, response) => {
      seen.push(url)
      response.end('app')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    for (const path of ['/live/board/x', '/shop']) await fetch(`http://127.0.0.1:${port}${path}`)
    expect(seen).toEqual(['/shop'])
    server.closeAllConnections()
    server.close()
  })

  it('answers an upgrade that nobody else would ever answer', () =>
    withServer(async (port) => {
      expect(await upgradeOf(port, '/live/board/x')).toBe('HTTP/1.1 400 Door')
      expect(await upgradeOf(port, '/chat')).toBe('HTTP/1.1 404 Not Found')
    }))

  it('serves a TLS server too, and none that waits for heads for ever', () => {
    expect(() => attachDoor(createTlsServer(), door)).not.toThrow()
    for (const headersTimeout of [0, limits.headersMs + 1])
      expect(() => attachDoor(Object.assign(createServer(), { headersTimeout }), door)).toThrow(
        RangeError,
      )
  })

  it('F56, I28: cuts who takes their time with the head of an upgrade', async () => {
    const server = createServer({ headersTimeout: 50, connectionsCheckingInterval: 20 })
    attachDoor(server, door)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    socket.write('GET /live/board/x HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: web')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(String(answer)).toMatch(/^HTTP\/1.1 408/)
    socket.destroy()
    server.closeAllConnections()
    server.close()
  })
})
