/** Many clients, and clients that take their time: bounded, and at nobody else's cost. */
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { limits } from '../../src/base/core/index.ts'
import { encodeFromClient, protocolVersion } from '../../src/base/protocol/index.ts'
import { connect } from '../../src/client/index.ts'
import {
  childrenOf,
  freePort,
  instancesOf,
  type Running,
  run,
  scratchFolder,
  until,
} from '../e2e/scratch.ts'
import type log from './backends/log.ts'
import { memoryOf } from './machine.ts'
import type { LogLive } from './world.ts'

const mebibyte = 2 ** 20
let data: ReturnType<typeof scratchFolder>
let port: number
let server: Running
let lives: LogLive[] = []
const sockets: (WebSocket | Socket)[] = []

beforeEach(async () => {
  data = scratchFolder()
  port = await freePort()
  const script = new URL('./server-main.ts', import.meta.url).pathname
  server = await run(script, {
    cwd: data.path,
    args: [data.path, String(port)],
    ready: /listening/,
  })
})
afterEach(async () => {
  for (const live of lives) live.close()
  lives = []
  for (const socket of sockets.splice(0))
    socket instanceof WebSocket ? socket.terminate() : socket.destroy()
  await server.end('SIGKILL')
  data.remove()
})

const origin = () => `http://localhost:${port}`
const hostPid = () =>
  childrenOf(server.pid).find(({ command }) => command.includes('host-main'))?.pid ?? 0
const addressOf = (key: string) => `ws://localhost:${port}/live/log/${key}`
function enter(key: string): LogLive {
  const open = (url: string) => new WebSocket(url, { origin: origin() }) as never
  const live = connect<typeof log>(addressOf(key), { open })
  lives.push(live)
  return live
}

/** Says hello on a bare socket. */
async function greet(key: string): Promise<WebSocket> {
  const socket = new WebSocket(addressOf(key), { origin: origin() })
  sockets.push(socket)
  await once(socket, 'open')
  socket.send(encodeFromClient({ type: 'hello', version: protocolVersion, acked: 0 }))
  await once(socket, 'message')
  return socket
}

describe('a crowd', () => {
  it('F29, I23, I26: of 2,000 that lose their host all come back, and it stays bounded', {
    timeout: 240_000,
  }, async () => {
    const keys = ['a', 'b', 'c', 'd']
    for (let n = 0; n < 2_000; n += 100) {
      const some = Array.from({ length: 100 }, (_, at) => enter(keys[at % 4] ?? ''))
      await until(() => some.every(({ status }) => status === 'live'), 'live', 60_000)
    }
    const before = { server: memoryOf(server.pid), host: memoryOf(hostPid()) }
    const fromMs = performance.now()
    process.kill(hostPid(), 'SIGKILL')
    await until(() => lives.filter(({ status }) => status !== 'live').length > 1_000, 'lost')
    await until(() => lives.every(({ status }) => status === 'live'), 'all are back', 120_000)
    const backAfterMs = Math.round(performance.now() - fromMs)
    const after = { server: memoryOf(server.pid), host: memoryOf(hostPid()) }
    console.info({ backAfterMs, before, after })
    expect(instancesOf(server.pid)).toHaveLength(4)
    expect(after.server - before.server).toBeLessThan(150 * mebibyte)
    expect(after.host).toBeLessThan(before.host + 100 * mebibyte)
    expect(await lives[0]?.actions.append('x')).toBe(1)
  })
})

describe('clients that take their time', () => {
  it('F56, I23, I24: with the head of a request or an upgrade cost the server little, and others nothing', async () => {
    const live = enter('a')
    await live.actions.append('0')
    const beforeBytes = memoryOf(server.pid)
    const head = `GET /live/log/a HTTP/1.1\r\nHost: localhost:${port}\r\n`
    for (let n = 0; n < 500; n += 1) {
      const socket = connectTcp(port, '127.0.0.1').on('error', () => {})
      sockets.push(socket)
      await once(socket, 'connect')
      socket.write(n % 2 ? head : `${head}Connection: Upgrade\r\nUpgrade: websocket\r\nX: `)
    }
    for (let round = 1; round <= 10; round += 1) {
      for (const socket of sockets) (socket as Socket).write('x')
      expect(await live.actions.append(String(round))).toBe(round + 1)
      await pause(50)
    }
    const grewBy = memoryOf(server.pid) - beforeBytes
    console.info({ grewBy })
    expect(grewBy).toBeLessThan(50 * mebibyte)
  })

  it('F28, I23, I24: with what they are sent are closed, and cost others nothing', async () => {
    const [live, other] = [enter('a'), enter('a')]
    await Promise.all([live, other].map((one) => one.actions.append('x')))
    const slow = await Promise.all(Array.from({ length: 20 }, () => greet('a')))
    for (const socket of slow) socket.pause()
    const [{ pid } = { pid: 0 }] = instancesOf(server.pid)
    const beforeBytes = memoryOf(pid)
    let mostBytes = 0
    const text = 'y'.repeat(60_000)
    let heard = 0
    other.on('said', () => {
      heard += 1
    })
    const rounds = 300
    for (let n = 0; n < rounds; n += 1) {
      await live.actions.announce(text)
      mostBytes = Math.max(mostBytes, memoryOf(pid))
    }
    await until(() => heard === rounds, 'the other heard all')
    console.info({ grewBy: mostBytes - beforeBytes, bound: 20 * limits.unsentBytesMax })
    const codes = slow.map(async (socket) => {
      socket.resume()
      const [, reason] = await once(socket, 'close')
      return String(reason)
    })
    expect(new Set(await Promise.all(codes))).toEqual(new Set(['CLIENT_TOO_SLOW']))
    expect(mostBytes - beforeBytes).toBeLessThan(20 * limits.unsentBytesMax + 64 * mebibyte)
    expect(await other.actions.append('z')).toBe(3)
  })

  it('F54, I23, I24: with one message in ever more pieces are closed', async () => {
    const live = enter('a')
    await live.actions.append('x')
    const [{ pid } = { pid: 0 }] = instancesOf(server.pid)
    const beforeBytes = memoryOf(pid)
    const flood = await greet('a')
    const closed = once(flood, 'close')
    let isClosed = false
    closed.then(() => {
      isClosed = true
    })
    for (let n = 0; n < 200_000 && !isClosed; n += 1) {
      flood.send(Buffer.of(), { fin: false, binary: true })
      if (n % 1_000 === 0) await pause(1)
    }
    await until(() => isClosed, 'closed')
    expect(memoryOf(pid) - beforeBytes).toBeLessThan(64 * mebibyte)
    expect(await live.actions.append('y')).toBe(2)
  })
})
