import { describe, expect, it } from 'vitest'
import { virtualClock } from '../../testing/index.ts'
import { News } from './index.ts'

function setUp() {
  const clock = virtualClock()
  const sent: string[] = []
  const told: (string | undefined)[] = []
  const news = new News(clock, async (text) => {
    sent.push(text)
  })
  news.watch((id) => told.push(id))
  const deliver = (): void => {
    for (const text of sent.splice(0)) news.hear(text)
  }
  return { clock, sent, told, news, deliver }
}

describe('news', () => {
  it('are current when a beat came back that was sent within the last second', () => {
    const { clock, news, deliver } = setUp()
    expect(news.isCurrent()).toBe(false)
    clock.advance(400)
    deliver()
    expect(news.isCurrent()).toBe(true)
    // What counts is when it was sent: the last one 150 ms ago.
    clock.advance(849)
    expect(news.isCurrent()).toBe(true)
    clock.advance(1)
    expect(news.isCurrent()).toBe(false)
  })

  it('go on beating as long as somebody asks, and rest when nobody does', () => {
    const { clock, sent, news, deliver } = setUp()
    for (let times = 0; times < 20; times++) {
      news.isCurrent()
      clock.advance(250)
      deliver()
    }
    expect(news.isCurrent()).toBe(true)
    for (let times = 0; times < 80; times++) clock.advance(250)
    deliver()
    sent.length = 0
    clock.advance(60_000)
    expect(sent).toEqual([])
    expect(news.isCurrent()).toBe(false)
    deliver()
    expect(news.isCurrent()).toBe(true)
  })

  it('tell ids, and everything after an interruption', () => {
    const { told, news, deliver } = setUp()
    news.isCurrent()
    deliver()
    told.length = 0
    news.hear('s_1')
    news.hear('')
    news.restart()
    expect(told).toEqual(['s_1', undefined, undefined])
    expect(news.isCurrent()).toBe(false)
  })

  it('are all forgotten when beats come again after a silence', () => {
    const { clock, sent, told, news, deliver } = setUp()
    news.isCurrent()
    deliver()
    told.length = 0
    for (let times = 0; times < 8; times++) {
      clock.advance(200)
      news.isCurrent()
      sent.length = 0
    }
    expect([news.isCurrent(), told]).toEqual([false, []])
    clock.advance(250)
    deliver()
    expect([news.isCurrent(), told]).toEqual([true, [undefined]])
  })

  it('are not proven by beats of others, nor by those from before an interruption', () => {
    const { sent, told, news } = setUp()
    news.isCurrent()
    news.restart()
    for (const beat of [...sent, 'beat w_other 1']) news.hear(beat)
    expect(news.isCurrent()).toBe(false)
    expect(told).toEqual([undefined])
  })

  it('tell of writes of this process before they settle; of everything when one fails', async () => {
    const { told, news } = setUp()
    expect(await news.after(Promise.resolve(['s_1', 's_2']), (ids) => ids)).toEqual(['s_1', 's_2'])
    await expect(news.after(Promise.reject(new Error('lost')), () => ['s_3'])).rejects.toThrow()
    expect(told).toEqual(['s_1', 's_2', undefined])
  })

  it('stop', () => {
    const { clock, sent, news, deliver } = setUp()
    news.isCurrent()
    deliver()
    news.close()
    clock.advance(10_000)
    expect([news.isCurrent(), sent]).toEqual([false, []])
  })
})
