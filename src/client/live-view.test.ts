import { beforeEach, describe, expect, it } from 'vitest'
import { ScriptedServer, type ScriptedSocket } from '../../test/fakes/server.ts'
import { limits, SojournError } from '../base/core/index.ts'
import { type Tracked, track } from '../base/state/index.ts'
import { type VirtualClock, virtualClock } from '../testing/index.ts'
import { LiveView } from './live-view.ts'
import type { Live } from './types.ts'

interface State {
  n: number
  parts: { a: number[]; b: number[] }
}
type Loose = Omit<Live<never>, 'actions' | 'state' | 'presence'> & {
  readonly state: State | undefined
  readonly actions: Record<string, (input?: unknown) => Promise<unknown>>
  readonly presence: { readonly others: readonly object[]; set(value: unknown): void }
}

let server: ScriptedServer
let clock: VirtualClock
let tracked: Tracked<State>
let live: Loose

beforeEach(() => {
  server = new ScriptedServer()
  clock = virtualClock()
  tracked = track<State>({ n: 0, parts: { a: [], b: [] } })
  const options = { open: server.open, clock, random: () => 0.5 }
  live = new LiveView('ws://x/live/b/k', options) as never
})

const at = (epoch = 1) => ({ epoch, nonce: `n${epoch}`, seq: tracked.seq })
const snapshot = () => ({ type: 'state', results: [], bytes: tracked.snapshot() }) as const
const frame = (change: (state: State) => void) => {
  change(tracked.state)
  return { type: 'state', results: [], bytes: tracked.flush() as Uint8Array } as const
}
/** Opens the newest socket and brings the client to the state. */
function enter(more: object = {}): ScriptedSocket {
  const socket = server.newest
  socket.open()
  socket.welcome(at(), more)
  socket.hear(snapshot())
  return socket
}
const reopen = (): ScriptedSocket => {
  clock.advance(10_000)
  return server.newest
}
const numbers = (socket: ScriptedSocket) =>
  socket.all('action').map(({ n, name, acked }) => [n, name, acked])

describe('the state', () => {
  it('is there after the snapshot, and keeps the identity of what did not change', () => {
    expect(live.status).toBe('connecting')
    const socket = enter()
    expect([live.status, live.state]).toEqual(['live', { n: 0, parts: { a: [], b: [] } }])
    const before = live.state
    socket.hear(frame((state) => state.parts.a.push(1)))
    expect(live.state?.parts.a).toEqual([1])
    expect(live.state?.parts.b).toBe(before?.parts.b)
    expect(live.state).not.toBe(before)
  })

  it('survives a resume with just the missed frames, in the very same objects', () => {
    const socket = enter()
    const cursor = at()
    const before = live.state
    socket.lose()
    expect(live.status).toBe('stale')
    const missed = frame((state) => state.parts.a.push(1))
    const next = reopen()
    next.open()
    expect(next.all('hello')).toEqual([
      { type: 'hello', version: 1, acked: 0, client: 'k.1', cursor },
    ])
    next.welcome(at(), { resumed: true, epoch: 2, nonce: 'n2' })
    expect(live.status).toBe('stale')
    next.hear(missed)
    expect(live.status).toBe('live')
    expect(live.state?.parts.b).toBe(before?.parts.b)
    next.hear(frame((state) => (state.n = 1)))
    next.lose()
    const last = reopen()
    last.open()
    // Made under the second claim, so that is what the cursor names.
    expect(last.all('hello')[0]?.cursor).toEqual({ epoch: 2, nonce: 'n2', seq: 2 })
  })

  it('names no cursor while it is not sure where it stands', () => {
    const socket = enter()
    socket.lose()
    const [one] = [frame((state) => (state.n = 1)), frame((state) => (state.n = 2))]
    const next = reopen()
    next.open()
    next.welcome(at(), { resumed: true })
    next.hear(one)
    next.lose()
    const last = reopen()
    last.open()
    expect(last.all('hello')[0]?.cursor).toBeUndefined()
  })

  it.each([
    ['a gap', () => [frame((state) => (state.n = 1)), frame((state) => (state.n = 2))].slice(1)],
    ['garbage', () => [new Uint8Array([77])]],
    ['a torn frame', () => [new Uint8Array([2, 0, 0, 0, 0, 9])]],
  ])('starts over from a snapshot after %s', (_, make) => {
    const socket = enter()
    for (const said of make()) said instanceof Uint8Array ? socket.bytes(said) : socket.hear(said)
    expect(socket.isClosed).toBe(true)
    const next = reopen()
    next.open()
    expect(next.all('hello')[0]?.cursor).toBeUndefined()
    expect(live.state).toEqual({ n: 0, parts: { a: [], b: [] } })
  })

  it('is not at fault for a listener that throws', () => {
    const socket = enter()
    live.subscribe(() => {
      throw new Error('mine')
    })
    live.on('ring', () => {
      throw new Error('mine')
    })
    expect(() => socket.hear({ type: 'event', name: 'ring', payload: 1 })).toThrow('mine')
    expect(() => socket.hear(frame((state) => (state.n = 1)))).toThrow('mine')
    expect(socket.isClosed).toBe(false)
    expect(live.state?.n).toBe(1)
  })

  it('tells listeners until they leave', () => {
    const socket = enter()
    const seen: unknown[] = []
    const ways = [
      live.subscribe(() => seen.push(live.state?.n)),
      live.on('ring', (x) => seen.push(x)),
    ]
    socket.hear(frame((state) => (state.n = 5)))
    socket.hear({ type: 'event', name: 'ring', payload: 'ding' })
    socket.hear({ type: 'pong', sentMs: 0, serverMs: 0 })
    for (const leave of ways) leave()
    socket.hear(frame((state) => (state.n = 6)))
    expect(seen).toEqual([5, 'ding', 5])
  })
})

describe('actions', () => {
  it('wait for the welcome, and are numbered in order', async () => {
    const early = live.actions.go?.('x')
    server.newest.open()
    expect(server.newest.all('action')).toEqual([])
    server.newest.welcome(at())
    server.newest.hear(snapshot())
    const later = live.actions.stop?.()
    expect(numbers(server.newest)).toEqual([
      [1, 'go', 0],
      [2, 'stop', 0],
    ])
    server.newest.hear({ type: 'results', results: [{ n: 1, ok: true, value: 'yes' }] })
    await expect(early).resolves.toBe('yes')
    server.newest.hear({
      type: 'results',
      results: [{ n: 2, ok: false, code: 'FORBIDDEN', message: 'No, said the handler.' }],
    })
    await expect(later).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: 'No, said the handler.',
    })
  })

  it('keep their numbers over a reconnect, and are sent again in order', async () => {
    const socket = enter()
    const calls = ['a', 'b', 'c'].map((name) => live.actions[name]?.())
    socket.hear({ type: 'results', results: [{ n: 1, ok: true, value: 1 }] })
    socket.lose()
    const offline = live.actions.d?.()
    const next = reopen()
    next.open()
    expect(next.all('hello')[0]).toMatchObject({ client: 'k.1', acked: 1 })
    next.welcome(at(), { resumed: true })
    expect(numbers(next)).toEqual([
      [2, 'b', 1],
      [3, 'c', 1],
      [4, 'd', 1],
    ])
    const results = [2, 3, 4].map((n) => ({ n, ok: true, value: n }) as const)
    next.hear({ type: 'results', results })
    expect(await Promise.all([...calls, offline])).toEqual([1, 2, 3, 4])
  })

  it('of unknown outcome are not sent again when the instance forgot the client', async () => {
    const socket = enter()
    const sent = live.actions.sent?.()
    socket.lose()
    const unsent = live.actions.unsent?.()
    const next = reopen()
    next.open()
    next.welcome(at(), { client: 'k.2', resumed: true })
    await expect(sent).rejects.toMatchObject({ code: 'ACTION_UNKNOWN' })
    expect(numbers(next)).toEqual([[1, 'unsent', 0]])
    next.hear({ type: 'results', results: [{ n: 1, ok: true, value: 'done' }] })
    await expect(unsent).resolves.toBe('done')
  })

  it('are bounded in number and size, and refused at once above it', async () => {
    enter()
    const open = Array.from({ length: limits.actionsOpenMax }, () => live.actions.go?.())
    await expect(live.actions.go?.()).rejects.toMatchObject({ code: 'ACTIONS_TOO_MANY' })
    live.close()
    const settled = await Promise.allSettled(open)
    expect(settled.every(({ status }) => status === 'rejected')).toBe(true)
    await expect(live.actions.go?.()).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
  })

  it('that are too large are never sent', async () => {
    const socket = enter()
    const large = 'x'.repeat(limits.messageBytesMax)
    await expect(live.actions.go?.(large)).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' })
    expect(socket.all('action')).toEqual([])
  })
})

describe('inputs', () => {
  it('go out while there is a connection, and are never kept', () => {
    const { input } = live as unknown as { input(value: unknown): void }
    const send = (value: unknown) => input.call(live, value)
    send(1)
    const socket = enter()
    send(2)
    socket.lose()
    send(3)
    const next = enterAgain()
    send(4)
    expect([socket, next].map((one) => one.all('input').map(({ value }) => value))).toEqual([
      [2],
      [4],
    ])
  })

  function enterAgain(): ScriptedSocket {
    reopen()
    return enter({ resumed: true })
  }
})

describe('the connection', () => {
  it.each(['SESSION_ENDED', 'FORBIDDEN', 'PROTOCOL_UNSUPPORTED'] as const)(
    'ends for good with %s',
    async (code) => {
      const socket = enter()
      const call = live.actions.go?.()
      socket.lose(code)
      await expect(call).rejects.toMatchObject({ code })
      expect([live.status, live.error?.code]).toEqual(['closed', code])
      clock.advance(60_000)
      expect(server.sockets).toHaveLength(1)
      await expect(live.actions.go?.()).rejects.toMatchObject({ code })
    },
  )

  it.each(['INSTANCE_STOPPED', 'HOST_STOPPED', 'CLIENT_TOO_SLOW', 'NO_WORD_OF_THE_TABLE', ''])(
    'is tried again after %j',
    (reason) => {
      enter().lose(reason)
      clock.advance(100)
      expect(server.sockets).toHaveLength(2)
    },
  )

  it('is tried at growing distances, and at once again after it was whole', () => {
    const distances: number[] = []
    for (let attempt = 0; attempt < 9; attempt += 1) {
      server.newest.lose()
      const startMs = clock.monotonicMs()
      const opened = server.sockets.length
      while (server.sockets.length === opened) clock.advance(1)
      distances.push(clock.monotonicMs() - startMs)
    }
    expect(distances).toEqual([5, 200, 400, 800, 1600, 3200, 5000, 5000, 5000])
    enter().lose()
    clock.advance(100)
    expect(server.sockets).toHaveLength(11)
  })

  it('asks a quiet peer whether it is there, and gives it up', () => {
    const socket = enter()
    expect(socket.all('ping')).toHaveLength(1)
    clock.advance(5_000)
    const [, ping] = socket.all('ping')
    socket.hear({ type: 'pong', sentMs: ping?.sentMs ?? 0, serverMs: 0 })
    clock.advance(11_999)
    expect(socket.isClosed).toBe(false)
    clock.advance(1)
    expect(socket.isClosed).toBe(true)
    expect(live.status).toBe('stale')
  })

  it('says what it is like, over all its sockets', () => {
    const none = { seq: 0, roundTripMs: undefined, bytesReceived: 0, bytesSent: 0 }
    expect(live.link).toEqual(none)
    expect(live.serverTimeMs()).toBe(clock.nowMs())
    const socket = enter()
    socket.hear(frame((state) => (state.n = 1)))
    const { bytesReceived, bytesSent } = live.link
    expect(live.link.seq).toBe(1)
    expect(bytesReceived).toBeGreaterThan(40)
    const [ping] = socket.all('ping')
    clock.advance(80)
    const serverMs = 1e12
    socket.hear({ type: 'pong', sentMs: ping?.sentMs ?? 0, serverMs })
    expect(live.link).toMatchObject({ roundTripMs: 80, bytesReceived: bytesReceived + 17 })
    expect(live.serverTimeMs()).toBe(serverMs + 40)
    socket.lose()
    reopen().open()
    expect(live.link.bytesSent).toBeGreaterThan(bytesSent)
    expect(live.link.bytesReceived).toBe(bytesReceived + 17)
  })

  it('leaves nothing running after close()', async () => {
    const socket = enter()
    const call = live.actions.go?.()
    let told = 0
    live.subscribe(() => {
      told += 1
    })
    live.close()
    live.close()
    await expect(call).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
    expect([live.status, live.error, socket.isClosed, told]).toEqual(['closed', undefined, true, 1])
    clock.advance(60_000)
    expect(server.sockets).toHaveLength(1)
    expect(socket.onmessage).toBeNull()
  })

  it('can be closed while it waits for the next attempt', () => {
    enter().lose()
    live.close()
    clock.advance(60_000)
    expect(server.sockets).toHaveLength(1)
  })
})

describe('presence', () => {
  const other = { connection: 'c_2', identity: null, value: 1 }

  it('is what the others show, and empty while nobody can know', () => {
    const socket = enter({ presence: [other] })
    expect(live.presence.others).toEqual([other])
    socket.hear({ type: 'presence', entry: { ...other, value: 2 } })
    socket.hear({ type: 'presence', entry: { ...other, connection: 'c_3' } })
    socket.hear({ type: 'left', connection: 'c_2' })
    expect(live.presence.others).toEqual([{ ...other, connection: 'c_3' }])
    socket.lose()
    expect(live.presence.others).toEqual([])
  })

  it('is sent at most once in 33 ms, the newest last, and again after a reconnect', () => {
    live.presence.set(0)
    const socket = enter()
    for (let n = 1; n <= 100; n += 1) {
      live.presence.set(n)
      clock.advance(1)
    }
    clock.advance(33)
    expect(socket.all('presence').map(({ value }) => value)).toEqual([0, 33, 66, 99, 100])
    socket.lose()
    const next = reopen()
    next.open()
    next.welcome(at(), { resumed: true })
    expect(next.all('presence')).toEqual([{ type: 'presence', value: 100 }])
  })
})

describe('a ticket', () => {
  /** Answers of the application's server, given by hand. */
  let answers: { resolve: (ticket: string) => void; reject: (error: unknown) => void }[]
  const settled = () => new Promise((resolve) => setImmediate(resolve))

  beforeEach(() => {
    live.close()
    server = new ScriptedServer()
    answers = []
    const ticket = () => new Promise<string>((resolve, reject) => answers.push({ resolve, reject }))
    const options = { open: server.open, clock, random: () => 0.5, ticket }
    live = new LiveView('ws://x/live/b/k', options) as never
  })

  it('is asked for anew before each attempt', async () => {
    for (const ticket of ['one', 'two']) {
      expect(server.sockets).toHaveLength(answers.length - 1)
      answers.at(-1)?.resolve(ticket)
      await settled()
      expect(server.offers.at(-1)).toEqual(['sojourn', `ticket.${ticket}`])
      enter()
      expect(live.status).toBe('live')
      server.newest.lose('TICKET_INVALID')
      expect(live.status).toBe('stale')
      clock.advance(10_000)
    }
    expect(answers).toHaveLength(3)
  })

  it('that does not come is asked for again, and counts no more when it comes late', async () => {
    clock.advance(12_000)
    clock.advance(10_000)
    expect(answers).toHaveLength(2)
    answers[0]?.resolve('late')
    await settled()
    expect(server.sockets).toEqual([])
    answers[1]?.reject(new Error('503'))
    await settled()
    expect(live.status).toBe('connecting')
    clock.advance(10_000)
    expect(answers).toHaveLength(3)
    live.close()
    answers[2]?.resolve('closed')
    await settled()
    expect(server.sockets).toEqual([])
  })

  it('that is refused for good ends the connection', async () => {
    answers[0]?.reject(new SojournError('UNAUTHENTICATED'))
    await settled()
    expect([live.status, live.error?.code]).toEqual(['closed', 'UNAUTHENTICATED'])
  })
})
