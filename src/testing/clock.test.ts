import { expect, it } from 'vitest'
import { virtualClock } from './index.ts'

it('stands still, then calls what is due in order, each at its time', () => {
  const clock = virtualClock(1_000)
  const seen: [string, number, number][] = []
  const note = (name: string) => (): void => {
    seen.push([name, clock.nowMs(), clock.monotonicMs()])
  }
  clock.after(20, note('b'))
  clock.after(10, () => {
    note('a')()
    clock.after(5, note('nested'))
  })
  const cancel = clock.after(15, note('never'))
  clock.after(31, note('later'))
  cancel()
  expect(clock.nowMs()).toBe(1_000)
  clock.advance(30)
  expect(seen).toEqual([
    ['a', 1_010, 10],
    ['nested', 1_015, 15],
    ['b', 1_020, 20],
  ])
  expect(clock.monotonicMs()).toBe(30)
})
