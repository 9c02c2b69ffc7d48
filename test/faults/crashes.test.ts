/**
 * Instances and hosts die at the n-th system call of one kind (strace), while clients write and
 * watch. What a client was told stays, once; what a client saw only ever goes on.
 */
import { afterEach, describe, expect, it } from 'vitest'
import { instancesOf, isAlive, until } from '../e2e/scratch.ts'
import { canTrace, killAt } from './machine.ts'
import { type LogLive, openWorld, type World } from './world.ts'

let world: World
afterEach(() => world.close())

const isLive = (live: LogLive) => until(() => live.status === 'live', 'live')
const instance = () => instancesOf(process.pid)[0]

/** Notes what a client is shown that does not continue what it was shown before. */
function watch(live: LogLive, breaks: string[]): void {
  let seen: { readonly entries: readonly string[]; readonly starts: number } = {
    entries: [],
    starts: 0,
  }
  live.subscribe(() => {
    const { state } = live
    if (!state) return
    const isLonger = seen.entries.every((entry, at) => state.entries[at] === entry)
    if (!isLonger) breaks.push(`${seen.entries.length} entries became others`)
    if (state.starts < seen.starts) breaks.push(`from life ${seen.starts} to ${state.starts}`)
    seen = state
  })
}

/** Appends entries one after the other until it is told to stop; gives those that were answered. */
async function write(live: LogLive, name: string, isOver: () => boolean): Promise<string[]> {
  const answered: string[] = []
  try {
    for (let n = 0; !isOver(); n += 1) {
      await live.actions.append(`${name}-${n}`)
      answered.push(`${name}-${n}`)
    }
  } catch (error) {
    // The test has failed already, or does now.
    answered.push(String(error))
  }
  return answered
}

const victims = [
  { who: 'an instance', calls: ['write', 'epoll_pwait', 'read'], pid: () => instance()?.pid },
  {
    who: 'a host',
    calls: ['pwrite64', 'write', 'read', 'epoll_pwait'],
    pid: () => instance()?.parent,
  },
]

describe.skipIf(!canTrace)('killed at any of its calls (strace)', () => {
  it.each(victims)(
    'F1–F4, I7, I8, I9, I10, I11, I17, I18, I26: $who loses nothing, doubles nothing, takes nothing back',
    async ({ calls, pid }) => {
      world = await openWorld()
      const lives = [world.connect('a'), world.connect('a'), world.connect('a')]
      await Promise.all(lives.map(isLive))
      const breaks: string[] = []
      for (const live of lives) watch(live, breaks)
      let isOver = false
      const [one, two] = lives as [LogLive, LogLive, LogLive]
      const writers = [one, two].map((live, at) => write(live, String(at), () => isOver))
      const backAfterMs: number[] = []
      for (const call of calls) {
        for (const n of [1, 2, 5, 14]) {
          await until(() => lives.every(({ status }) => status === 'live') && pid(), 'served')
          const victim = pid() ?? 0
          await killAt(victim, call, n)
          await until(() => !isAlive(victim), `dead at ${call} ${n}`, 10_000)
          const fromMs = performance.now()
          const isBack = () =>
            pid() && pid() !== victim && lives.every(({ status }) => status === 'live')
          await until(isBack, 'all are back')
          backAfterMs.push(Math.round(performance.now() - fromMs))
        }
        // An end in good order gives the key a clean record: else it would soon be parked.
        await world.instances.stop('log', 'a')
      }
      isOver = true
      const answered = (await Promise.all(writers)).flat()
      const fresh = world.connect('a')
      await isLive(fresh)
      const entries = fresh.state?.entries ?? []
      expect(entries.toSorted()).toEqual(answered.toSorted())
      expect(breaks).toEqual([])
      for (const live of lives) await expect.poll(() => live.state?.entries).toEqual(entries)
      console.info({ killed: backAfterMs.length, answered: answered.length, backAfterMs })
    },
  )
})
