import { describe, expect, it } from 'vitest'
import { type Log, logVia, systemRandom } from '../../base/core/index.ts'
import { EventModel } from '../../testing/event-model.ts'
import { virtualClock } from '../../testing/index.ts'
import type { SessionEvent } from '../session/index.ts'
import type { EventBatch } from './store.ts'
import { EventWriter, writerLimits } from './writer.ts'

const { queuedMax, batchMax, flushEveryMs, dropsSaidEveryMs, triesMax, closeMs } = writerLimits
const event = (number: number): SessionEvent => ({
  atMs: number,
  session: 's_1',
  name: `e${number}`,
})
const settle = () => new Promise((resolve) => setImmediate(resolve))

/** A store that fails or hangs on demand, and what reached it. */
class Store {
  readonly #model = new EventModel()
  mode: 'works' | 'fails' | 'hangs' | 'stores, then fails' = 'works'
  readonly tries: EventBatch[] = []
  append(batch: EventBatch): Promise<void> | void {
    this.tries.push(batch)
    if (this.mode === 'hangs') return new Promise(() => {})
    if (this.mode === 'fails') throw new Error('down')
    this.#model.append(batch)
    if (this.mode === 'stores, then fails') throw new Error('no answer')
  }
  names(): string[] {
    return this.#model.list(0, 1e6).map(({ name }) => name)
  }
}

function setUp() {
  const clock = virtualClock()
  const store = new Store()
  const lines: [object, string][] = []
  const log: Log = logVia((_, facts, message) => lines.push([facts, message]))
  const writer = new EventWriter({ store, clock, random: systemRandom, log })
  const add = (from: number, count: number): void => {
    for (let number = from; number < from + count; number++) writer.add(event(number))
  }
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms)
    await settle()
  }
  const sizes = (): number[] => store.tries.map(({ events }) => events.length)
  return { clock, store, lines, writer, add, pass, sizes }
}

describe('the way of events into the store', () => {
  it('brings what came within a second in one batch, in its order', async () => {
    const { store, add, pass, sizes } = setUp()
    add(1, 2)
    await pass(flushEveryMs - 1)
    expect(store.tries).toEqual([])
    add(3, 1)
    await pass(1)
    expect([sizes(), store.names()]).toEqual([[3], ['e1', 'e2', 'e3']])
    await pass(10 * flushEveryMs)
    expect(sizes()).toEqual([3])
  })

  it('brings a full batch soon, but not while the request waits', async () => {
    const { add, pass, sizes } = setUp()
    add(0, batchMax + 1)
    expect(sizes()).toEqual([])
    await pass(0)
    expect(sizes()).toEqual([batchMax])
    await pass(flushEveryMs)
    expect(sizes()).toEqual([batchMax, 1])
  })

  it('tries a batch again, later each time, and keeps the order', async () => {
    const { store, add, pass, lines } = setUp()
    store.mode = 'fails'
    add(1, 2)
    await pass(flushEveryMs)
    add(3, batchMax)
    await pass(2 * flushEveryMs - 1)
    expect(store.tries).toHaveLength(1)
    await pass(1)
    await pass(4 * flushEveryMs - 1)
    expect(store.tries).toHaveLength(2)
    store.mode = 'works'
    await pass(1)
    await pass(flushEveryMs)
    expect(store.names()).toEqual(
      Array.from({ length: batchMax + 2 }, (_, index) => `e${index + 1}`),
    )
    expect(lines.map(([, message]) => message)).toEqual([
      'events could not be stored; trying again',
    ])
  })

  it('stores nothing twice when the answer got lost', async () => {
    const { store, add, pass } = setUp()
    store.mode = 'stores, then fails'
    add(1, 2)
    await pass(flushEveryMs)
    store.mode = 'works'
    add(3, 1)
    await pass(2 * flushEveryMs)
    await pass(flushEveryMs)
    expect(store.tries.length).toBeGreaterThan(2)
    expect(store.names()).toEqual(['e1', 'e2', 'e3'])
  })

  it('drops the newest above its limit and says how many, once in a while', async () => {
    const { store, add, pass, lines } = setUp()
    store.mode = 'hangs'
    add(0, queuedMax - 1)
    await pass(flushEveryMs)
    add(queuedMax - 1, 8)
    expect(lines).toEqual([])
    await pass(dropsSaidEveryMs)
    expect(lines).toEqual([[{ events: 7 }, 'events were dropped']])
    add(0, 2)
    await pass(dropsSaidEveryMs)
    expect(lines[1]).toEqual([{ events: 2 }, 'events were dropped'])
    await pass(10 * dropsSaidEveryMs)
    expect(lines).toHaveLength(2)
  })

  it('gives a batch up after so many tries, says so, and goes on with the next', async () => {
    const { store, add, pass, lines } = setUp()
    store.mode = 'fails'
    add(1, 2)
    for (let tries = 0; tries < triesMax; tries++) await pass(writerLimits.retryPauseMsMax)
    store.mode = 'works'
    add(3, 1)
    await pass(dropsSaidEveryMs)
    expect(store.tries).toHaveLength(triesMax + 1)
    expect(store.names()).toEqual(['e3'])
    expect(lines.at(-1)).toEqual([{ events: 2 }, 'events were dropped'])
  })
})

describe('closing', () => {
  it('stores all that waits', async () => {
    const { store, writer, add, lines } = setUp()
    add(0, 2 * batchMax + 1)
    await writer.close()
    expect(store.names()).toHaveLength(2 * batchMax + 1)
    await writer.close()
    add(0, 1)
    expect([store.names().length, lines]).toEqual([2 * batchMax + 1, []])
  })

  it('waits no longer than its limit, and says what was lost', async () => {
    const { store, writer, add, pass, lines } = setUp()
    store.mode = 'hangs'
    add(0, batchMax)
    await pass(0)
    add(0, 5)
    let isClosed = false
    const closed = writer.close().then(() => {
      isClosed = true
    })
    await pass(closeMs - 1)
    expect(isClosed).toBe(false)
    await pass(1)
    await closed
    expect(lines).toEqual([[{ events: batchMax + 5 }, 'events were dropped']])
  })

  it('gives up at the first failure', async () => {
    const { store, writer, add, lines } = setUp()
    store.mode = 'fails'
    add(0, 5)
    await writer.close()
    expect(store.tries).toHaveLength(1)
    expect(lines.at(-1)).toEqual([{ events: 5 }, 'events were dropped'])
  })
})
