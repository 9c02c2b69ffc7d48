import { expect, it } from 'vitest'
import { limits } from '../base/core/index.ts'
import { virtualClock } from '../testing/index.ts'
import { Asks } from './asks.ts'

const setUp = () => {
  const clock = virtualClock()
  const asks = new Asks<string>(clock)
  const sent: number[] = []
  const put = () => asks.put((ask) => sent.push(ask))
  return { clock, asks, sent, put }
}

it('gives each question its own answer, once', async () => {
  const { asks, sent, put } = setUp()
  const answers = [put(), put()]
  const [first = 0, second = 0] = sent
  asks.answer(second, 'two')
  asks.answer(first, 'one')
  asks.answer(first, 'again')
  expect(await Promise.all(answers)).toEqual(['one', 'two'])
})

it('fails one that nobody answers in time, and all when nobody is there', async () => {
  const { clock, asks, sent, put } = setUp()
  const late = expect(put()).rejects.toMatchObject({ code: 'HOST_STOPPED' })
  clock.advance(limits.hostAnswerMs)
  await late
  asks.answer(sent[0] ?? 0, 'too late')
  const lost = expect(put()).rejects.toMatchObject({ code: 'HOST_STOPPED' })
  asks.fail()
  await lost
})

it('owes no more than a limited number of answers', async () => {
  const { clock, put } = setUp()
  const open = Array.from({ length: limits.hostAsksMax }, () => put().catch(() => {}))
  await expect(put()).rejects.toMatchObject({ code: 'ACTIONS_TOO_MANY' })
  clock.advance(limits.hostAnswerMs)
  await Promise.all(open)
  put().catch(() => {})
})
