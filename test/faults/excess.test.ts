/** Processes that take too much, of the log or of the memory: nobody else is hurt. */
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import type { InstanceInfo } from '../../src/live/gateway/instances.ts'
import { instancesOf, until } from '../e2e/scratch.ts'
import { type LogLive, openWorld, type World } from './world.ts'

let world: World
afterEach(() => world.close())

const isLive = (live: LogLive) => until(() => live.status === 'live', 'live')
const find = (key: string): InstanceInfo => world.instances.get('log', key)

describe('memory', () => {
  it.each(['heap', 'buffers'] as const)(
    'F13, I23, I24: that grows by %s beyond its bound ends its process, and no other',
    async (what) => {
      world = await openWorld(() => true, { memoryBytesMax: 128 * 2 ** 20 })
      const [live, other] = [world.connect('a'), world.connect('b')]
      const otherPid = await other.actions.pid()
      await live.actions.append('x')
      live.actions.grow(what).catch(() => {})
      await until(() => find('a').lastEnd, 'it is ended')
      expect(find('a').lastEnd?.reason).toBe('out-of-memory')
      live.close()
      expect(await other.actions.pid()).toBe(otherPid)
      expect(find('b').epoch).toBe(1)
    },
  )
})

describe('output', () => {
  const memoryOf = (pid: number): number =>
    Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024

  it('can be asked for', async () => {
    world = await openWorld()
    const live = world.connect('a')
    await live.actions.print('hello\nworld\n')
    await expect.poll(() => world.instances.log('log', 'a')).toEqual(['hello', 'world'])
  })

  it('F18, I23: of 1 GB costs its host no memory, its log a few lines, and others nothing', async () => {
    world = await openWorld()
    const [live, other] = [world.connect('a'), world.connect('b')]
    await Promise.all([live, other].map(isLive))
    const host = instancesOf(process.pid)[0]?.parent ?? 0
    const beforeBytes = memoryOf(host)
    let isOver = false
    const flood = live.actions.flood(2 ** 14).then(() => (isOver = true))
    let mostBytes = 0
    let answers = 0
    for (const startMs = performance.now(); !isOver; answers += 1) {
      await other.actions.append(String(answers))
      mostBytes = Math.max(mostBytes, memoryOf(host))
      if (performance.now() - startMs > 60_000) break
    }
    await flood
    const lines = world.logged.filter(({ message }) => message.startsWith('flood'))
    const dropped = (): number =>
      world.logged.reduce((sum, { facts }) => sum + ((facts as { lines?: number }).lines ?? 0), 0)
    await until(() => dropped() + lines.length === 2 ** 14 * 1074, 'every line is accounted for')
    console.info({ answers, lines: lines.length, grewBy: mostBytes - beforeBytes })
    expect(mostBytes - beforeBytes).toBeLessThan(100 * 2 ** 20)
    expect([find('a').epoch, find('b').epoch]).toEqual([1, 1])
  })
})
