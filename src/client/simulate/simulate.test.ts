import { array as arrayOf, assert, constantFrom, integer, property } from 'fast-check'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ScriptedServer, type ScriptedSocket } from '../../../test/fakes/server.ts'
import { encodeFromClient } from '../../base/protocol/index.ts'
import { track } from '../../base/state/index.ts'
import { type VirtualClock, virtualClock } from '../../testing/index.ts'
import { connect } from '../index.ts'
import type { SocketLike } from '../link.ts'
import { type SimulatedNetwork, type SimulateOptions, simulateNetwork } from './index.ts'

let clock: VirtualClock
let server: ScriptedServer
let network: SimulatedNetwork
/** What the client's side was told, with the time. */
let heard: [what: unknown, atMs: number][]

beforeEach(() => begin({ latencyMs: 100 }))

function begin(options: SimulateOptions): void {
  clock = virtualClock()
  server = new ScriptedServer()
  network = simulateNetwork({ clock, open: server.open, random: () => 0.5, ...options })
  heard = []
}

function open(): SocketLike {
  const socket = network.open('ws://x')
  const note = (what: unknown) => heard.push([what, clock.monotonicMs()])
  socket.onopen = () => note('open')
  socket.onmessage = ({ data }) => note(new Uint8Array(data as ArrayBuffer)[0])
  socket.onclose = ({ code }) => note(code)
  return socket
}

const say = (n: number, socket: ScriptedSocket = server.newest) => socket.bytes(new Uint8Array([n]))
const ping = encodeFromClient({ type: 'ping', sentMs: 1 })

describe('a slow network', () => {
  it('takes the latency each way, and a round trip to open', () => {
    const socket = open()
    server.newest.open()
    clock.advance(250)
    socket.send(ping)
    clock.advance(99)
    expect(server.newest.sent).toEqual([])
    clock.advance(1)
    expect(server.newest.sent).toEqual([{ type: 'ping', sentMs: 1 }])
    say(7)
    clock.advance(1_000)
    expect(heard).toEqual([
      ['open', 200],
      [7, 450],
    ])
  })

  it('keeps the bytes that were sent when the sender uses them again', () => {
    const socket = open()
    const bytes = ping.slice()
    socket.send(bytes)
    bytes.fill(0)
    clock.advance(100)
    expect(server.newest.sent).toEqual([{ type: 'ping', sentMs: 1 }])
  })

  it('may change while it runs, and refuses what makes no sense', () => {
    open()
    say(1)
    network.latencyMs = 10
    say(2)
    clock.advance(100)
    network.jitterMs = 40
    say(3)
    clock.advance(100)
    // The second waits for the first, as in every stream.
    expect(heard).toEqual([
      [1, 100],
      [2, 100],
      [3, 130],
    ])
    expect(() => simulateNetwork({ latencyMs: -1 })).toThrow(RangeError)
    expect(() => simulateNetwork({ lossShare: 1.1 })).toThrow('lossShare must be 0 to 1')
    expect(() => {
      network.jitterMs = Number.NaN
    }).toThrow(RangeError)
    expect(network).toMatchObject({ latencyMs: 10, jitterMs: 40, lossShare: 0 })
  })
})

describe('a network that loses', () => {
  it('holds what is behind a loss, and delivers all of it at once', () => {
    let draws = 0
    // Two draws a message: jitter, loss. The first message is lost once, nothing else is.
    begin({ latencyMs: 50, lossShare: 0.02, random: () => (draws++ === 1 ? 0.01 : 0.5) })
    open()
    for (const n of [1, 2, 3]) {
      say(n)
      clock.advance(40)
    }
    clock.advance(1_000)
    expect(heard).toEqual([
      [1, 250],
      [2, 250],
      [3, 250],
    ])
  })

  it('never loses, doubles or reorders, whatever happens', () => {
    const step = arrayOf(integer({ min: 0, max: 120 }), { maxLength: 60 })
    assert(
      property(step, integer({ min: 1 }), constantFrom(0, 0.02, 0.5, 1), (pauses, seed, share) => {
        let state = seed
        const random = (): number => {
          state = (state * 48_271) % 2_147_483_647
          return state / 2_147_483_647
        }
        begin({ latencyMs: 30, jitterMs: 200, lossShare: share, random })
        open()
        for (const [n, pauseMs] of pauses.entries()) {
          say(n)
          clock.advance(pauseMs)
        }
        clock.advance(60_000)
        expect(heard.map(([n]) => n)).toEqual(pauses.map((_, n) => n))
      }),
    )
  })
})

describe('the end', () => {
  it('is told after everything that came before it', () => {
    open()
    say(1)
    server.newest.lose()
    clock.advance(99)
    expect(heard).toEqual([])
    clock.advance(1)
    expect(heard).toEqual([
      [1, 100],
      [1006, 100],
    ])
  })

  it('by close() reaches the server behind what was sent, and nothing is heard after it', () => {
    const socket = open()
    say(1)
    socket.send(ping)
    socket.close()
    clock.advance(99)
    expect(server.newest.isClosed).toBe(false)
    clock.advance(1_000)
    expect([server.newest.sent, server.newest.isClosed]).toEqual([
      [{ type: 'ping', sentMs: 1 }],
      true,
    ])
    expect(heard).toEqual([])
  })
})

describe('offline', () => {
  it('cuts sockets at once, with what is on its way, and lets attempts fail', () => {
    const socket = open()
    const cut = server.newest
    say(1)
    socket.send(ping)
    network.isOffline = true
    expect(heard).toEqual([[1006, 0]])
    socket.send(ping)
    open()
    clock.advance(1_000)
    expect([cut.sent, cut.isClosed]).toEqual([[], true])
    expect(server.sockets).toHaveLength(1)
    expect(heard).toEqual([
      [1006, 0],
      [1006, 0],
    ])
  })

  it('ends with the word `online`, so that a client is back at once, with its open actions', async () => {
    const page = new EventTarget()
    for (const name of ['addEventListener', 'removeEventListener', 'dispatchEvent'] as const)
      vi.stubGlobal(name, page[name].bind(page))
    const tracked = track({ n: 0 })
    const live = connect<never>('ws://x/live/b/k', { open: network.open, clock, random: () => 0.9 })
    const enter = (): void => {
      server.newest.open()
      clock.advance(200)
      server.newest.welcome({ epoch: 1, nonce: 'n', seq: 0 })
      server.newest.hear({ type: 'state', results: [], bytes: tracked.snapshot() })
      clock.advance(100)
    }
    enter()
    expect(live.status).toBe('live')
    network.isOffline = true
    expect(live.status).toBe('stale')
    const { go } = live.actions as unknown as { go(): Promise<unknown> }
    const answer = go()
    clock.advance(30_000)
    expect(server.sockets).toHaveLength(1)
    network.isOffline = false
    expect(server.sockets).toHaveLength(2)
    enter()
    clock.advance(100)
    server.newest.hear({ type: 'results', results: [{ n: 1, ok: true, value: 'there' }] })
    clock.advance(100)
    await expect(answer).resolves.toBe('there')
    live.close()
    vi.unstubAllGlobals()
  })
})
