import { describe, expect, it } from 'vitest'
import { limits } from '../../base/core/index.ts'
import { type ActionResult, pack, unpack } from '../../base/protocol/index.ts'
import { virtualClock } from '../../testing/index.ts'
import { Results } from './results.ts'

const done = (n: number): ActionResult => ({ n, ok: true, value: `did ${n}` })
const refused = (code: string) => expect.objectContaining({ code })

describe('Results', () => {
  it('answers an action that ran before from the record, and runs the next', () => {
    const results = new Results(virtualClock(1_000_000))
    const client = `s_1/${results.issue('abc')}`
    expect(results.answer(client, 1, 0)).toBeUndefined()
    results.record(client, done(1))
    expect(results.answer(client, 1, 0)).toEqual(done(1))
    expect(results.answer(client, 2, 1)).toBeUndefined()
    expect(() => results.answer(client, 1, 1)).toThrow(refused('ACTION_UNKNOWN'))
    expect(() => results.answer(client, 4, 1)).toThrow(refused('MESSAGE_MALFORMED'))
  })

  it('is the same after a recovery from records, or from a dump', () => {
    const clock = virtualClock(1_000_000)
    const results = new Results(clock)
    const client = `s_1/${results.issue('abc')}`
    const recorded = [
      results.record(client, done(1)),
      results.record(client, { n: 2, ok: false, code: 'FORBIDDEN', message: 'no' }),
    ]
    const replayed = new Results(clock)
    for (const each of recorded) replayed.recover(unpack(pack(each)))
    const loaded = new Results(clock)
    loaded.load(results.dump())
    for (const copy of [replayed, loaded]) {
      expect(copy.answer(client, 1, 0)).toEqual(done(1))
      expect(copy.answer(client, 2, 0)).toMatchObject({ code: 'FORBIDDEN' })
      expect(copy.answer(client, 3, 2)).toBeUndefined()
    }
  })

  it('never runs an action twice whose outcome was forgotten', () => {
    const clock = virtualClock(1_000_000)
    const results = new Results(clock)
    const old = `/${results.issue('old')}`
    results.record(old, done(1))
    clock.advance(limits.resultKeptMs + 1)
    results.record(`/${results.issue('new')}`, done(1))
    expect(results.accepts(old, 0)).toBe(false)
    // The one who is still connected must be able to come again.
    expect(() => results.answer(old, 2, 0)).toThrow(expect.objectContaining({ retry: true }))
    expect(results.accepts(`/${results.issue('fresh')}`, 0)).toBe(true)
    expect(results.accepts('/?.forged', 0)).toBe(false)
  })

  it('never runs an action twice when the clock was set back in between', () => {
    let nowMs = 1_000_000
    const results = new Results({ ...virtualClock(), nowMs: () => nowMs })
    const client = `/${results.issue('abc')}`
    nowMs = 500_000
    results.record(client, done(1))
    nowMs += limits.resultKeptMs + 1
    results.record('/other', done(1))
    expect(results.accepts(client, 0)).toBe(false)
  })

  it('believes no client id from the future: forgetting it would forget all others', () => {
    const results = new Results(virtualClock(1_000_000))
    expect(results.accepts('/zzzzzzzz.abc', 0)).toBe(false)
    expect(results.accepts(`/${results.issue('abc')}`, 0)).toBe(true)
  })

  it('bounds the answers that a client does not acknowledge', () => {
    const results = new Results(virtualClock(1_000_000))
    const client = `/${results.issue('abc')}`
    for (let n = 1; n <= limits.actionsOpenMax; n += 1) {
      expect(results.answer(client, n, 0)).toBeUndefined()
      results.record(client, done(n))
    }
    expect(() => results.answer(client, limits.actionsOpenMax + 1, 0)).toThrow(
      refused('ACTIONS_TOO_MANY'),
    )
    expect(results.answer(client, limits.actionsOpenMax + 1, 1)).toBeUndefined()
  })
})
