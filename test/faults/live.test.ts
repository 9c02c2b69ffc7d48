/** Session backends with real processes: what they promise, while things die. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { instancesOf, isAlive, scratchFolder, until } from '../e2e/scratch.ts'
import { type LogLive, openWorld, type World } from './world.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

const isLive = (live: LogLive) => until(() => live.status === 'live', 'live')
const pidOf = (live: LogLive) => live.actions.pid() as Promise<number>

describe('an instance', () => {
  it('I2, I4: is one process for all who open a key, and another for another key', async () => {
    const [one, two, other] = [world.connect('a'), world.connect('a'), world.connect('b')]
    const pids = await Promise.all([one, two, other].map(pidOf))
    expect(pids[0]).toBe(pids[1])
    expect(pids[2]).not.toBe(pids[0])
    expect(
      instancesOf(process.pid)
        .map(({ pid }) => pid)
        .sort(),
    ).toEqual([...new Set(pids)].sort())
  })

  it('I8, I16: shows each change to every client, in order', async () => {
    const [one, two] = [world.connect('a'), world.connect('a')]
    await Promise.all([one.actions.append('x'), one.actions.append('y'), one.actions.append('z')])
    await expect.poll(() => two.state?.entries).toEqual(['x', 'y', 'z'])
    expect(one.state).toEqual(two.state)
  })

  it('I10: leaves nothing of an action that throws, and says so', async () => {
    const live = world.connect('a')
    const events: string[] = []
    live.on('never', () => events.push('never'))
    await live.actions.append('x')
    await expect(live.actions.appendThenThrow()).rejects.toMatchObject({ code: 'ACTION_FAILED' })
    await expect(live.actions.refuse()).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect((live.actions as never as { nope(): Promise<void> }).nope()).rejects.toMatchObject(
      { code: 'ACTION_UNKNOWN' },
    )
    expect(await live.actions.append('y')).toBe(2)
    expect(events).toEqual([])
  })

  it('shows presence and events to the others', async () => {
    world.sessions.add('s1')
    const [one, two] = [world.connect('a', 's1'), world.connect('a')]
    const heard: unknown[] = []
    two.on('said', (text) => heard.push(text))
    one.presence.set({ x: 3 })
    await expect
      .poll(() => two.presence.others, { timeout: 10_000 })
      .toEqual([
        { connection: expect.any(String), identity: { user: 'user of s1' }, value: { x: 3 } },
      ])
    await one.actions.announce('hello')
    await expect.poll(() => heard, { timeout: 10_000 }).toEqual(['hello'])
    one.close()
    await expect.poll(() => two.presence.others, { timeout: 10_000 }).toEqual([])
  })

  it('F1, I7, I11: keeps every acknowledged change, once, through kill -9 of its process', async () => {
    const lives = [world.connect('a'), world.connect('a')]
    await Promise.all(lives.map(isLive))
    const acknowledged: string[] = []
    const writers = lives.map(async (live, writer) => {
      for (let n = 0; n < 120; n += 1) {
        const entry = `${writer}-${n}`
        await live.actions.append(entry)
        acknowledged.push(entry)
      }
    })
    const killer = (async () => {
      for (const at of [30, 100, 170]) {
        await until(() => acknowledged.length >= at, `${at} acknowledged`)
        const [instance] = instancesOf(process.pid)
        if (instance) process.kill(instance.pid, 'SIGKILL')
      }
    })()
    await Promise.all([...writers, killer])
    const entries = (await freshState(world)).entries
    expect(entries.toSorted()).toEqual(acknowledged.toSorted())
    await expect.poll(() => lives.map((live) => live.state?.entries)).toEqual([entries, entries])
    expect((await freshState(world)).starts).toBeGreaterThanOrEqual(2)
  })

  it('F1, I11: is answered from the record when it dies after the record and before the answer', async () => {
    const live = world.connect('a')
    await isLive(live)
    const pid = await pidOf(live)
    process.kill(pid, 'SIGSTOP')
    const answers = [live.actions.append('x'), live.actions.append('y')]
    process.kill(pid, 'SIGCONT')
    process.kill(pid, 'SIGKILL')
    expect(await Promise.all(answers)).toEqual([1, 2])
    expect((await freshState(world)).entries).toEqual(['x', 'y'])
  })

  it.each([
    ['whose module is not there', 'missing', 'a'],
    ['whose first state throws', 'picky', 'broken'],
    ['that ends while it starts', 'picky', 'gone'],
  ])('%s is tried again, and disturbs no other', async (_, backendName, key) => {
    const other = world.connect('a')
    await isLive(other)
    const live = world.connect(key, undefined, backendName)
    let attempts = 0
    live.subscribe(() => {
      attempts += 1
    })
    await until(() => attempts >= 3, 'tried again')
    expect([live.status, live.error]).toEqual(['connecting', undefined])
    live.close()
    await other.actions.append('x')
    expect(other.status).toBe('live')
  })

  it('lets go of a client whose grant its schema refuses', async () => {
    await world.close()
    world = await openWorld(undefined, { idleAfterMs: 50 })
    const live = world.connect('a', undefined, 'picky')
    await until(() => live.status === 'closed', 'refused')
    expect(live.error?.code).toBe('FORBIDDEN')
    // The socket counts until it is closed, and so keeps the process.
    await until(() => instancesOf(process.pid).length === 0, 'the process has ended', 10_000)
  })

  it('ends when nobody is connected, and comes back with its state', async () => {
    await world.close()
    world = await openWorld(undefined, { idleAfterMs: 50 })
    const live = world.connect('a')
    await live.actions.append('x')
    live.close()
    await until(() => instancesOf(process.pid).length === 0, 'the process has ended')
    expect((await freshState(world)).entries).toEqual(['x'])
  })
})

describe('the door', () => {
  it('F68, I30: starts no process for a visitor who may not enter', async () => {
    await world.close()
    world = await openWorld(({ session }) => session?.user && { role: 'editor' })
    const live = world.connect('a')
    await until(() => live.status === 'closed', 'refused')
    expect(live.error?.code).toBe('UNAUTHENTICATED')
    expect(instancesOf(process.pid)).toEqual([])
    world.sessions.add('s1')
    await world.connect('a', 's1').actions.append('x')
  })

  it.each([
    ['an unknown backend', 'a', 'nope', 'BACKEND_UNKNOWN'],
    ['a bad key', 'a%20b', 'log', 'KEY_MALFORMED'],
  ])('closes with a code for %s', async (_, key, backendName, code) => {
    const live = world.connect(key, undefined, backendName)
    await until(() => live.status === 'closed', 'refused')
    expect(live.error?.code).toBe(code)
  })

  it('F69, I19: closes the connections of a session that ended, and of no other', async () => {
    world.sessions.add('s1').add('s2')
    const [one, two, other] = [
      world.connect('a', 's1'),
      world.connect('b', 's1'),
      world.connect('a', 's2'),
    ]
    await Promise.all([one, two, other].map(isLive))
    world.sessions.delete('s1')
    world.gateway.endSession('s1')
    await until(() => one.status === 'closed' && two.status === 'closed', 'closed')
    expect([one.error?.code, two.error?.code]).toEqual(['SESSION_ENDED', 'SESSION_ENDED'])
    expect(other.status).toBe('live')
  })

  it('F69, I19: cuts the connection of an ended session when the process does not answer', async () => {
    world.sessions.add('s1')
    const live = world.connect('a', 's1')
    const pid = await pidOf(live)
    process.kill(pid, 'SIGSTOP')
    world.sessions.delete('s1')
    world.gateway.endSession('s1')
    await until(() => live.status !== 'live', 'cut')
    process.kill(pid, 'SIGKILL')
  })

  it('F69, I19: lets a logout that comes while the process starts close the connection', async () => {
    world.sessions.add('s1')
    const live = world.connect('slow', 's1')
    await until(() => instancesOf(process.pid).length === 1, 'the process is starting')
    world.sessions.delete('s1')
    world.gateway.endSession('s1')
    await until(() => live.status === 'closed', 'closed')
    expect(live.error?.code).toBe('SESSION_ENDED')
  })

  it('tells the session that its client is active, but not for pings', async () => {
    world.sessions.add('s1')
    const live = world.connect('a', 's1')
    await live.actions.append('x')
    await until(() => world.touched.includes('s1'), 'touched')
  })
})

describe('the host', () => {
  it('I27: ends everything in good order, also what is just starting', async () => {
    const data = scratchFolder()
    const before = await openWorld(undefined, { data })
    const live = before.connect('a')
    await live.actions.append('x')
    const starting = before.connect('slow')
    await until(() => instancesOf(process.pid).length === 2, 'the other is starting')
    await before.host.stop()
    expect(instancesOf(process.pid)).toEqual([])
    await until(() => live.status === 'stale', 'told')
    expect(starting.status).toBe('connecting')
    const after = await openWorld(undefined, { data })
    const state = await freshState(after)
    expect(state).toEqual({ entries: ['x'], starts: 2 })
    await before.close()
    await after.close()
  })

  it('F3, I6: leaves no process behind when it is killed, and a new one goes on', async () => {
    const live = world.connect('a')
    const pid = await pidOf(live)
    await live.actions.append('x')
    live.actions.spin().catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 50))
    const { parent = 0 } = instancesOf(process.pid)[0] ?? {}
    process.kill(parent, 'SIGKILL')
    await until(() => !isAlive(pid), 'the spinning instance is gone')
    const state = await freshState(world, 'b')
    expect(state.entries).toEqual([])
    live.close()
  })
})

/** What a client that comes anew is shown. */
async function freshState(
  here: World,
  key = 'a',
): Promise<{ entries: readonly string[]; starts: number }> {
  const live = here.connect(key)
  await isLive(live)
  const { state } = live
  live.close()
  return state as { entries: readonly string[]; starts: number }
}
