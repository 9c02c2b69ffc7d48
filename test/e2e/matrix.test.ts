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

const happenings: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  'the network is gone for a moment': async (stage) => {
    await stage.context.setOffline(true)
    await stage.keepsCalls()
    await stage.context.setOffline(false)
  },
  'the network is gone for longer, and comes back': async (stage) => {
    await stage.context.setOffline(true)
    await stage.losesPatience()
    // However long the pause before its next attempt were: it does not wait for that.
    await stage.rests()
    await stage.context.setOffline(false)
    await stage.shows('live')
    await stage.tell('releaseTimers')
  },
  'the connection is reset': async (stage) => {
    stage.relay.cut()
  },
  'the network swallows everything, and tells nobody': async (stage) => {
    stage.relay.swallow()
    await stage.losesPatience()
    stage.relay.carry()
  },
  'the client misses more than the server keeps': async (stage) => {
    stage.relay.swallow()
    const large = 'x'.repeat(60_000)
    for (let bytes = 0; bytes <= limits.recordBytesPerSnapshot; bytes += large.length)
      await stage.other.fill(large + bytes)
    await stage.losesPatience()
    stage.relay.carry()
  },
  'the process of the instance is killed': async (stage) => {
    process.kill(stage.instance.pid, 'SIGKILL')
  },
  'the host process is killed': async (stage) => {
    process.kill(stage.instance.parent, 'SIGKILL')
  },
  'the server is killed and started again': (stage) => stage.restart('SIGKILL'),
  'the server is stopped for a deploy, and another takes over': (stage) => stage.restart('SIGTERM'),
  'the instance hibernates, and an action wakes it': hibernateAndWake,
  'the connection is reset after the instance hibernated': async (stage) => {
    await hibernateAndWake(stage)
    await stage.getsAnswers()
    stage.relay.cut()
  },
  'the laptop sleeps until the server has given it up': async (stage) => {
    const wake = await stage.sleep()
    stage.relay.swallow()
    stage.relay.giveUp()
    await until(() => stage.other.seen().others === 0, 'the page has left')
    stage.relay.carry()
    wake()
    await stage.losesPatience()
  },
  'the visitor logs out in another tab': (stage) => stage.logout(),
}

async function hibernateAndWake(stage: Stage): Promise<void> {
  const { pid } = stage.instance
  stage.other.stop()
  await stage.tell('stop')
  await until(() => !isAlive(pid), 'it hibernates')
  await stage.tell('go')
  stage.other.go()
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

it.each(rows)('$happening', async ({ happening, statuses, catchUp }) => {
  stage = await Stage.open(browser)
  const { born } = await stage.seen()
  await stage.tell('burst')
  await happenings[happening]!(stage)
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
