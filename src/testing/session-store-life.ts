/** How a session lives in a store: found, changed, aged, given new tokens. */
import assert from 'node:assert/strict'
import type { SessionId } from '../base/core/index.ts'
import type { SessionStore } from '../web/session/index.ts'
import type { VirtualClock } from './clock.ts'
import {
  endMs,
  graceOf,
  idleMs,
  liveOf,
  plain,
  recordAt,
  type Test,
  timesOf,
  tombstone,
} from './session-store-fixtures.ts'

export const records: Readonly<Record<string, Test>> = {
  'finds what was created, by token and by id': async (store, clock) => {
    const user = { id: 'ada', authenticatedAtMs: clock.nowMs(), factors: ['password', 'totp'] }
    const device = 'Firefox on Linux — “ünïcode”'
    const record = recordAt(clock, { user, device, bytes: Uint8Array.of(0, 255, 7) })
    assert.deepEqual(await store.create(record, 'h1'), [])
    assert.deepEqual(liveOf(await store.read('h1')), record)
    assert.deepEqual(plain(await store.readById(record.id)), record)
  },
  'knows nothing of other tokens and ids': async (store, clock) => {
    await store.create(recordAt(clock), 'h1')
    assert.equal(await store.read('h2'), undefined)
    assert.equal(await store.readById('s_other'), undefined)
  },
  'refuses an id or a token that is taken, changing nothing': async (store, clock) => {
    const record = recordAt(clock)
    await store.create(record, 'h1')
    await assert.rejects(async () => store.create(record, 'h2'))
    await assert.rejects(async () => store.create(recordAt(clock, { id: 's_2' }), 'h1'))
    assert.equal(await store.read('h2'), undefined)
    assert.equal(await store.readById('s_2'), undefined)
    assert.deepEqual(liveOf(await store.read('h1')), record)
  },
}

export const commits: Readonly<Record<string, Test>> = {
  'writes upon the expected version and raises it': async (store, clock) => {
    await store.create(recordAt(clock), 'h1')
    clock.advance(10)
    const later = timesOf(clock)
    assert.equal(await store.commit('s_1', 1, Uint8Array.of(2), later), 'committed')
    const { version, bytes, touchedAtMs, expiresAtMs } = liveOf(await store.read('h1'))
    assert.deepEqual([version, [...bytes]], [2, [2]])
    assert.deepEqual({ touchedAtMs, expiresAtMs }, later)
  },
  'leaves the times alone when none are given': async (store, clock) => {
    await store.create(recordAt(clock), 'h1')
    const { touchedAtMs, expiresAtMs } = timesOf(clock)
    clock.advance(10)
    assert.equal(await store.commit('s_1', 1, Uint8Array.of(2)), 'committed')
    const found = liveOf(await store.read('h1'))
    assert.deepEqual([found.touchedAtMs, found.expiresAtMs], [touchedAtMs, expiresAtMs])
    clock.advance(990)
    assert.equal(await store.commit('s_1', 2, Uint8Array.of(3)), 'gone')
  },
  'lets one of two writers upon the same version win': async (store, clock) => {
    await store.create(recordAt(clock), 'h1')
    const write = async (byte: number): Promise<string> =>
      store.commit('s_1', 1, Uint8Array.of(byte), timesOf(clock))
    const outcomes = await Promise.all([write(2), write(3)])
    assert.deepEqual(outcomes.sort(), ['committed', 'conflict'])
    assert.equal(liveOf(await store.read('h1')).version, 2)
  },
  'never re-creates what has ended': async (store, clock) => {
    await store.create(recordAt(clock), 'h1')
    await store.destroy('s_1', tombstone(clock))
    assert.equal(await store.commit('s_1', 1, Uint8Array.of(2), timesOf(clock)), 'gone')
    assert.equal(await store.touch('s_1', timesOf(clock)), false)
    assert.equal(await store.rotate('s_1', 'h1', 'h2', graceOf(clock)), 'gone')
    const next = recordAt(clock, { id: 's_2' })
    assert.deepEqual(await store.replace('s_1', 1, next, 'h2', tombstone(clock)), {
      outcome: 'gone',
    })
    assert.equal(await store.readById('s_1'), undefined)
    assert.equal(await store.read('h2'), undefined)
  },
  'knows no session that never was': async (store, clock) => {
    assert.equal(await store.commit('s_1', 1, Uint8Array.of(2), timesOf(clock)), 'gone')
    assert.equal(await store.touch('s_1', timesOf(clock)), false)
    assert.deepEqual(await store.destroy('s_1', tombstone(clock)), [])
    assert.deepEqual(await store.ends(0, 10), [])
  },
}

export const times: Readonly<Record<string, Test>> = {
  'keeps a session until its idle limit, and no longer': async (store, clock) => {
    await store.create(recordAt(clock), 'h1')
    clock.advance(idleMs - 1)
    assert.equal((await store.read('h1'))?.kind, 'live')
    clock.advance(1)
    assert.deepEqual(await store.read('h1'), { kind: 'ended', reason: 'expired' })
    await assertOver(store, clock)
  },
  'keeps a session until its absolute limit, however much it is used': async (store, clock) => {
    await store.create(recordAt(clock), 'h1')
    const untilMs = clock.nowMs() + 2 * endMs
    assert.equal(
      await store.touch('s_1', { touchedAtMs: clock.nowMs(), expiresAtMs: untilMs }),
      true,
    )
    clock.advance(endMs - 1)
    assert.equal((await store.read('h1'))?.kind, 'live')
    clock.advance(1)
    assert.deepEqual(await store.read('h1'), { kind: 'ended', reason: 'expired' })
    await assertOver(store, clock)
  },
  'moves times on a touch, never backwards, and not the version': async (store, clock) => {
    await store.create(recordAt(clock), 'h1')
    const early = timesOf(clock)
    clock.advance(500)
    const late = timesOf(clock)
    assert.equal(await store.touch('s_1', late), true)
    assert.equal(await store.touch('s_1', early), true)
    const { touchedAtMs, expiresAtMs, version } = liveOf(await store.read('h1'))
    assert.deepEqual({ touchedAtMs, expiresAtMs }, late)
    assert.equal(version, 1)
  },
  'sweeps what has expired behind sessions that were made earlier and touched since': async (
    store,
    clock,
  ) => {
    const count = 50
    for (let n = 0; n < count; n++) await store.create(recordAt(clock, { id: `s_${n}` }), `h${n}`)
    clock.advance(500)
    for (let n = 0; n < count; n++) if (n !== 45) await store.touch(`s_${n}`, timesOf(clock))
    clock.advance(500)
    const untilMs = clock.nowMs() + 300
    const swept: SessionId[] = []
    // Some sweeps may find those alone that are still live.
    for (let tries = 0; tries < 5; tries++)
      swept.push(...(await store.sweep(clock.nowMs(), 2, untilMs)))
    assert.deepEqual(swept, ['s_45'])
    clock.advance(499)
    assert.deepEqual(await store.sweep(clock.nowMs(), count, untilMs), [])
    clock.advance(1)
    assert.equal((await store.sweep(clock.nowMs(), count, untilMs)).length, count - 1)
  },
  'sweeps what has expired, at most so many at once': async (store, clock) => {
    for (const n of [1, 2, 3]) await store.create(recordAt(clock, { id: `s_${n}` }), `h${n}`)
    clock.advance(500)
    await store.create(recordAt(clock, { id: 's_4' }), 'h4')
    clock.advance(500)
    const untilMs = clock.nowMs() + 100
    const first = await store.sweep(clock.nowMs(), 2, untilMs)
    const second = await store.sweep(clock.nowMs(), 2, untilMs)
    assert.deepEqual([...first, ...second].sort(), ['s_1', 's_2', 's_3'])
    assert.equal(first.length, 2)
    assert.deepEqual(await store.sweep(clock.nowMs(), 2, untilMs), [])
    assert.deepEqual(await store.read('h1'), { kind: 'ended', reason: 'expired' })
    assert.equal((await store.read('h4'))?.kind, 'live')
  },
  'forgets tombstones after their time': async (store, clock) => {
    await store.create(recordAt(clock), 'h1')
    await store.destroy('s_1', tombstone(clock))
    clock.advance(299)
    assert.deepEqual(await store.read('h1'), { kind: 'ended', reason: 'logout' })
    clock.advance(1)
    assert.equal(await store.read('h1'), undefined)
    await store.sweep(clock.nowMs(), 10, clock.nowMs())
    assert.equal(await store.read('h1'), undefined)
  },
}

export const rotation: Readonly<Record<string, Test>> = {
  'accepts the old token for a while, then knows it as rotated': async (store, clock) => {
    await store.create(recordAt(clock), 'h1')
    assert.equal(await store.rotate('s_1', 'h1', 'h2', graceOf(clock)), 'rotated')
    assert.equal(liveOf(await store.read('h1')).id, 's_1')
    assert.equal(liveOf(await store.read('h2')).id, 's_1')
    clock.advance(50)
    assert.deepEqual(await store.read('h1'), { kind: 'ended', reason: 'rotated' })
    assert.equal(liveOf(await store.read('h2')).id, 's_1')
  },
  'rotates the newest token only': async (store, clock) => {
    await store.create(recordAt(clock), 'h1')
    await store.rotate('s_1', 'h1', 'h2', graceOf(clock))
    assert.equal(await store.rotate('s_1', 'h1', 'h3', graceOf(clock)), 'superseded')
    assert.equal(await store.read('h3'), undefined)
    assert.equal(await store.rotate('s_1', 'h2', 'h3', graceOf(clock)), 'rotated')
  },
  'ends with all tokens of a session, those in their grace included': async (store, clock) => {
    await store.create(recordAt(clock), 'h1')
    await store.rotate('s_1', 'h1', 'h2', graceOf(clock))
    await store.destroy('s_1', tombstone(clock))
    for (const hash of ['h1', 'h2'])
      assert.deepEqual(await store.read(hash), { kind: 'ended', reason: 'logout' })
  },
}

/** A session past its times is live for no method. */
async function assertOver(store: SessionStore, clock: VirtualClock): Promise<void> {
  assert.equal(await store.readById('s_1'), undefined)
  assert.equal(await store.commit('s_1', 1, Uint8Array.of(2), timesOf(clock)), 'gone')
  assert.equal(await store.touch('s_1', timesOf(clock)), false)
  assert.equal(await store.rotate('s_1', 'h1', 'h2', graceOf(clock)), 'gone')
  const next = recordAt(clock, { id: 's_2' })
  assert.deepEqual(await store.replace('s_1', 1, next, 'h2', tombstone(clock)), {
    outcome: 'gone',
  })
  assert.deepEqual(await store.destroy('s_1', tombstone(clock)), [])
}
