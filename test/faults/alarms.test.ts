/** Alarms with real processes: they ring although nobody is there, and nothing runs. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Live } from '../../src/client/index.ts'
import { instancesOf, scratchFolder, until } from '../e2e/scratch.ts'
import type alarms from './backends/alarms.ts'
import { openWorld, type World } from './world.ts'

type AlarmsLive = Live<typeof alarms>

let data: ReturnType<typeof scratchFolder>
let world: World
beforeEach(async () => {
  data = scratchFolder()
  world = await openWorld(undefined, { data, idleAfterMs: 100 })
})
afterEach(() => world.close())

const open = (key = 'a') => world.connect(key, undefined, 'alarms') as unknown as AlarmsLive
const running = () => instancesOf(process.pid).length
const isQuiet = () => until(() => running() === 0, 'hibernated')

async function entries(): Promise<readonly string[] | undefined> {
  const live = open()
  await until(() => live.status === 'live', 'live')
  const { state } = live
  live.close()
  return state?.entries
}

describe('an alarm', () => {
  it('wakes an instance that hibernated', async () => {
    const live = open()
    await live.actions.noteIn(3_000)
    live.close()
    await isQuiet()
    await until(() => running() === 1, 'woken')
    await isQuiet()
    expect(await entries()).toEqual(['noted'])
  })

  it('that was due while the host was down rings after its restart', async () => {
    const live = open()
    await live.actions.noteIn(2_500)
    const dueMs = Date.now() + 2_500
    live.close()
    await world.host.stop()
    await until(() => Date.now() > dueMs, 'due')
    expect(running()).toBe(0)
    await world.host.start()
    await until(() => running() === 1, 'woken')
    await isQuiet()
    expect(await entries()).toEqual(['noted'])
  })

  it('whose process dies in it rings again, with one effect', async () => {
    const live = open()
    await live.actions.crashIn(300)
    live.close()
    await until(async () => (await entries())?.length === 1, 'rung at last')
    expect(await entries()).toEqual(['after all'])
  })
})

describe('an instance', () => {
  it('does not hibernate while work keeps it awake', async () => {
    const live = open()
    await live.actions.work(1_500)
    const doneMs = Date.now() + 1_000
    live.close()
    await isQuiet()
    expect(Date.now()).toBeGreaterThan(doneMs)
  })

  it('works in the folder of its key', async () => {
    const live = open('my-key')
    expect(await live.actions.folder()).toEqual({ key: 'my-key', isCurrent: true })
    live.close()
  })
})
