import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { limits, SojournError, silentLog } from '../base/core/index.ts'
import type { HostAnswer, StatusChange } from '../base/protocol/index.ts'
import { InstanceTable } from '../live/gateway/instances.ts'
import { type VirtualClock, virtualClock } from '../testing/index.ts'
import { AdminDoor } from './admin.ts'
import { sojourn } from './index.ts'

const key = 'k'.repeat(32)
let clock: VirtualClock
let table: InstanceTable
let door: AdminDoor
let server: Server
let asked: unknown[]
let ask: () => Promise<HostAnswer>

beforeEach(async () => {
  clock = virtualClock()
  asked = []
  ask = async () => ({ lines: ['hello'] })
  table = new InstanceTable({
    isBackend: (name) => name === 'board',
    connections: () => new Map(),
    ask: (...question) => {
      asked.push(question)
      return ask()
    },
    clock,
    log: silentLog,
  })
  door = new AdminDoor({ key, instances: table, clock })
  server = createServer((request, response) => door.request(request, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
})
afterEach(() => {
  server.close()
  server.closeAllConnections()
})

const url = (path: string) =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}/live/-/${path}`
const bearer = { authorization: `Bearer ${key}` }
const call = (path: string, init: RequestInit = {}) =>
  fetch(url(path), { headers: bearer, ...init })
const get = async (path: string): Promise<unknown> => (await call(path)).json()

function tell(name: string, phase: StatusChange['phase'] = 'ready'): void {
  table.take({ backend: 'board', key: name, epoch: 1, phase, atMs: clock.nowMs() })
}

describe('the admin door', () => {
  it.each([
    ['none', undefined],
    ['another', `Bearer ${'x'.repeat(32)}`],
    ['a longer', `Bearer ${key}k`],
    ['a shorter', `Bearer ${key.slice(1)}`],
    ['an empty', 'Bearer '],
    ['a basic', `Basic ${key}`],
  ])('opens for no key but its own: %s', async (_, authorization) => {
    for (const path of ['instances', 'instances/board/x/stop', 'status', 'nope']) {
      const method = path.endsWith('stop') ? 'POST' : 'GET'
      const headers = { ...(authorization && { authorization }) }
      const response = await call(path, { headers, method })
      expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([
        401,
        null,
      ])
      expect(await response.json()).toMatchObject({ error: { code: 'UNAUTHENTICATED' } })
    }
    expect(asked).toEqual([])
  })

  it('is not there without a key', async () => {
    door = new AdminDoor({ key: undefined, instances: table, clock })
    for (const path of ['', 'instances', 'instances/board/x', 'status'])
      expect((await call(path)).status).toBe(404)
  })

  it('needs a key that nobody guesses', async () => {
    const options = { data: ':memory:', development: { port: 3000 }, log: silentLog }
    await expect(sojourn({ ...options, admin: { key: 'k'.repeat(31) } })).rejects.toThrow(
      RangeError,
    )
    await (await sojourn({ ...options, admin: { key } })).close()
  })

  it('says the same as the methods', async () => {
    for (const name of ['a', 'b', 'c']) tell(name)
    expect(await get('instances')).toEqual(table.list())
    expect(await get('instances?limit=2')).toEqual(table.list({ limit: 2 }))
    expect(await get('instances?after=board/b')).toEqual(table.list({ after: 'board/b' }))
    expect(await get('instances?backend=game')).toEqual({ instances: [] })
    expect(await get('instances/board/a')).toEqual(table.get('board', 'a'))
    expect(await get('instances/board/a/log')).toEqual({ lines: ['hello'] })
    expect((await call('instances/board/a/stop', { method: 'POST' })).status).toBe(200)
    expect(asked.at(-1)).toEqual(['end', { backend: 'board', key: 'a' }])
  })

  it.each([
    ['instances/board/nobody', 404, 'INSTANCE_UNKNOWN'],
    ['instances/nope/x', 404, 'BACKEND_UNKNOWN'],
    ['instances/board/a%20b', 400, 'KEY_MALFORMED'],
    ['instances?limit=0', 400, 'REQUEST_MALFORMED'],
    ['instances?limit=many', 400, 'REQUEST_MALFORMED'],
    ['instances/board/x/stop', 400, 'REQUEST_MALFORMED'],
    ['nope', 400, 'REQUEST_MALFORMED'],
    ['', 400, 'REQUEST_MALFORMED'],
  ])('refuses GET %s with %s', async (path, status, code) => {
    const response = await call(path)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { code } })
  })

  it('says when the host does not answer', async () => {
    tell('a')
    ask = () => Promise.reject(new SojournError('HOST_STOPPED'))
    expect((await call('instances/board/a/log')).status).toBe(503)
  })
})

describe('a server that the platform is attached to', () => {
  it.each([
    ['with a key shows what runs to who has it', { admin: { key } }, 200],
    ['without one has nothing there', {}, 404],
  ])('%s', async (_, options, status) => {
    const place = { data: ':memory:', development: { port: 3000 }, log: silentLog }
    const app = await sojourn({ ...place, ...options })
    const other = createServer((_request, response) => response.end('app'))
    app.attach(other)
    await once(other.listen(0, '127.0.0.1'), 'listening')
    const { port } = other.address() as AddressInfo
    const response = await fetch(`http://127.0.0.1:${port}/live/-/instances`, { headers: bearer })
    const stream = await fetch(`http://127.0.0.1:${port}/live/-/status`, { headers: bearer })
    expect([response.status, stream.status]).toEqual([status, status])
    if (status === 200) expect(await response.json()).toEqual(app.instances.list())
    await app.close()
    // A stream would hold the server open.
    other.close()
    await once(other, 'close')
  })
})

describe('the stream of the status', () => {
  /** Opens it and reads what comes, event by event. */
  async function follow(lastId?: number | string) {
    const headers = { ...bearer, ...(lastId !== undefined && { 'last-event-id': `${lastId}` }) }
    const response = await call('status', { headers })
    const reader = (response.body as ReadableStream<Uint8Array>)
      .pipeThrough(new TextDecoderStream())
      .getReader()
    let text = ''
    return async (): Promise<string | undefined> => {
      while (!text.includes('\n\n')) {
        const { value, done } = await reader.read()
        if (done) return undefined
        text += value
      }
      const end = text.indexOf('\n\n')
      const event = text.slice(0, end)
      text = text.slice(end + 2)
      return event
    }
  }
  const factsOf = (event = ''): unknown => JSON.parse(/data: (.*)/.exec(event)?.[1] ?? 'null')
  const idOf = (event = ''): string => /id: (\d+)/.exec(event)?.[1] ?? ''

  it('tells changes, and goes on where a reader was', async () => {
    const next = await follow()
    tell('a', 'starting')
    const first = await next()
    expect(first).toContain('event: change')
    expect(factsOf(first)).toMatchObject({ backend: 'board', key: 'a', phase: 'starting' })
    tell('a', 'ready')
    tell('b', 'ready')
    const again = await follow(idOf(first))
    for (const from of [next, again])
      expect([factsOf(await from()), factsOf(await from())]).toMatchObject([
        { key: 'a', phase: 'ready' },
        { key: 'b', phase: 'ready' },
      ])
  })

  it('says when changes are missing', async () => {
    tell('a')
    for (const id of ['1', 'x', '99999999999999999']) {
      const next = await follow(id)
      const event = await next()
      expect(event).toContain('event: reset')
      const goOn = await follow(idOf(event))
      tell('a')
      expect(await goOn()).toContain('event: change')
    }
  })

  it('beats while nothing happens, and ends with the server', async () => {
    const next = await follow()
    clock.advance(15_000)
    expect(await next()).toBe(':')
    door.close()
    expect(await next()).toBeUndefined()
  })

  it('drops a reader that does not read, whom others do not notice', async () => {
    const { port } = server.address() as AddressInfo
    const slow = connect(port, '127.0.0.1')
    slow.pause()
    slow.write(`GET /live/-/status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n\r\n`)
    slow.on('error', () => {})
    const closed = new Promise((resolve) => slow.on('close', resolve))
    await once(server, 'request')
    const next = await follow()
    // The kernel takes some megabytes before anything is left unsent.
    for (let batch = 0; batch < 1_000; batch += 1) {
      for (let n = 0; n < 100; n += 1) tell(`${batch}-${n}`.padEnd(100, 'k'))
      for (let n = 0; n < 100; n += 1) expect(await next()).toContain(`"key":"${batch}-${n}k`)
    }
    slow.resume()
    await closed
  })

  it('is open to a limited number', async () => {
    for (let n = 0; n < limits.statusFollowersMax; n += 1) table.follow(() => {})
    const response = await call('status')
    expect([response.status, await response.json()]).toMatchObject([
      429,
      { error: { code: 'CONNECTIONS_TOO_MANY' } },
    ])
  })
})
