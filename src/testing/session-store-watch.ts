/** What whoever remembers sessions may rely on. */
import assert from 'node:assert/strict'
import type { SessionId } from '../base/core/index.ts'
import type { SessionStore } from '../web/session/index.ts'
import type { VirtualClock } from './clock.ts'
import {
  graceOf,
  recordAt,
  sessionOf,
  type Test,
  timesOf,
  tombstone,
} from './session-store-fixtures.ts'

type Step = (store: SessionStore, clock: VirtualClock) => unknown

/** What each call changes, in a store with `s_1`, `s_2` and `s_3` of one user. */
const steps: Readonly<Record<string, readonly [changed: readonly SessionId[], step: Step]>> = {
  commit: [['s_1'], (store) => store.commit('s_1', 1, Uint8Array.of(2))],
  touch: [['s_1'], (store, clock) => store.touch('s_1', timesOf(clock))],
  rotate: [['s_1'], (store, clock) => store.rotate('s_1', 'h1', 'h9', graceOf(clock))],
  replace: [
    ['s_1', 's_2', 's_3'],
    (store, clock) =>
      store.replace('s_1', 1, sessionOf(clock, 'ada', 's_4'), 'h4', tombstone(clock), {
        sessionsMax: 1,
        tombstone: tombstone(clock),
      }),
  ],
  'create, when others make room': [
    ['s_1', 's_2', 's_3'],
    (store, clock) =>
      store.create(sessionOf(clock, 'ada', 's_4'), 'h4', {
        sessionsMax: 1,
        tombstone: tombstone(clock),
      }),
  ],
  destroy: [['s_2'], (store, clock) => store.destroy('s_2', tombstone(clock))],
  destroyByUser: [
    ['s_1', 's_3'],
    (store, clock) => store.destroyByUser('ada', tombstone(clock), 's_2'),
  ],
  sweep: [
    ['s_1', 's_2', 's_3'],
    (store, clock) => {
      clock.advance(20_000)
      return store.sweep(clock.nowMs(), 10, clock.nowMs() + 300)
    },
  ],
}

async function tells(
  store: SessionStore,
  clock: VirtualClock,
  expected: readonly SessionId[],
  step: Step,
): Promise<void> {
  for (const number of [1, 2, 3])
    await store.create(sessionOf(clock, 'ada', `s_${number}`), `h${number}`)
  const told = new Set<SessionId | undefined>()
  const watch = store.watch((id) => told.add(id))
  watch.isCurrent()
  told.clear()
  await step(store, clock)
  for (const id of expected)
    assert.ok(told.has(id) || told.has(undefined), `${id} was not told before the call settled`)
}

export const watching: Readonly<Record<string, Test>> = {
  ...Object.fromEntries(
    Object.entries(steps).map(([name, [expected, step]]): [string, Test] => [
      `tells what ${name} changes`,
      (store, clock) => tells(store, clock, expected, step),
    ]),
  ),

  'tells of a token that was replaced, and is accepted for a while only': async (store, clock) => {
    await store.create(recordAt(clock), 'h1')
    const isReplaced = async (hash: string): Promise<unknown> => {
      const state = await store.read(hash)
      return state?.kind === 'live' && state.isReplaced
    }
    assert.equal(await isReplaced('h1'), false)
    await store.rotate('s_1', 'h1', 'h2', graceOf(clock))
    assert.deepEqual([await isReplaced('h1'), await isReplaced('h2')], [true, false])
  },

  'tells no more once it is stopped': async (store, clock) => {
    await store.create(recordAt(clock), 'h1')
    const told: (SessionId | undefined)[] = []
    const watch = store.watch((id) => told.push(id))
    watch.isCurrent()
    watch.stop()
    told.length = 0
    await store.commit('s_1', 1, Uint8Array.of(2))
    assert.deepEqual(told, [])
  },

  'answers at once, or never does': async (store, clock) => {
    const calls = [
      store.create(recordAt(clock), 'h1'),
      store.read('h1'),
      store.commit('s_1', 1, Uint8Array.of(2)),
      store.touch('s_1', timesOf(clock)),
      store.listByUser('ada'),
      store.ends(0, 1),
      store.destroy('s_1', tombstone(clock)),
    ]
    const isPromised = calls.map((call) => call instanceof Promise)
    assert.deepEqual(
      isPromised,
      calls.map(() => !store.answersAtOnce),
    )
    await Promise.all(calls)
  },
}
