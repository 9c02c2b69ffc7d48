/** What is worked out from events: stays, funnels, and all of it beside the plain model. */
import assert from 'node:assert/strict'
import type { EventStore, Period } from '../web/analytics/index.ts'
import type { SessionEvent } from '../web/session/index.ts'
import { EventModel } from './event-model.ts'
import { all, event, hourMs, startMs, store, type Test } from './event-store-fixtures.ts'

export const stays: Readonly<Record<string, Test>> = {
  'go on when a login replaces the session': async (target) => {
    await store(target, event('s_1', 'started', 10), event('s_1', 'view', 20))
    await store(target, event('s_2', 'login', 30, { user: 'ada', from: 's_1' }))
    await store(target, event('s_3', 'login', 40, { user: 'ada', from: 's_2' }))
    await store(target, event('s_3', 'view', 45), event('s_3', 'logout', 50))
    assert.deepEqual(await target.startsPerHour(all), [{ fromMs: startMs, count: 1 }])
    assert.deepEqual(await target.lengths(all), { count: 1, p50Ms: 40, p90Ms: 40 })
    const [top] = await target.topEvents(all, 2)
    assert.deepEqual(top && { ...top, name: '' }, { name: '', count: 2, sessions: 1 })
    assert.deepEqual(await target.funnel(['started', 'view', 'logout'], all), [1, 1, 1])
  },
  'are counted by the hour in which they started': async (target) => {
    await store(target, event('s_1', 'started', 2 * hourMs), event('s_2', 'started', hourMs - 1))
    await store(target, event('s_3', 'started', 0), event('s_4', 'view', 0))
    assert.deepEqual(await target.startsPerHour(all), [
      { fromMs: startMs, count: 2 },
      { fromMs: startMs + 2 * hourMs, count: 1 },
    ])
  },
  'are active from their last event until they end': async (target) => {
    await store(
      target,
      event('s_1', 'view', 10),
      event('s_2', 'view', 20),
      event('s_3', 'view', 20),
    )
    await store(target, event('s_3', 'expired', 21))
    const active = async (since: number): Promise<number> => target.countActive(startMs + since)
    assert.deepEqual([await active(10), await active(11), await active(21)], [2, 1, 0])
  },
  'have percentiles that are lengths of theirs': async (target) => {
    assert.deepEqual(await target.lengths(all), { count: 0, p50Ms: undefined, p90Ms: undefined })
    for (let length = 1; length <= 11; length++)
      await store(
        target,
        event(`s_${length}`, 'started', 0),
        event(`s_${length}`, 'revoked', length),
      )
    await store(target, event('s_x', 'logout', 900))
    assert.deepEqual(await target.lengths(all), { count: 11, p50Ms: 6, p90Ms: 10 })
    const late = { ...all, fromMs: startMs + 11 }
    assert.deepEqual(await target.lengths(late), { count: 1, p50Ms: 11, p90Ms: 11 })
  },
}

export const funnels: Readonly<Record<string, Test>> = {
  'count who did one step after the other, in the order of time': async (target) => {
    await store(target, event('s_1', 'a', 1), event('s_1', 'b', 2), event('s_1', 'c', 3))
    await store(target, event('s_2', 'b', 1), event('s_2', 'a', 2), event('s_2', 'c', 3))
    await store(target, event('s_3', 'c', 3), event('s_3', 'b', 2), event('s_3', 'a', 1))
    await store(target, event('s_4', 'a', 1), event('s_5', 'b', 1))
    assert.deepEqual(await target.funnel(['a', 'b', 'c'], all), [4, 2, 2])
    assert.deepEqual(await target.funnel(['c'], all), [3])
    assert.deepEqual(await target.funnel(['a', 'unknown', 'c'], all), [4, 0, 0])
  },
  'take events of the same time in the order in which they were stored': async (target) => {
    await store(target, event('s_1', 'a'), event('s_1', 'b'), event('s_2', 'b'), event('s_2', 'a'))
    assert.deepEqual(await target.funnel(['a', 'b'], all), [2, 1])
  },
  'need two events for a step that is asked for twice': async (target) => {
    await store(target, event('s_1', 'a', 1), event('s_2', 'a', 1), event('s_2', 'a', 2))
    assert.deepEqual(await target.funnel(['a', 'a'], all), [2, 1])
  },
  'find the start from which all steps come in time': async (target) => {
    await store(target, event('s_1', 'a', 0), event('s_1', 'a', 8), event('s_1', 'b', 9))
    await store(target, event('s_1', 'a', 10), event('s_1', 'c', 12))
    const reached = async (withinMs?: number) => target.funnel(['a', 'b', 'c'], all, withinMs)
    assert.deepEqual(await reached(), [1, 1, 1])
    assert.deepEqual(await reached(4), [1, 1, 1])
    assert.deepEqual(await reached(3), [1, 1, 0])
    assert.deepEqual(await reached(0), [1, 0, 0])
  },
  'see nothing outside of the period': async (target) => {
    await store(target, event('s_1', 'a', 0), event('s_1', 'b', 5), event('s_1', 'c', 9))
    const period = (from: number, to: number): Period => ({
      fromMs: startMs + from,
      toMs: startMs + to,
    })
    assert.deepEqual(await target.funnel(['a', 'b', 'c'], period(0, 9)), [1, 1, 0])
    assert.deepEqual(await target.funnel(['a', 'b', 'c'], period(1, 10)), [0, 0, 0])
  },
}

export const altogether: Readonly<Record<string, Test>> = {
  'answers as the plain model of this contract does': async (target) => {
    const model = new EventModel()
    const next = sequence(20300101)
    for (let seq = 1; seq <= 40; seq++) {
      const batch = Array.from({ length: 1 + next(15) }, () => randomEvent(next))
      for (const each of [target, model]) await each.append({ writer: 'w_1', seq, events: batch })
    }
    for (let ask = 0; ask < 40; ask++) {
      const fromMs = startMs + next(50) * hourMs
      const period = { fromMs, toMs: fromMs + (1 + next(50)) * hourMs }
      const steps = Array.from({ length: 1 + next(4) }, () => nameOf(next))
      const withinMs = next(2) === 0 ? undefined : next(20) * hourMs
      for (const answer of [
        (each: EventStore) => each.countActive(period.toMs),
        (each: EventStore) => each.startsPerHour(period),
        (each: EventStore) => each.lengths(period),
        (each: EventStore) => each.count(steps[0] ?? '', period),
        (each: EventStore) => each.topEvents(period, 4),
        (each: EventStore) => each.funnel(steps, period, withinMs),
      ])
        assert.deepEqual(await answer(target), await answer(model))
    }
  },
}

/** Small numbers that are the same in every run (a linear congruence). */
function sequence(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((state / 2 ** 31) * below)
  }
}

const names = ['started', 'view', 'cart', 'buy', 'login', 'logout', 'expired']

function nameOf(next: (below: number) => number): string {
  return names[next(names.length)] ?? 'view'
}

function randomEvent(next: (below: number) => number): SessionEvent {
  const [name, session] = [nameOf(next), `s_${next(60)}`]
  const from = name === 'login' && next(2) === 0 ? `s_${next(60)}` : undefined
  return event(session, name, next(100) * hourMs, { from })
}
