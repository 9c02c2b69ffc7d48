import { expect, it } from 'vitest'
import { virtualClock } from '../testing/index.ts'
import { Line } from './line.ts'

function setUp() {
  const clock = virtualClock()
  const line = new Line(clock, 1_000)
  const began: string[] = []
  const ends = new Map<string, () => void>()
  const ask = (name: string): Promise<string> =>
    line.run(async () => {
      began.push(name)
      await new Promise<void>((resolve) => ends.set(name, resolve))
      return `answer ${name}`
    })
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { clock, line, began, ask, end }
}

it('lets one begin when the one before has ended, in the order in which they came', async () => {
  const { began, ask, end } = setUp()
  const answers = Promise.all(['a', 'b', 'c'].map(ask))
  expect(began).toEqual(['a'])
  await end('a')
  expect(began).toEqual(['a', 'b'])
  await end('b')
  await end('c')
  expect(await answers).toEqual(['answer a', 'answer b', 'answer c'])
})

it('keeps its order when one comes just as another is let in', async () => {
  const { began, ask, end, line } = setUp()
  void ask('a')
  void ask('b')
  void line.run(() => began.push('c')).then(() => line.run(() => began.push('d')))
  await end('a')
  await end('b')
  expect(began).toEqual(['a', 'b', 'c', 'd'])
})

it('goes on after a failure', async () => {
  const { line } = setUp()
  const failing = line.run(() => Promise.reject(new Error('broken')))
  const next = line.run(() => 'answer')
  await expect(failing).rejects.toThrow('broken')
  expect(await next).toBe('answer')
})

it('refuses who would be the 65th to wait, and sends away who has waited for long', async () => {
  const { clock, line, ask, end } = setUp()
  const first = ask('first')
  const waiting = Promise.allSettled(Array.from({ length: 64 }, (_, n) => ask(`${n}`)))
  await expect(ask('65th')).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    detail: '64 questions wait for their turn.',
  })
  clock.advance(1_000)
  for (const call of await waiting)
    expect(call).toMatchObject({
      reason: {
        code: 'STORE_UNAVAILABLE',
        detail: 'A question has waited 1000 ms for its turn.',
      },
    })
  await end('first')
  expect(await first).toBe('answer first')
  expect(await line.run(() => 'free')).toBe('free')
})
