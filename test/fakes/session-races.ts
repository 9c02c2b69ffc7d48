/** What parallel requests must not do to each other, upon a given store. */
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { SojournError } from '../../src/base/core/index.ts'
import { openSessions, type SessionStore } from '../../src/web/index.ts'
import { Browser } from './sessions.ts'

interface Data extends Record<string, unknown> {
  count: number
  cart: string[]
}

const rounds = 1_000
const logoutRounds = 200
/** Rounds that run side by side; each has a session of its own. */
const together = 50
/** What a handler does between reading and writing. */
const workMs = 5

async function inRounds(count: number, round: (n: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < count; from += together) {
    const numbers = Array.from({ length: Math.min(together, count - from) }, (_, i) => from + i)
    await Promise.all(numbers.map(round))
  }
}

/** Defines the tests; `open` gives a store that is there as long as they run. */
export function testRaces(name: string, open: () => SessionStore): void {
  const start = () => {
    const store = open()
    const sessions = openSessions<Data>({
      store,
      initial: () => ({ count: 0, cart: [] }),
      development: { port: 3000 },
    })
    return { store, sessions, browser: () => new Browser(sessions) }
  }
  const begun = async (browser: () => Browser): Promise<Browser> => {
    const one = browser()
    await one.send(({ data }) => {
      data.count = 1
    })
    return one
  }

  it(`${name}: loses none of two keys and two pushes in ${rounds} rounds`, async () => {
    const { browser } = start()
    let lost = 0
    await inRounds(rounds, async () => {
      const one = await begun(browser)
      const write = (key: string) =>
        one.copy().send(async ({ data }) => {
          await pause(workMs)
          data[key] = true
          data.cart.push(key)
        })
      await Promise.all([write('left'), write('right')])
      const text = await one.send((session) => JSON.stringify(session.data))
      const data = JSON.parse(text) as Record<string, boolean> & { cart: string[] }
      const isWhole = data['left'] && data['right'] && data.cart.length === 2
      if (!isWhole) lost += 1
    })
    expect(lost).toBe(0)
  }, 120_000)

  it(`${name}: lets no request in flight revive what was logged out in ${logoutRounds} rounds`, async () => {
    const { browser, store } = start()
    let alive = 0
    await inRounds(logoutRounds, async (n) => {
      const one = browser()
      await one.send((session) => session.login(`user-${n}`))
      const slow = one.copy()
      const writing = slow
        .send(async ({ data }) => {
          await pause(workMs)
          data.count += 1
        })
        .catch((error) => {
          if (!(error instanceof SojournError)) throw error
        })
      const old = one.copy()
      await one.copy().send((session) => session.logout())
      await writing
      const user = await old.send((session) => session.user)
      const left = await store.listByUser(`user-${n}`)
      if (user || left.length > 0) alive += 1
    })
    expect(alive).toBe(0)
  }, 120_000)
}
