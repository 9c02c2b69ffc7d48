/**
 * Everything that can come between a page and its instance: what the page shows meanwhile, and that
 * nothing is lost, doubled or out of order afterwards. The rows are those of the guide.
 */
import { readFileSync } from 'node:fs'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { limits } from '../../src/base/core/index.ts'
import { Stage } from './matrix/stage.ts'
import type { Seen } from './matrix/writer.ts'
import { isAlive, until } from './scratch.ts'
import { openBrowser } from './showroom.ts'

interface Row {
  readonly happening: string
  readonly statuses: readonly string[]
  readonly catchUp: string
}

const guide = readFileSync(new URL('../../docs/guide/reconnecting.md', import.meta.url), 'utf8')
const rows: Row[] = [...guide.matchAll(/^\| ([^|]+) \| `(live[^|`]*)` \| ([^|]+) \|$/gm)].map(
  ([, happening = '', statuses = '', catchUp = '']) => ({
    happening,
    statuses: statuses.split(' → '),
    catchUp,
  }),
)

/** Codes of calls that were never sent. */
const unsent = ['ACTIONS_TOO_MANY']

interface Happening {
  /** How many times faster than real the timers of the page's client run; default 1. */
  readonly haste?: number
  make(stage: Stage): Promise<void>
}

/** Patience of a client is seconds; nothing is learnt from waiting for all of them. */
const haste = 4

const happenings: Readonly<Record<string, Happening>> = {
  'the network is gone for a moment': {
    async make(stage) {
      await stage.context.setOffline(true)
      await stage.keepsCalls()
      await stage.context.setOffline(false)
    },
  },
  'the network is gone for longer, and comes back': {
    haste,
    async make(stage) {
      await stage.context.setOffline(true)
      await stage.shows('stale')
      // However long the pause before its next attempt were: it does not wait for that.
      await stage.tell('holdTimers')
      await stage.context.setOffline(false)
      await stage.shows('live')
      await stage.tell('releaseTimers')
    },
  },
  'the connection is reset': {
    async make(stage) {
      stage.relay.cut()
    },
  },
  'the network swallows everything, and tells nobody': {
    haste,
    async make(stage) {
      stage.relay.swallow()
      await stage.shows('stale')
      stage.relay.carry()
    },
  },
  'the client misses more than the server keeps': {
    haste,
    async make(stage) {
      stage.relay.swallow()
      const large = 'x'.repeat(60_000)
      for (let bytes = 0; bytes <= limits.recordBytesPerSnapshot; bytes += large.length)
        await stage.other.fill(large + bytes)
      await stage.shows('stale')
      stage.relay.carry()
    },
  },
  'the process of the instance is killed': {
    async make(stage) {
      process.kill(stage.instance.pid, 'SIGKILL')
    },
  },
  'the host process is killed': {
    async make(stage) {
      process.kill(stage.instance.parent, 'SIGKILL')
    },
  },
  'the server is killed and started again': { make: (stage) => stage.restart('SIGKILL') },
  'the server is stopped for a deploy, and another takes over': {
    make: (stage) => stage.restart('SIGTERM'),
  },
  'the instance hibernates, and an action wakes it': {
    async make(stage) {
      const { pid } = stage.instance
      stage.other.stop()
      await stage.tell('stop')
      await until(() => !isAlive(pid), 'it hibernates')
      await stage.tell('go')
      stage.other.go()
    },
  },
  'the laptop sleeps until the server has given it up': {
    haste,
    async make(stage) {
      const wake = await stage.sleep()
      stage.relay.swallow()
      stage.relay.giveUp()
      await until(() => stage.other.seen().others === 0, 'the page has left')
      stage.relay.carry()
      wake()
    },
  },
  'the visitor logs out in another tab': { make: (stage) => stage.logout() },
}

let browser: Browser
let stage: Stage | undefined
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser.close())
afterEach(async () => {
  await stage?.close()
  stage = undefined
})

it('makes everything happen that the guide tells of', () => {
  expect(Object.keys(happenings)).toEqual(rows.map(({ happening }) => happening))
})

// With its clocks hurried, a page on a loaded machine can lose its connection twice.
it.each(rows)('$happening', { retry: 5 }, async ({ happening, statuses, catchUp }) => {
  const { haste = 1, make } = happenings[happening]!
  stage = await Stage.open(browser, haste)
  const { born } = await stage.seen()
  await stage.tell('burst')
  await make(stage)
  await stage.shows(statuses.at(-1)!)
  const isOver = catchUp === 'it does not'
  if (!isOver) await stage.getsAnswers()

  const server = await stage.settle()
  if (!isOver)
    await until(async () => (await stage?.seen())?.state === server.state, 'the page has it all')
  const seen = await stage.seen()
  expect(seen.statuses).toEqual(['connecting', ...statuses])
  expect(stage.resumed).toEqual(welcomesOf(statuses, catchUp))
  expect([seen.born, seen.isKept]).toEqual([born, true])
  expectExact('page', seen, server)
  expectExact('other', stage.other.seen(), server)
})

/** For each welcome of a page, the first included: whether it went on from where it was. */
function welcomesOf(statuses: readonly string[], catchUp: string): boolean[] {
  const again = statuses.slice(1).filter((status) => status === 'live')
  return [false, ...again.map(() => catchUp === 'missed frames')]
}

/** Each answered call has run once, and its answer is that of this run; no other has run twice. */
function expectExact(by: string, { calls, places }: Seen, server: Seen): void {
  const { items } = JSON.parse(server.state) as { items: { by: string; n: number }[] }
  const own = items.flatMap((item, place) => (item.by === by ? [{ n: item.n, place }] : []))
  expect(own.map(({ n }) => n)).toEqual(own.map(({ n }) => n).toSorted((a, b) => a - b))
  expect(new Set(own.map(({ n }) => n)).size).toBe(own.length)
  const answered = calls.flatMap((outcome, n) =>
    outcome === 'ok' ? [{ n, place: places[n] }] : [],
  )
  expect(own.filter(({ n }) => calls[n] === 'ok')).toEqual(answered)
  expect(own.filter(({ n }) => unsent.includes(calls[n] ?? ''))).toEqual([])
}
