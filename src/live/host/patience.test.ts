import { expect, it } from 'vitest'
import { virtualClock } from '../../testing/index.ts'
import { patient } from './patience.ts'

it('judges after what lies in the pipes was read, and not at all when that settles it', () => {
  const clock = virtualClock()
  const unread: (() => void)[] = []
  const judge = patient(clock, (run) => unread.push(run))
  const judged: string[] = []
  const answered = judge.after(10, () => judged.push('answered'))
  judge.after(10, () => judged.push('silent'))
  judge.after(10, () => judged.push('never'))()
  clock.advance(10)
  expect(judged).toEqual([])
  answered()
  for (const run of unread) run()
  expect(judged).toEqual(['silent'])
})
