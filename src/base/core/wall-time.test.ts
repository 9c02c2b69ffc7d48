import { describe, expect, it } from 'vitest'
import { virtualClock } from '../../testing/index.ts'
import { atWallTime } from './wall-time.ts'

const day = 86_400_000

function jumpingClock() {
  const inner = virtualClock()
  const delays: number[] = []
  let jumpedMs = 0
  const clock = {
    ...inner,
    nowMs: () => inner.nowMs() + jumpedMs,
    after: (ms: number, run: () => void) => {
      delays.push(ms)
      return inner.after(ms, run)
    },
  }
  const jump = (ms: number): void => {
    jumpedMs += ms
  }
  return { clock, delays, jump, advance: inner.advance }
}

describe('atWallTime', () => {
  it('waits longer than a timer of the machine can, and is never early', () => {
    const { clock, delays, advance } = jumpingClock()
    const ranMs: number[] = []
    const atMs = clock.nowMs() + 40 * day
    atWallTime(clock, atMs, () => ranMs.push(clock.nowMs()))
    advance(40 * day - 1)
    expect(ranMs).toEqual([])
    advance(1)
    advance(day)
    expect(ranMs).toEqual([atMs])
    expect(delays.every((ms) => ms < 2 ** 31)).toBe(true)
  })

  it('follows the wall clock when it is set forward, or back', () => {
    const { clock, jump, advance } = jumpingClock()
    let ran = 0
    atWallTime(clock, clock.nowMs() + day, () => (ran += 1))
    jump(day)
    advance(10_000)
    expect(ran).toBe(1)
    atWallTime(clock, clock.nowMs() + 1_000, () => (ran += 1))
    jump(-60_000)
    advance(60_000)
    expect(ran).toBe(1)
    advance(1_000)
    expect(ran).toBe(2)
  })

  it('is over when it is cancelled, also after it looked again', () => {
    const { clock, advance } = jumpingClock()
    let ran = 0
    const cancel = atWallTime(clock, clock.nowMs() + 60_000, () => (ran += 1))
    advance(30_000)
    cancel()
    advance(day)
    expect(ran).toBe(0)
  })
})
