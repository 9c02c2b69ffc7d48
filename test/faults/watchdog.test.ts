/** Processes that do not answer, and a host that was not there to hear it. */
import { afterEach, describe, expect, it } from 'vitest'
import { limits } from '../../src/base/core/index.ts'
import type { InstanceInfo } from '../../src/live/gateway/instances.ts'
import { instancesOf, until } from '../e2e/scratch.ts'
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

describe('the watchdog', () => {
  it('F10, F11, I24: ends a process that spins; its clients go on from the journal, others notice nothing', async () => {
    await open()
    const [live, other] = [world.connect('a'), world.connect('b')]
    await live.actions.append('x')
    const otherPid = await pidOf(other)
    live.actions.spin().catch(() => {})
    for (let n = 0; find('a').phase === 'ready'; n += 1) await other.actions.append(String(n))
    expect(await reasonAfter('a', 1)).toBe('stuck')
    await isLive(live)
    expect(live.state?.entries).toEqual(['x'])
    expect(await pidOf(other)).toBe(otherPid)
    live.close()
  })

  it('F7: ends one that is stopped', async () => {
    await open()
    const live = world.connect('a')
    await live.actions.append('x')
    process.kill(await pidOf(live), 'SIGSTOP')
    expect(await reasonAfter('a', 1)).toBe('stuck')
    await live.actions.append('y')
    expect(live.state?.entries).toEqual(['x', 'y'])
  })

  it('F8: judges nobody after its host was held up itself', async () => {
    await open()
    const lives = ['a', 'b', 'c'].map((key) => world.connect(key))
    const pids = await Promise.all(lives.map(pidOf))
    const [asleep = 0] = pids
    const host = hostPid()
    // As when a machine sleeps: one owes an answer, then nobody runs, then the host wakes first.
    process.kill(asleep, 'SIGSTOP')
    await pause(1.5 * limits.beatEveryMs)
    process.kill(host, 'SIGSTOP')
    const starting = world.connect('d')
    await pause(limits.stuckAfterMs + 2_000)
    process.kill(host, 'SIGCONT')
    await isLive(starting)
    process.kill(asleep, 'SIGCONT')
    await pause(2 * limits.beatEveryMs)
    expect(await Promise.all(lives.map(pidOf))).toEqual(pids)
  })
})
