import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeSessionStore, virtualClock } from '../../testing/index.ts'
import { recordAt, sessionOf, tombstone } from '../../testing/session-store-fixtures.ts'
import { Deadlines } from './deadlines.ts'
import { openMemory } from './index.ts'
import { Sorted } from './sorted.ts'

describeSessionStore(
  'memory',
  (clock) => {
    const memory = openMemory({ clock })
    return { store: memory.sessions(), close: () => memory.close() }
  },
  { describe, it },
)

describe('the bounds of the store in memory', () => {
  const clock = virtualClock()
  const grave = () => tombstone(clock)
  const record = (n: number) => recordAt(clock, { id: `s_${n}` })
  const isFull = expect.objectContaining({
    code: 'STORE_UNAVAILABLE',
    detail: expect.stringContaining('sessionsMax'),
  })

  it('refuses a session above sessionsMax, and says so', () => {
    const store = openMemory({ clock, sessionsMax: 2 }).sessions()
    store.create(record(1), 'h1')
    store.create(record(2), 'h2')
    expect(() => store.create(record(3), 'h3')).toThrow(isFull)
    expect(store.read('h3')).toBeUndefined()
    expect(store.replace('s_2', 1, record(3), 'h3', grave())).toMatchObject({
      outcome: 'replaced',
    })
    store.destroy('s_1', grave())
    expect(store.create(record(4), 'h4')).toEqual([])
  })

  it('refuses a code above it', () => {
    const store = openMemory({ clock, sessionsMax: 1 }).sessions()
    store.putCode('c1', Uint8Array.of(1), clock.nowMs() + 100)
    expect(() => store.putCode('c2', Uint8Array.of(1), clock.nowMs() + 100)).toThrow(isFull)
    store.takeCode('c1')
    store.putCode('c2', Uint8Array.of(1), clock.nowMs() + 100)
  })

  it('forgets the oldest tombstones and ends above it', () => {
    const store = openMemory({ clock, sessionsMax: 2 }).sessions()
    for (const n of [1, 2, 3]) {
      store.create(record(n), `h${n}`)
      store.destroy(`s_${n}`, grave())
      clock.advance(1)
    }
    expect(store.read('h1')).toBeUndefined()
    expect(store.read('h2')).toEqual({ kind: 'ended', reason: 'logout' })
    expect(store.ends(0, 10)).toMatchObject([
      { position: 2, id: 's_2' },
      { position: 3, id: 's_3' },
    ])
  })

  it('wants a whole number', () => {
    for (const sessionsMax of [0, -1, 1.5, Number.NaN])
      expect(() => openMemory({ sessionsMax })).toThrow(RangeError)
  })
})

describe('the store in memory', () => {
  it('shares no bytes with its callers', async () => {
    const clock = virtualClock()
    const store = openMemory({ clock }).sessions()
    const bytes = Uint8Array.of(1)
    store.create(recordAt(clock, { bytes }), 'h1')
    bytes[0] = 9
    const first = await store.readById('s_1')
    expect(first?.bytes).toEqual(Uint8Array.of(1))
    first?.bytes.fill(9)
    expect((await store.readById('s_1'))?.bytes).toEqual(Uint8Array.of(1))
  })

  it('ends nothing when a session replaces what it would be handed over from', () => {
    const clock = virtualClock()
    const store = openMemory({ clock }).sessions()
    store.create(sessionOf(clock, 'ada', 's_1'), 'h1')
    store.create({ ...sessionOf(clock, 'ada', 's_2'), parentId: 's_1' }, 'h2')
    const orphan = recordAt(clock, { id: 's_3', parentId: 's_2' })
    expect(() => store.replace('s_1', 1, orphan, 'h3', tombstone(clock))).toThrow('s_2')
    expect(store.ends(0, 10)).toEqual([])
    expect(store.read('h2')).toMatchObject({ kind: 'live' })
  })
})

describe('what keeps the order', () => {
  const change = fc.record({ key: fc.integer({ min: 0, max: 3_000 }), isGone: fc.boolean() })

  it('has what was added, in order, from anywhere', () => {
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 4_000, size: 'max' }),
        fc.nat(3_000),
        (changes, start) => {
          const sorted = new Sorted<number>((one, other) => one - other)
          const set = new Set<number>()
          for (const { key, isGone } of changes) {
            if (isGone) {
              sorted.delete(key)
              set.delete(key)
            } else if (!set.has(key)) {
              sorted.add(key)
              set.add(key)
            }
          }
          const expected = [...set].sort((one, other) => one - other)
          expect([...sorted.from()]).toEqual(expected)
          expect([...sorted.from(start)]).toEqual(expected.filter((key) => key >= start))
        },
      ),
      { numRuns: 50 },
    )
  })

  it('finds what is due without looking at the rest', () => {
    const deadlines = new Deadlines()
    for (let n = 0; n < 5_000; n++) deadlines.set(`s_${n}`, n)
    deadlines.set('s_0', 9_000)
    deadlines.delete('s_1')
    expect(deadlines.due(4, 2)).toEqual(['s_2', 's_3'])
    expect(deadlines.due(4, 10)).toEqual(['s_2', 's_3', 's_4'])
    expect(deadlines.size).toBe(4_999)
  })
})
