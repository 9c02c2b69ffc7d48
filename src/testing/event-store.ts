/** What every event store must do, as a suite that runs in any test runner. */
import assert from 'node:assert/strict'
import type { Awaitable, SojournError } from '../base/core/index.ts'
import type { EventStore } from '../web/analytics/index.ts'
import { events, retention } from './event-store-events.ts'
import { altogether, funnels, stays } from './event-store-figures.ts'
import { all, event, type Test } from './event-store-fixtures.ts'
import type { SuiteTools } from './session-store.ts'

/** A store on its own, freshly opened for one test. */
export interface EventStoreUnderTest {
  readonly store: EventStore
  /** Makes every later call fail; called at the end of each test too. */
  close(): Awaitable<void>
}

type Open = () => Awaitable<EventStoreUnderTest>

/**
 * Describes the contract of `EventStore` for one driver.
 *
 * @param name of the driver
 * @param open opens an empty store
 */
export function describeEventStore(name: string, open: Open, { describe, it }: SuiteTools): void {
  const run = (tests: Readonly<Record<string, Test>>): void => {
    for (const [title, test] of Object.entries(tests))
      it(title, async () => {
        const { store, close } = await open()
        try {
          await test(store)
        } finally {
          await close()
        }
      })
  }
  describe(`event store: ${name}`, () => {
    describe('events', () => run(events))
    describe('stays', () => run(stays))
    describe('funnels', () => run(funnels))
    describe('retention', () => run(retention))
    describe('altogether', () => run(altogether))
    describe('faults', () => it('says STORE_UNAVAILABLE', () => closedStoreFails(open)))
  })
}

async function closedStoreFails(open: Open): Promise<void> {
  const { store: target, close } = await open()
  await close()
  for (const call of [
    () => target.append({ writer: 'w_1', seq: 1, events: [event('s_1', 'view')] }),
    () => target.countActive(0),
    () => target.startsPerHour(all),
    () => target.lengths(all),
    () => target.count('view', all),
    () => target.topEvents(all, 5),
    () => target.funnel(['view'], all),
    () => target.list(0, 5),
    () => target.sweep(0, 5),
  ])
    await assert.rejects(
      async () => call(),
      (error: SojournError) => error.code === 'STORE_UNAVAILABLE',
    )
}
