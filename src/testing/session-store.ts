/** What every session store must do, as a suite that runs in any test runner. */
import assert from 'node:assert/strict'
import type { Awaitable, SojournError } from '../base/core/index.ts'
import type { SessionStore } from '../web/session/index.ts'
import { type VirtualClock, virtualClock } from './clock.ts'
import { ends, handOver, scans, users } from './session-store-ends.ts'
import { recordAt, type Test, tombstone } from './session-store-fixtures.ts'
import { commits, records, rotation, times } from './session-store-life.ts'
import { watching } from './session-store-watch.ts'

/** A store on its own, freshly opened for one test. */
export interface SessionStoreUnderTest {
  readonly store: SessionStore
  /** Makes every later call fail; called at the end of each test too. */
  close(): Awaitable<void>
}

/** What the test runner brings: vitest, node:test, mocha and jest all fit. */
export interface SuiteTools {
  readonly describe: (name: string, define: () => void) => void
  readonly it: (name: string, test: () => Promise<void>) => void
}

type Open = (clock: VirtualClock) => Awaitable<SessionStoreUnderTest>

/**
 * Describes the contract of `SessionStore` for one driver.
 *
 * @param name of the driver
 * @param open opens an empty store whose time is the given clock's
 */
export function describeSessionStore(name: string, open: Open, { describe, it }: SuiteTools): void {
  const run = (tests: Readonly<Record<string, Test>>): void => {
    for (const [title, test] of Object.entries(tests))
      it(title, async () => {
        const clock = virtualClock()
        const { store, close } = await open(clock)
        try {
          await test(store, clock)
        } finally {
          await close()
        }
      })
  }
  describe(`session store: ${name}`, () => {
    describe('records', () => run(records))
    describe('commits', () => run(commits))
    describe('times', () => run(times))
    describe('rotation', () => run(rotation))
    describe('ends', () => run(ends))
    describe('users', () => run(users))
    describe('hand-over', () => run(handOver))
    describe('scans', () => run(scans))
    describe('watching', () => run(watching))
    describe('faults', () => it('says STORE_UNAVAILABLE', () => closedStoreFails(open)))
  })
}

async function closedStoreFails(open: Open): Promise<void> {
  const clock = virtualClock()
  const { store, close } = await open(clock)
  await close()
  const isUnavailable = ({ code }: SojournError): boolean => code === 'STORE_UNAVAILABLE'
  await assert.rejects(async () => store.read('h1'), isUnavailable)
  await assert.rejects(async () => store.create(recordAt(clock), 'h1'), isUnavailable)
  await assert.rejects(async () => store.destroy('s_1', tombstone(clock)), isUnavailable)
}
