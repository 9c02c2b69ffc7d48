import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openInstance, settle } from '../../../test/fakes/instance.ts'
import { limits } from '../../base/core/index.ts'
import { backend, SojournError } from './index.ts'

const room = (more: object = {}) =>
  backend({
    grant: z.unknown(),
    presence: z.object({ x: z.number() }),
    identity: (caller) => ({ user: caller.user ?? null }),
    state: () => ({ log: [] as string[] }),
    actions: (action) => ({
      add: action((ctx) => ctx.state.log.push('add')),
      wait: action(() => new Promise<void>(() => {})),
    }),
    ...more,
  })

/** `connect` waits until it is let go on; both handlers leave a trace. */
function gatedRoom() {
  let open = (): void => {}
  const made = room({
    connect: async (ctx: { state: { log: string[] } }) => {
      await new Promise<void>((resolve) => {
        open = resolve
      })
      ctx.state.log.push('in')
    },
    disconnect: (ctx: { state: { log: string[] } }) => {
      ctx.state.log.push('out')
    },
  })
  return { made, open: () => open() }
}

describe('the hello', () => {
  it('brings a client to the state, and shows it to the others', async () => {
    const world = await openInstance(room())
    const one = await world.enter()
    const two = await world.enter(undefined, { user: 'ada' })
    expect(two.replica.state).toEqual({ log: [] })
    expect(two.welcome.presence).toEqual([
      { connection: one.welcome.connection, identity: { user: null }, value: null },
    ])
    expect(one.all('presence').at(-1)?.entry).toMatchObject({ identity: { user: 'ada' } })
    two.conversation?.closed()
    expect(one.all('left')).toEqual([{ type: 'left', connection: two.welcome.connection }])
  })

  it.each([
    ['a hello that comes twice', [{}, {}], 'MESSAGE_MALFORMED', 1],
    ['another version', [{ version: 2 }], 'PROTOCOL_UNSUPPORTED', 0],
  ])('refuses %s', async (_, hellos, code, welcomes) => {
    const world = await openInstance(room())
    const peer = await world.attach()
    for (const hello of hellos) peer.hello(hello)
    await settle()
    expect(peer.closedWith).toBe(code)
    expect(peer.all('welcome')).toHaveLength(welcomes)
  })

  it.each([
    ['an action', { type: 'action', n: 1, acked: 0, name: 'add', input: null }],
    ['presence', { type: 'presence', value: { x: 1 } }],
  ] as const)('must come before %s', async (_, said) => {
    const world = await openInstance(room())
    const peer = await world.attach()
    peer.say(said)
    await settle()
    expect(peer.closedWith).toBe('MESSAGE_MALFORMED')
    expect(peer.heard).toEqual([])
  })

  it('is waited for, but not for ever; the client may come again', async () => {
    const world = await openInstance(room())
    const [late, silent] = [await world.attach(), await world.attach()]
    late.hello()
    await settle()
    world.clock.advance(limits.helloMs)
    expect(late.closedWith).toBeUndefined()
    expect(silent.closedWith).toBe('CLIENT_TOO_SLOW')
    expect(new SojournError('CLIENT_TOO_SLOW').retry).toBe(true)
    silent.conversation?.closed()
    expect(world.instance.connections.size).toBe(1)
  })

  it('is answered to a ping before it', async () => {
    const world = await openInstance(room())
    const peer = await world.attach()
    peer.say({ type: 'ping', sentMs: 7 })
    const serverMs = world.clock.nowMs()
    expect(peer.heard).toEqual([{ type: 'pong', sentMs: 7, serverMs }])
  })
})

describe('connect and disconnect', () => {
  it('refuses with what connect throws, before anything is seen', async () => {
    const world = await openInstance(
      room({
        connect: () => {
          throw new SojournError('FORBIDDEN')
        },
        disconnect: () => {
          throw new Error('is not owed')
        },
      }),
    )
    const peer = await world.enter()
    expect(peer.closedWith).toBe('FORBIDDEN')
    expect(peer.heard).toEqual([])
    peer.conversation?.closed()
    expect(world.instance.connections.size).toBe(0)
  })

  it('come in pairs, also for a client that leaves while connect runs', async () => {
    const { made, open } = gatedRoom()
    const world = await openInstance(made)
    const peer = await world.enter()
    peer.conversation?.closed()
    open()
    await settle()
    expect(world.instance.history.tracked.state).toEqual({ log: ['in', 'out'] })
    expect(peer.heard).toEqual([])
  })

  it('do not run for a client that left before its turn', async () => {
    const { made, open } = gatedRoom()
    const world = await openInstance(made)
    const [one, two] = [await world.enter(), await world.enter()]
    two.conversation?.closed()
    open()
    await settle()
    await settle()
    expect(world.instance.history.tracked.state).toEqual({ log: ['in'] })
    expect(one.welcome.resumed).toBe(false)
  })

  it('refuses a grant that the schema does not know, and an identity that throws', async () => {
    const strict = await openInstance(room({ grant: z.object({ role: z.string() }) }))
    await expect(strict.attach({ grant: true })).rejects.toMatchObject({ code: 'FORBIDDEN' })
    const broken = await openInstance(
      room({
        identity: () => {
          throw new Error('no')
        },
      }),
    )
    await expect(broken.attach()).rejects.toThrow('no')
    expect(broken.instance.connections.size).toBe(0)
  })
})

describe('a connection', () => {
  it('that was closed is not listened to any more, and gone for the others', async () => {
    const world = await openInstance(room())
    const [one, two] = [await world.enter(), await world.enter()]
    world.instance.close(two.welcome.connection, 'SESSION_ENDED')
    const before = two.heard.length
    two.act(1, 'add')
    two.say({ type: 'ping', sentMs: 1 })
    await settle()
    expect(two.closedWith).toBe('SESSION_ENDED')
    expect(two.heard).toHaveLength(before)
    expect(one.replica.state).toEqual({ log: [] })
    expect(one.all('left')).toHaveLength(1)
    two.conversation?.closed()
    expect(one.all('left')).toHaveLength(1)
  })

  it('is closed above its open actions', async () => {
    const world = await openInstance(room())
    const peer = await world.enter()
    for (let n = 1; n <= limits.actionsOpenMax; n += 1) peer.act(n, 'wait')
    expect(peer.closedWith).toBeUndefined()
    peer.act(limits.actionsOpenMax + 1, 'wait')
    expect(peer.closedWith).toBe('ACTIONS_TOO_MANY')
  })

  it.each([
    ['too large', { x: 1, pad: 'x'.repeat(limits.presenceBytesMax) }, 'MESSAGE_TOO_LARGE'],
    ['not of the schema', { x: 'one' }, 'MESSAGE_MALFORMED'],
  ])('is closed for a presence that is %s', async (_, value, code) => {
    const world = await openInstance(room({ presence: z.looseObject({ x: z.number() }) }))
    const [one, two] = [await world.enter(), await world.enter()]
    one.say({ type: 'presence', value: { x: 1 } })
    await settle()
    one.say({ type: 'presence', value })
    await settle()
    expect(one.closedWith).toBe(code)
    expect(two.all('presence').map(({ entry }) => entry.value)).toEqual([{ x: 1 }])
  })

  it('F28, I23: that does not read is closed and costs the others nothing', async () => {
    const world = await openInstance(room())
    const [one, two] = [await world.enter(), await world.enter()]
    two.unsent = limits.unsentBytesMax + 1
    const before = two.heard.length
    one.act(1, 'add')
    await settle()
    expect(two.closedWith).toBe('CLIENT_TOO_SLOW')
    expect(two.heard).toHaveLength(before)
    expect(one.results).toEqual([{ n: 1, ok: true, value: 1 }])
  })

  it.each([
    ['garbage', new Uint8Array([99])],
    ['nothing', new Uint8Array(0)],
    ['a deep value', new Uint8Array([3, 0x91, ...new Array(5_000).fill(0x91), 0xc0])],
  ])('is closed for %s', async (_, bytes) => {
    const world = await openInstance(room())
    const peer = await world.enter()
    peer.conversation?.message(bytes)
    await settle()
    expect(peer.closedWith).toBeDefined()
  })
})
