/** Processes that misbehave, seen from outside: ended with the right reason, and nobody else hurt. */
import { afterEach, describe, expect, it } from 'vitest'
import type { InstanceInfo } from '../../src/live/gateway/instances.ts'
import { instancesOf, isAlive, scratchFolder, until } from '../e2e/scratch.ts'
import { type LogLive, openWorld, type World, type WorldOptions } from './world.ts'

let world: World
afterEach(() => world.close())

const open = async (given: WorldOptions = {}): Promise<void> => {
  world = await openWorld(() => true, given)
}
const isLive = (live: LogLive) => until(() => live.status === 'live', 'live')
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const pidOf = (live: LogLive) => live.actions.pid() as Promise<number>
const find = (key: string): InstanceInfo => world.instances.get('log', key)
const hostPid = (): number => instancesOf(process.pid)[0]?.parent ?? 0
/** Waits until the key is served anew, and tells how the run before ended. */
async function reasonAfter(key: string, epoch: number): Promise<string | undefined> {
  await until(() => find(key).epoch > epoch && find(key).phase === 'ready', `${key} is back`)
  return find(key).lastEnd?.reason
}

describe('a process', () => {
  it('F17, I28: that exits with 0 has crashed all the same, and the action was no success', async () => {
    await open()
    const live = world.connect('a')
    await isLive(live)
    let settled = false
    live.actions
      .exit(0)
      .finally(() => (settled = true))
      .catch(() => {})
    expect(await reasonAfter('a', 1)).toBe('crashed')
    expect(settled).toBe(false)
    live.close()
  })

  it('I6: takes with it what it started', async () => {
    await open()
    const live = world.connect('a')
    const child = (await live.actions.spawn()) as number
    expect(isAlive(child)).toBe(true)
    await world.instances.stop('log', 'a')
    await until(() => !isAlive(child), 'what it started is gone')
  })

  it('comes to its age however busy, and its clients to the next one', async () => {
    await open({ lifetimeMs: 1_000 })
    const live = world.connect('a')
    await live.actions.append('x')
    expect(await reasonAfter('a', 1)).toBe('lifetime')
    await isLive(live)
    expect(live.state?.entries).toEqual(['x'])
  })

  it('F15, I27: that ignores its end is killed at its deadline', async () => {
    await open()
    const live = world.connect('a')
    const pid = await pidOf(live)
    live.actions.spin().catch(() => {})
    live.close()
    await world.instances.stop('log', 'a')
    expect([isAlive(pid), find('a').lastEnd?.reason]).toEqual([false, 'requested'])
  })
})

describe('a shared process', () => {
  it.each([
    ['an error that nobody catches', (live: LogLive) => live.actions.throwLater()],
    ['an end of the process', (live: LogLive) => live.actions.exit(0)],
  ])('charges %s to the instance whose turn it came from', async (_, misbehave) => {
    await open({ perProcess: 3 })
    const keys = ['a', 'b', 'c']
    const lives = keys.map((key) => world.connect(key))
    for (const live of lives) await live.actions.append('x')
    expect(new Set(await Promise.all(lives.map(pidOf))).size).toBe(1)
    const [, culprit] = lives as [LogLive, LogLive, LogLive]
    misbehave(culprit).catch(() => {})
    const reasons = await Promise.all(keys.map((key) => reasonAfter(key, 1)))
    expect(reasons).toEqual(['neighbour', 'crashed', 'neighbour'])
    culprit.close()
    for (const key of ['a', 'c']) {
      const live = world.connect(key)
      await isLive(live)
      expect(live.state?.entries).toEqual(['x'])
    }
  })
})

describe('a dead host', () => {
  it('F3, I6: leaves a spinning process that the next one ends before it serves', async () => {
    const data = scratchFolder()
    process.env['SOJOURN_TEST_LEASH'] = 'off'
    try {
      await open({ data })
    } finally {
      delete process.env['SOJOURN_TEST_LEASH']
    }
    const live = world.connect('a')
    await live.actions.append('x')
    const pid = await pidOf(live)
    live.actions.spin().catch(() => {})
    await pause(100)
    process.kill(hostPid(), 'SIGKILL')
    await until(() => find('a').phase === 'stopped', 'the host is gone')
    expect([find('a').lastEnd?.reason, isAlive(pid)]).toEqual(['host-lost', true])
    await until(() => find('a').epoch > 1, 'its key is claimed')
    expect(isAlive(pid)).toBe(false)
    live.close()
  })
})
