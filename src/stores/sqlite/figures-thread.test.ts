/** That figures are worked out beside the thread that serves requests, and what becomes of faults. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest'
import { virtualClock } from '../../testing/index.ts'
import type { EventStore } from '../../web/analytics/index.ts'
import { FiguresThread } from './figures-thread.ts'
import { openSqlite, type Sqlite } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'sojourn-figures-'))
afterAll(() => rmSync(folder, { recursive: true }))

const period = { fromMs: 0, toMs: 1_000 }
const stays = 3_000
let folders = 0
let data: string
let sqlite: Sqlite
let events: EventStore
/** The threads that were started since the test began. */
let threads: Worker[]
let onThread: (thread: Worker) => void = () => {}
const watch = (thread: Worker): void => {
  threads.push(thread)
  onThread(thread)
}

beforeEach(() => {
  data = join(folder, String(folders++))
  sqlite = openSqlite({ data })
  events = sqlite.events()
  const names = ['started', 'view', 'paid']
  for (let seq = 1; seq <= stays / 100; seq++)
    events.append({
      writer: 'w_1',
      seq,
      events: Array.from({ length: 300 }, (_, n) => ({
        atMs: n,
        session: `s_${seq}_${n % 100}`,
        name: names[Math.floor(n / 100)] ?? '',
      })),
    })
  threads = []
  onThread = () => {}
  process.on('worker', watch)
})
afterEach(() => {
  process.off('worker', watch)
  sqlite.close()
})

const funnel = async () => events.funnel(['started', 'view', 'paid'], period)
const reached = [stays, stays, stays]
const unavailable = (more: object = {}) => ({ code: 'STORE_UNAVAILABLE', ...more })

it('leaves the event loop to others while it works out a funnel', async () => {
  let isDone = false
  const done = funnel().finally(() => {
    isDone = true
  })
  let turns = 0
  while (!isDone) {
    turns++
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(await done).toEqual(reached)
  expect(threads).toHaveLength(1)
  expect(turns).toBeGreaterThan(10)
})

it('is one thread, however many ask and whatever they ask', async () => {
  const answers = await Promise.all([
    funnel(),
    sqlite.events().count('view', period),
    events.topEvents(period, 1),
    events.startsPerHour(period),
    events.lengths(period),
    events.countActive(0),
    funnel(),
  ])
  expect(answers).toEqual([
    reached,
    stays,
    [{ name: 'paid', count: stays, sessions: stays }],
    [{ fromMs: 0, count: stays }],
    { count: 0, p50Ms: undefined, p90Ms: undefined },
    stays,
    reached,
  ])
  expect(threads).toHaveLength(1)
})

it('is not started for writing and reading, nor for what only memory has', async () => {
  events.list(0, 10)
  events.sweep(0, 10)
  const inMemory = openSqlite({ data: ':memory:' })
  expect(await inMemory.events().funnel(['view'], period)).toEqual([0])
  inMemory.close()
  expect(threads).toEqual([])
})

it('sees what was stored just before, and tells what it found to those who asked', async () => {
  for (let n = 1; n <= 20; n++) {
    const event = { atMs: 1, session: 's_new', name: `event ${n % 2}` }
    events.append({ writer: 'w_2', seq: n, events: [event] })
    const [odd, even] = [events.count('event 1', period), events.count('event 0', period)]
    expect([await odd, await even]).toEqual([Math.ceil(n / 2), Math.floor(n / 2)])
  }
})

it('ends with the store, and whoever waits is told', async () => {
  const closing = openSqlite({ data })
  const store = closing.events()
  const count = async () => store.count('view', period)
  await count()
  const ended = once(threads[0] as Worker, 'exit')
  const asked = Promise.allSettled([count(), count(), count()])
  closing.close()
  for (const call of await asked)
    expect(call).toMatchObject({ reason: unavailable({ detail: 'The store is closed.' }) })
  await ended
  await expect(count()).rejects.toMatchObject(unavailable())
  expect(threads).toHaveLength(1)
})

it('that dies is unavailable to who was being answered, and another takes its place', async () => {
  onThread = (thread) => void thread.terminate()
  const [first, second] = [funnel(), funnel()]
  await expect(first).rejects.toMatchObject(
    unavailable({ detail: 'The thread that answers has ended.' }),
  )
  onThread = () => {}
  await expect(second).resolves.toEqual(reached)
  const dead = once(threads[1] as Worker, 'exit')
  await threads[1]?.terminate()
  await dead
  expect(await funnel()).toEqual(reached)
  expect(threads).toHaveLength(3)
})

it('that can not read the file says why, each time it is asked', async () => {
  const thread = new FiguresThread(join(folder, 'nothing.db'), virtualClock())
  for (let n = 0; n < 2; n++)
    await expect(thread.ask('count', 'view', period)).rejects.toMatchObject(
      unavailable({ cause: expect.objectContaining({ message: expect.any(String) }) }),
    )
  thread.close()
})

it('that says a question can not be answered goes on to the next', async () => {
  const thread = new FiguresThread(join(data, 'events.db'), virtualClock())
  const odd = { fromMs: 0, toMs: {} as number }
  await expect(thread.ask('count', 'view', odd)).rejects.toMatchObject(unavailable())
  const unsendable = (() => {}) as unknown as string
  await expect(thread.ask('count', unsendable, period)).rejects.toMatchObject(unavailable())
  expect(await thread.ask('count', 'view', period)).toBe(stays)
  expect(threads).toHaveLength(1)
  thread.close()
})

it('that takes too long is given up, and another takes its place once it has ended', async () => {
  const clock = virtualClock()
  const thread = new FiguresThread(join(data, 'events.db'), clock)
  await thread.ask('count', 'view', period)
  const ended = once(threads[0] as Worker, 'exit')
  const asked = thread.ask('count', 'view', period)
  clock.advance(30_000)
  await expect(asked).rejects.toMatchObject(
    unavailable({ detail: 'A question was not answered within 30000 ms.' }),
  )
  await expect(thread.ask('count', 'view', period)).rejects.toMatchObject(
    unavailable({ detail: 'The last question was given up, but runs still.' }),
  )
  await ended
  expect(await thread.ask('count', 'view', period)).toBe(stays)
  expect(threads).toHaveLength(2)
  thread.close()
})
