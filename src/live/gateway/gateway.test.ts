import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type ErrorCode, limits, SojournError, silentLog } from '../../base/core/index.ts'
import type { InstanceName, SocketFacts } from '../../base/protocol/index.ts'
import { type VirtualClock, virtualClock } from '../../testing/index.ts'
import { type Ask, Gateway, type Visitor } from './gateway.ts'
import type { TicketFor } from './tickets.ts'

interface Handed {
  readonly name: InstanceName
  readonly socket: SocketFacts
}

let clock: VirtualClock
let server: Server
let gateway: Gateway<Visitor>
let seen: string[]
let handed: Handed[]
let closed: [string, ErrorCode][]
let live: Set<string>
/** What the rule does; replaced by tests. */
let rule: (ask: Ask<Visitor>) => unknown
/** What a ticket stands for; replaced by tests. */
let redeem: () => TicketFor
const clients: (WebSocket | Socket)[] = []

beforeEach(async () => {
  clock = virtualClock()
  seen = []
  handed = []
  closed = []
  live = new Set(['s1'])
  rule = () => ({ role: 'editor' })
  redeem = () => {
    throw new SojournError('TICKET_INVALID')
  }
  gateway = new Gateway<Visitor>({
    rules: {
      board: (ask) => {
        seen.push('authorize')
        return rule(ask)
      },
    },
    sessions: {
      identify: async (request) => {
        seen.push('identify')
        return visitorOf(request)
      },
      visitor: (id) => (live.has(id) ? { id, user: { id: `user of ${id}` } } : undefined),
      isLive: (id) => live.has(id),
      isForged: () => false,
      withoutToken: (name, value) => (name === 'cookie' ? undefined : value),
      touch: (id) => {
        seen.push(`touch ${id}`)
      },
      isAllowedHost: (host) => host.startsWith('127.0.0.1:'),
      isAllowedOrigin: (origin) => origin === 'http://good',
      isAllowedTransport: ({ cookie }) => cookie !== 'sid=plain',
    },
    host: {
      connect: (name, socket) => {
        seen.push('host')
        handed.push({ name, socket })
      },
      close: (ids, code) => {
        for (const id of ids) closed.push([id, code])
      },
      locate: async () => ({ address: undefined, instance: 0, release() {} }),
    },
    tickets: { redeem: async () => redeem() },
    clock,
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    log: silentLog,
  })
  server = createServer((request, response) => gateway.request(request, response))
  server.on('upgrade', (request, socket, head) => gateway.upgrade(request, socket, head))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})

afterEach(async () => {
  for (const client of clients.splice(0)) {
    if (client instanceof WebSocket) client.terminate()
    else client.destroy()
  }
  gateway.hostLost()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

function visitorOf({ headers }: IncomingMessage): Visitor | undefined {
  const id = /sid=(\w+)/.exec(headers.cookie ?? '')?.[1]
  if (id === 'ended') throw new SojournError('SESSION_ENDED')
  return id ? { id, user: { id: `user of ${id}` } } : undefined
}
const port = () => (server.address() as AddressInfo).port
const until = (test: () => boolean) => expect.poll(test).toBe(true)

/** Opens a connection; resolves with the reason of the close, or the status of a plain refusal. */
function visit(
  path = '/live/board/x',
  session = 's1',
  origin = 'http://good',
  protocols: string[] = [],
) {
  const headers = { ...(session && { cookie: `sid=${session}` }) }
  const client = new WebSocket(`ws://127.0.0.1:${port()}${path}`, protocols, { origin, headers })
  clients.push(client)
  return new Promise<string | number>((resolve) => {
    client.on('close', (_, reason) => resolve(String(reason)))
    client.on('unexpected-response', (_, { statusCode = 0 }) => resolve(statusCode))
    client.on('error', () => {})
  })
}
/** A connection that was handed to the host. */
async function handOver(session?: string): Promise<{ id: string; reason: Promise<unknown> }> {
  const before = handed.length
  const reason = visit(undefined, session)
  await until(() => handed.length > before)
  return { id: handed[before]?.socket.caller.connection ?? '', reason }
}

describe('the door', () => {
  it('asks who, then whether, and only then the host', async () => {
    const { id } = await handOver()
    expect(seen).toEqual(['identify', 'authorize', 'host'])
    const [{ name, socket }] = handed as [Handed]
    expect(name).toEqual({ backend: 'board', key: 'x' })
    expect(socket.caller).toEqual({
      connection: id,
      grant: { role: 'editor' },
      session: 's1',
      user: 'user of s1',
    })
    expect(Object.keys(socket.headers)).not.toContain('cookie')
  })

  it.each<[string, string, string, () => unknown, ErrorCode]>([
    ['a falsy rule, for one who is logged in', '/live/board/x', 's1', () => null, 'FORBIDDEN'],
    ['a falsy rule, for a stranger', '/live/board/x', '', () => false, 'UNAUTHENTICATED'],
    [
      'a rule that throws',
      '/live/board/x',
      's1',
      () => {
        throw new Error('no database')
      },
      'AUTHORIZE_FAILED',
    ],
    ['a rule that rejects', '/live/board/x', '', () => Promise.reject('no'), 'AUTHORIZE_FAILED'],
    ['an ended session', '/live/board/x', 'ended', () => true, 'SESSION_ENDED'],
    ['a session that ended since', '/live/board/x', 'gone', () => true, 'SESSION_ENDED'],
    ['an unknown backend', '/live/nope/x', 's1', () => true, 'BACKEND_UNKNOWN'],
    ['a backend named as every object', '/live/constructor/x', '', () => 1, 'BACKEND_UNKNOWN'],
    ['a bad key', '/live/board/a%20b', 's1', () => true, 'KEY_MALFORMED'],
    ['a path with NUL', '/live/board/x/%00', 's1', () => true, 'REQUEST_MALFORMED'],
  ])('refuses %s with a close code', async (_, path, session, decide, code) => {
    rule = decide
    expect(await visit(path, session)).toBe(code)
    expect(handed).toEqual([])
  })

  it('refuses a rule that takes too long, and forgets its answer', async () => {
    let answer = (_: unknown): void => {}
    rule = () => new Promise((resolve) => (answer = resolve))
    const reason = visit()
    await until(() => seen.includes('authorize'))
    clock.advance(limits.authorizeMs)
    expect(await reason).toBe('AUTHORIZE_FAILED')
    answer({ role: 'owner' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(handed).toEqual([])
  })

  it('refuses a foreign origin plainly, before it reads the session', async () => {
    expect(await visit('/live/board/x', 's1', 'http://evil')).toBe(403)
    expect(seen).toEqual([])
  })

  it('answers plain HTTP with reasons', async () => {
    const response = await fetch(`http://127.0.0.1:${port()}/live/board/x`)
    expect([response.status, await response.json()]).toMatchObject([
      426,
      { error: { code: 'UPGRADE_REQUIRED' } },
    ])
  })
})

describe('the end of a session', () => {
  it('refuses those whose rule is still asked', async () => {
    let answer = (_: unknown): void => {}
    rule = () => new Promise((resolve) => (answer = resolve))
    const reason = visit()
    await until(() => seen.includes('authorize'))
    gateway.endSession('s1')
    answer(true)
    expect(await reason).toBe('SESSION_ENDED')
    expect(handed).toEqual([])
  })

  it('closes those on their way as soon as an instance has them', async () => {
    const { id } = await handOver()
    gateway.endSession('s1')
    expect(closed).toEqual([])
    gateway.hear({ type: 'adopted', connection: id })
    expect(closed).toEqual([[id, 'SESSION_ENDED']])
  })

  it('closes those behind the door, and of no other session', async () => {
    live.add('s2')
    const [one, two] = [await handOver('s1'), await handOver('s2')]
    for (const { id } of [one, two]) gateway.hear({ type: 'adopted', connection: id })
    gateway.endSession('s1')
    gateway.endSession('s1')
    expect(new Set(closed.map(([id]) => id))).toEqual(new Set([one.id]))
    gateway.hear({ type: 'closed', connection: one.id })
    closed.length = 0
    gateway.endSession('s1')
    expect(closed).toEqual([])
  })
})

it('refuses what came over plain http, before it asks who', async () => {
  expect(await visit(undefined, 'plain')).toBe(500)
  expect(seen).toEqual([])
})

describe('a door that is shut', () => {
  it('lets nobody in, nor asks about them, until it is opened', async () => {
    gateway.refuseAll(new SojournError('STORE_UNAVAILABLE'))
    expect(await visit()).toBe('STORE_UNAVAILABLE')
    expect(await visit(undefined, undefined, 'http://evil')).toBe(403)
    expect(seen).toEqual([])
    gateway.refuseAll(undefined)
    await handOver()
  })

  it('closes the connections of all sessions, those on their way included', async () => {
    live.add('s2')
    const [one, two, nobody] = [await handOver('s1'), await handOver('s2'), await handOver('')]
    for (const { id } of [one, nobody]) gateway.hear({ type: 'adopted', connection: id })
    gateway.closeAll('STORE_UNAVAILABLE')
    expect(closed).toEqual([[one.id, 'STORE_UNAVAILABLE']])
    gateway.hear({ type: 'adopted', connection: two.id })
    expect(closed).toContainEqual([two.id, 'STORE_UNAVAILABLE'])
    expect(closed.map(([id]) => id)).not.toContain(nobody.id)
  })
})

describe('a connection on its way', () => {
  it('that the host refuses is told the reason on the door’s own descriptor', async () => {
    const { id, reason } = await handOver()
    gateway.hear({ type: 'refused', connection: id, code: 'INSTANCE_START_FAILED' })
    expect(await reason).toBe('INSTANCE_START_FAILED')
  })

  it('I28: of which the host never speaks is told to come again, and counts no more', async () => {
    const { id, reason } = await handOver()
    clock.advance(limits.heldMs)
    expect(await reason).toBe('INSTANCE_STARTING')
    gateway.hear({ type: 'adopted', connection: id })
    expect(closed).toEqual([[id, 'CONNECTION_CLOSED']])
  })

  it('whose process died is cut', async () => {
    const { id, reason } = await handOver()
    gateway.hear({ type: 'closed', connection: id })
    expect(await reason).toBe('')
  })

  it('is cut when the host is lost, in whatever stage', async () => {
    const over = await handOver()
    rule = () => new Promise(() => {})
    const asked = visit()
    await until(() => seen.filter((what) => what === 'authorize').length === 2)
    gateway.hostLost()
    expect(await Promise.all([over.reason, asked])).toEqual(['', ''])
  })

  it('that breaks while the rule is asked is not handed over', async () => {
    let answer = (_: unknown): void => {}
    rule = () => new Promise((resolve) => (answer = resolve))
    const broken = new Promise((resolve) =>
      server.once('upgrade', (_, socket) => socket.once('close', resolve)),
    )
    const reason = visit()
    await until(() => seen.includes('authorize'))
    const [client] = clients as [WebSocket]
    ;(client as unknown as { _req: { socket: Socket } })._req.socket.resetAndDestroy()
    await Promise.all([reason, broken])
    answer(true)
    await new Promise((resolve) => setImmediate(resolve))
    expect(handed).toEqual([])
  })

  it('brings along what its client sent early', async () => {
    const socket = connectTcp(port(), '127.0.0.1')
    clients.push(socket)
    const early = Buffer.from([0x89, 0x80, 1, 2, 3, 4])
    socket.write(
      Buffer.concat([
        Buffer.from(
          `GET /live/board/x HTTP/1.1\r\nHost: 127.0.0.1:${port()}\r\nConnection: Upgrade\r\n` +
            'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
            'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
        ),
        early,
      ]),
    )
    await until(() => handed.length === 1)
    expect(Buffer.from(handed[0]?.socket.head ?? [])).toEqual(early)
  })
})

describe('a ticket', () => {
  const offered = ['sojourn', 'ticket.sjt_x']

  it('stands for a session, whose rule is asked', async () => {
    redeem = () => ({ session: 's1' })
    visit(undefined, '', undefined, offered)
    await until(() => handed.length === 1)
    expect(seen).toEqual(['authorize', 'host'])
    const [{ socket }] = handed as [Handed]
    expect(socket.caller).toMatchObject({ session: 's1', user: 'user of s1' })
    expect(socket.headers['sec-websocket-protocol']).toBe('sojourn')
    expect(JSON.stringify(socket)).not.toContain('sjt_')
    gateway.hear({ type: 'adopted', connection: socket.caller.connection })
    gateway.endSession('s1')
    expect(closed).toEqual([[socket.caller.connection, 'SESSION_ENDED']])
  })

  it('stands for somebody whom its issuer knows, whose rule is not asked', async () => {
    redeem = () => ({ grant: { seat: 3 }, user: 'ada' })
    visit(undefined, '', undefined, offered)
    await until(() => handed.length === 1)
    expect(seen).toEqual(['host'])
    const { connection: _, ...caller } = handed[0]?.socket.caller ?? { connection: '' }
    expect(caller).toEqual({ grant: { seat: 3 }, user: 'ada' })
  })

  it('counts for a cookie that comes along, and is worth nothing after the end', async () => {
    redeem = () => ({ session: 'gone' })
    expect(await visit(undefined, 's1', undefined, offered)).toBe('SESSION_ENDED')
    expect(seen).toEqual([])
  })

  it('opens nothing to a page of a foreign origin, and is not used up by it', async () => {
    let asked = 0
    redeem = () => {
      asked += 1
      return { grant: 1 }
    }
    expect(await visit(undefined, '', 'http://evil', offered)).toBe(403)
    expect(asked).toBe(0)
  })

  it.each([
    ['that is used', offered, 'TICKET_INVALID'],
    ['beside another', [...offered, 'ticket.other'], 'REQUEST_MALFORMED'],
    ['without a protocol to answer with', ['ticket.sjt_x'], ''],
  ])('%s is refused', async (_, protocols, code) => {
    expect(await visit(undefined, '', undefined, protocols)).toBe(code)
    expect(handed).toEqual([])
  })
})

describe('bounds', () => {
  it('lets one instance have so many connections, whosever they are', async () => {
    for (let n = 0; n < limits.connectionsPerInstanceMax; n += 1) live.add(`v${n}`)
    const per = limits.connectionsPerInstanceMax / 4
    const over = await Promise.all(
      [0, 1, 2, 3].map(async (part) => {
        for (let n = part * per; n < (part + 1) * per; n += 1) {
          visit(undefined, `v${n}`)
          await until(() => handed.some(({ socket }) => socket.caller.session === `v${n}`))
        }
        return part
      }),
    )
    expect(over.length).toBe(4)
    expect(await visit()).toBe('CONNECTIONS_TOO_MANY')
    visit('/live/board/other')
    await until(() => handed.length === limits.connectionsPerInstanceMax + 1)
  })

  it('lets one session have so many connections, and one more after one has left', async () => {
    const over: string[] = []
    for (let n = 0; n < limits.connectionsPerSessionMax; n += 1) over.push((await handOver()).id)
    expect(await visit()).toBe('CONNECTIONS_TOO_MANY')
    gateway.hear({ type: 'closed', connection: over[0] ?? '' })
    await handOver()
  })

  it('touches the session of an active connection, once', async () => {
    const { id } = await handOver()
    const other = await handOver()
    gateway.hear({ type: 'active', connections: [id, other.id, 'c_unknown'] })
    expect(seen.filter((what) => what.startsWith('touch'))).toEqual(['touch s1'])
  })
})
