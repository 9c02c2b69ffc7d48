/** What becomes of events: stored once, given back in order, counted, forgotten. */
import assert from 'node:assert/strict'
import { all, allOf, event, startMs, store, type Test } from './event-store-fixtures.ts'

export const events: Readonly<Record<string, Test>> = {
  'gives back what was stored, in its order': async (target) => {
    const props = { text: '“ünïcode” \u0000 💡', number: -1.5, yes: true }
    await store(
      target,
      event('s_1', 'started', 5),
      event('s_1', '💡 view', 3, { user: 'ada', props }),
    )
    await store(target, event('s_2', 'login', 6, { user: 'ada', from: 's_1' }))
    const none = { props: undefined, from: undefined }
    assert.deepEqual(await allOf(target), [
      { ...event('s_1', 'started', 5), ...none },
      { ...event('s_1', '💡 view', 3), ...none, user: 'ada', props },
      { ...event('s_2', 'login', 6), ...none, user: 'ada', from: 's_1' },
    ])
    const [first, second, third] = await target.list(0, 2)
    assert.equal(third, undefined)
    const rest = await target.list(second?.position ?? 0, 100)
    assert.deepEqual(
      rest.map(({ name }) => name),
      ['login'],
    )
    assert.ok((first?.position ?? 0) < (second?.position ?? 0))
  },
  'stores a batch once, however often it is sent': async (target) => {
    const batch = { writer: 'w_1', seq: 1, events: [event('s_1', 'view')] }
    await target.append(batch)
    await target.append(batch)
    await target.append({ ...batch, seq: 2 })
    await target.append(batch)
    await target.append({ ...batch, writer: 'w_2' })
    assert.equal((await allOf(target)).length, 3)
  },
  'stores all of a batch or nothing': async (target) => {
    const broken = event('s_1', undefined as unknown as string)
    await assert.rejects(async () => store(target, event('s_1', 'started'), broken))
    assert.deepEqual(await allOf(target), [])
    assert.equal(await target.countActive(0), 0)
  },
  'counts events of a period, its end left out': async (target) => {
    await store(target, event('s_1', 'view', 0), event('s_1', 'view', 5), event('s_2', 'view', 9))
    const count = async (from: number, to: number): Promise<number> =>
      target.count('view', { fromMs: startMs + from, toMs: startMs + to })
    assert.deepEqual([await count(0, 9), await count(0, 10), await count(1, 9)], [2, 3, 1])
    assert.equal(await target.count('other', all), 0)
  },
  'names the most frequent, those of the same count by name': async (target) => {
    await store(
      target,
      ...['b', 'a', 'c', 'c'].map((name) => event('s_1', name)),
      event('s_2', 'c'),
    )
    const top = [
      { name: 'c', count: 3, sessions: 2 },
      { name: 'a', count: 1, sessions: 1 },
      { name: 'b', count: 1, sessions: 1 },
    ]
    assert.deepEqual(await target.topEvents(all, 9), top)
    assert.deepEqual(await target.topEvents(all, 2), top.slice(0, 2))
  },
}

export const retention: Readonly<Record<string, Test>> = {
  'forgets the oldest first, at most so many': async (target) => {
    await store(target, event('s_1', 'c', 30), event('s_1', 'a', 10), event('s_2', 'b', 20))
    assert.equal(await target.sweep(startMs + 30, 1), 1)
    const left = await target.list(0, 9)
    assert.deepEqual(
      left.map(({ name, session }) => [name, session]),
      [
        ['c', 's_1'],
        ['b', 's_2'],
      ],
    )
    assert.equal(await target.sweep(startMs + 30, 9), 1)
    assert.equal(await target.sweep(startMs + 30, 9), 0)
    assert.deepEqual(
      (await target.list(0, 9)).map(({ name }) => name),
      ['c'],
    )
    assert.deepEqual(await target.funnel(['a', 'b'], all), [0, 0])
  },
  'keeps the start of a stay that goes on': async (target) => {
    await store(target, event('s_1', 'started', 0), event('s_2', 'started', 1))
    await store(target, event('s_1', 'view', 50))
    await target.sweep(startMs + 50, 9)
    assert.deepEqual(await target.startsPerHour(all), [{ fromMs: startMs, count: 1 }])
    await store(target, event('s_1', 'logout', 60))
    assert.deepEqual(await target.lengths(all), { count: 1, p50Ms: 60, p90Ms: 60 })
  },
  'names no other session as the one before, once that is forgotten': async (target) => {
    await store(target, event('s_2', 'started', 0), event('s_1', 'started', 0))
    await store(target, event('s_2', 'login', 5, { from: 's_1' }))
    await target.sweep(startMs + 1, 9)
    await store(target, event('s_3', 'started', 6))
    assert.deepEqual(
      (await target.list(0, 9)).map(({ name, from }) => [name, from]),
      [
        ['login', undefined],
        ['started', undefined],
      ],
    )
  },
  'gives no position a second time': async (target) => {
    await store(target, event('s_1', 'a', 0))
    const [before] = await target.list(0, 1)
    await target.sweep(startMs + 1, 9)
    await store(target, event('s_1', 'b', 2))
    const [after] = await target.list(0, 1)
    assert.ok((after?.position ?? 0) > (before?.position ?? 0))
  },
}
