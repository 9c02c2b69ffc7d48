/** How sessions end in a store, who they belong to, and what is handed over. */
import assert from 'node:assert/strict'
import {
  idleMs,
  liveOf,
  plain,
  recordAt,
  sessionOf,
  type Test,
  timesOf,
  tombstone,
} from './session-store-fixtures.ts'

export const ends: Readonly<Record<string, Test>> = {
  'replaces in one step': async (store, clock) => {
    await store.create(recordAt(clock), 'h1')
    const next = recordAt(clock, { id: 's_2', bytes: Uint8Array.of(9) })
    const grave = tombstone(clock, 'login')
    assert.deepEqual(await store.replace('s_1', 2, next, 'h2', grave), { outcome: 'conflict' })
    assert.equal(liveOf(await store.read('h1')).id, 's_1')
    assert.equal(await store.read('h2'), undefined)
    const replaced = await store.replace('s_1', 1, next, 'h2', grave)
    assert.deepEqual(replaced, { outcome: 'replaced', ended: ['s_1'], evicted: [] })
    assert.deepEqual(await store.read('h1'), { kind: 'ended', reason: 'login' })
    assert.deepEqual(liveOf(await store.read('h2')), next)
  },
  'replaces nothing when the new token is taken': async (store, clock) => {
    await store.create(recordAt(clock), 'h1')
    await store.create(recordAt(clock, { id: 's_2' }), 'h2')
    const next = recordAt(clock, { id: 's_3' })
    await assert.rejects(async () => store.replace('s_1', 1, next, 'h2', tombstone(clock)))
    assert.equal(liveOf(await store.read('h1')).id, 's_1')
    assert.deepEqual(await store.ends(0, 10), [])
  },
  'tells each end once, in order': async (store, clock) => {
    for (const n of [1, 2, 3, 4]) await store.create(recordAt(clock, { id: `s_${n}` }), `h${n}`)
    assert.deepEqual(await store.destroy('s_2', tombstone(clock)), ['s_2'])
    assert.deepEqual(await store.destroy('s_2', tombstone(clock)), [])
    const next = recordAt(clock, { id: 's_5' })
    await store.replace('s_1', 1, next, 'h5', tombstone(clock, 'login'))
    clock.advance(idleMs)
    await store.sweep(clock.nowMs(), 1, clock.nowMs() + 100)
    const feed = await store.ends(0, 10)
    assert.deepEqual(
      feed.map(({ reason }) => reason),
      ['logout', 'login', 'expired'],
    )
    assert.deepEqual(
      feed.slice(0, 2).map(({ id }) => id),
      ['s_2', 's_1'],
    )
    assert.ok(feed.every(({ position }, index) => position > (feed[index - 1]?.position ?? 0)))
    assert.deepEqual(await store.ends(feed[0]?.position ?? 0, 1), [feed[1]])
    assert.deepEqual(await store.ends(feed[2]?.position ?? 0, 10), [])
  },
  'forgets entries of the feed after an hour, not their numbers': async (store, clock) => {
    await store.create(recordAt(clock), 'h1')
    await store.destroy('s_1', tombstone(clock))
    const [old] = await store.ends(0, 10)
    clock.advance(3600e3)
    await store.sweep(clock.nowMs(), 10, clock.nowMs())
    assert.deepEqual(await store.ends(0, 10), [])
    await store.create(recordAt(clock), 'h2')
    await store.destroy('s_1', tombstone(clock))
    const [next] = await store.ends(0, 10)
    assert.ok((next?.position ?? 0) > (old?.position ?? 0))
  },
}

export const users: Readonly<Record<string, Test>> = {
  'lists the live sessions of a user, the last used first': async (store, clock) => {
    await store.create(sessionOf(clock, 'ada', 's_0'), 'h0')
    clock.advance(idleMs)
    await store.create(sessionOf(clock, 'ada', 's_1'), 'h1')
    await store.create(sessionOf(clock, 'bob', 's_2'), 'h2')
    await store.create(recordAt(clock, { id: 's_3' }), 'h3')
    clock.advance(1)
    await store.create(sessionOf(clock, 'ada', 's_4'), 'h4')
    const listed = await store.listByUser('ada')
    assert.deepEqual(
      listed.map(({ id }) => id),
      ['s_4', 's_1'],
    )
    assert.deepEqual(await store.listByUser('eve'), [])
  },
  'ends all sessions of a user but one': async (store, clock) => {
    for (const n of [1, 2, 3]) await store.create(sessionOf(clock, 'ada', `s_${n}`), `h${n}`)
    await store.create(sessionOf(clock, 'bob', 's_4'), 'h4')
    const ended = await store.destroyByUser('ada', tombstone(clock, 'revoked'), 's_2')
    assert.deepEqual([...ended].sort(), ['s_1', 's_3'])
    assert.deepEqual(await store.read('h1'), { kind: 'ended', reason: 'revoked' })
    assert.equal((await store.read('h2'))?.kind, 'live')
    assert.equal((await store.read('h4'))?.kind, 'live')
    assert.equal((await store.ends(0, 10)).length, 2)
    assert.deepEqual(await store.destroyByUser('ada', tombstone(clock, 'revoked')), ['s_2'])
  },
  'spares with a session what it was handed over from': async (store, clock) => {
    await store.create(sessionOf(clock, 'ada', 's_1'), 'h1')
    await store.create({ ...sessionOf(clock, 'ada', 's_2'), parentId: 's_1' }, 'h2')
    await store.create(sessionOf(clock, 'ada', 's_3'), 'h3')
    const ended = await store.destroyByUser('ada', tombstone(clock, 'revoked'), 's_2')
    assert.deepEqual(ended, ['s_3'])
  },
  'makes room for a new session by those that were used longest ago': async (store, clock) => {
    const limit = { sessionsMax: 2, tombstone: tombstone(clock, 'revoked') }
    for (const n of [1, 2]) {
      assert.deepEqual(await store.create(sessionOf(clock, 'ada', `s_${n}`), `h${n}`, limit), [])
      clock.advance(1)
    }
    await store.touch('s_1', timesOf(clock))
    await store.create(sessionOf(clock, 'bob', 's_8'), 'h8', limit)
    assert.deepEqual(await store.create(sessionOf(clock, 'ada', 's_3'), 'h3', limit), ['s_2'])
    assert.deepEqual(await store.read('h2'), { kind: 'ended', reason: 'revoked' })
    await store.create(recordAt(clock, { id: 's_4' }), 'h4')
    const login = sessionOf(clock, 'ada', 's_5')
    const replaced = await store.replace('s_4', 1, login, 'h5', tombstone(clock, 'login'), limit)
    assert.deepEqual(replaced, { outcome: 'replaced', ended: ['s_4'], evicted: ['s_1'] })
    const child = { ...sessionOf(clock, 'ada', 's_6'), parentId: 's_5' }
    assert.deepEqual(await store.create(child, 'h6', limit), ['s_3'])
    const grandchild = { ...sessionOf(clock, 'ada', 's_7'), parentId: 's_6' }
    assert.deepEqual(await store.create(grandchild, 'h7', limit), [])
  },
}

export const handOver: Readonly<Record<string, Test>> = {
  'ends a session with all that were handed over from it, whatever ends it': async (
    store,
    clock,
  ) => {
    const family = async (n: number): Promise<void> => {
      const ids = [1, 2, 3].map((one) => `s_${n}_${one}`)
      for (const [index, id] of ids.entries()) {
        const record = { ...sessionOf(clock, 'ada', id), parentId: ids[index - 1] }
        await store.create(record, `h_${id}`)
      }
    }
    for (const n of [1, 2, 3]) await family(n)
    const ended = await store.destroy('s_1_1', tombstone(clock))
    assert.deepEqual([ended[0], [...ended].sort()], ['s_1_1', ['s_1_1', 's_1_2', 's_1_3']])
    assert.deepEqual(await store.read('h_s_1_3'), { kind: 'ended', reason: 'logout' })
    const next = recordAt(clock, { id: 's_9' })
    const replaced = await store.replace('s_2_2', 1, next, 'h9', tombstone(clock, 'login'))
    assert.ok(replaced.outcome === 'replaced')
    assert.deepEqual([...replaced.ended].sort(), ['s_2_2', 's_2_3'])
    assert.equal((await store.read('h_s_2_1'))?.kind, 'live')
    assert.equal((await store.ends(0, 10)).length, 5)
    clock.advance(idleMs)
    const swept = await store.sweep(clock.nowMs(), 10, clock.nowMs() + 100)
    assert.equal(swept.length, 5)
  },
  'sweeps a session with those that are in use but were handed over from it': async (
    store,
    clock,
  ) => {
    await store.create(recordAt(clock), 'h1')
    await store.create(recordAt(clock, { id: 's_2', parentId: 's_1' }), 'h2')
    clock.advance(500)
    await store.touch('s_2', timesOf(clock))
    clock.advance(500)
    const swept = await store.sweep(clock.nowMs(), 10, clock.nowMs() + 100)
    assert.deepEqual([...swept].sort(), ['s_1', 's_2'])
    assert.deepEqual(await store.read('h2'), { kind: 'ended', reason: 'expired' })
  },
  'hands nothing over from what is not live': async (store, clock) => {
    const orphan = recordAt(clock, { id: 's_2', parentId: 's_1' })
    await assert.rejects(async () => store.create(orphan, 'h2'))
    await store.create(recordAt(clock), 'h1')
    await store.destroy('s_1', tombstone(clock))
    await assert.rejects(async () => store.create(orphan, 'h2'))
    assert.equal(await store.read('h2'), undefined)
  },
  'gives a code to one of many, once, and to nobody after its time': async (store, clock) => {
    await store.putCode('c1', Uint8Array.of(1, 0, 255), clock.nowMs() + 100)
    await store.putCode('c2', Uint8Array.of(2), clock.nowMs() + 100)
    await assert.rejects(async () => store.putCode('c1', Uint8Array.of(9), clock.nowMs() + 900))
    assert.deepEqual([...((await store.readCode('c1')) ?? [])], [1, 0, 255])
    assert.equal(await store.readCode('other'), undefined)
    const taken = await Promise.all(Array.from({ length: 50 }, async () => store.takeCode('c1')))
    const found = taken.filter((bytes) => bytes !== undefined)
    assert.deepEqual(
      found.map((bytes) => [...bytes]),
      [[1, 0, 255]],
    )
    assert.equal(await store.takeCode('other'), undefined)
    assert.equal(await store.readCode('c1'), undefined)
    clock.advance(100)
    assert.equal(await store.readCode('c2'), undefined)
    assert.equal(await store.takeCode('c2'), undefined)
    await store.sweep(clock.nowMs(), 10, clock.nowMs())
    assert.equal(await store.takeCode('c2'), undefined)
  },
}

export const scans: Readonly<Record<string, Test>> = {
  'goes through the live sessions page by page': async (store, clock) => {
    for (const n of [3, 1, 4, 2]) await store.create(recordAt(clock, { id: `s_${n}` }), `h${n}`)
    await store.destroy('s_2', tombstone(clock))
    const first = await store.scan(undefined, 2)
    assert.deepEqual(
      first.map(({ id }) => id),
      ['s_1', 's_3'],
    )
    const second = await store.scan('s_3', 2)
    assert.deepEqual(second.map(plain), [recordAt(clock, { id: 's_4' })])
    clock.advance(idleMs)
    assert.deepEqual(await store.scan(undefined, 10), [])
  },
}
