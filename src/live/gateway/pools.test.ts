import type { Pool } from 'undici'
import { expect, it } from 'vitest'
import { limits } from '../../base/core/index.ts'
import { virtualClock } from '../../testing/index.ts'
import { Pools } from './pools.ts'

it('keeps one pool an address, until it was idle for a while', async () => {
  const clock = virtualClock()
  const pools = new Pools(clock)
  const lent: Pool[] = []
  const use = (path: string) => {
    let done = (): void => {}
    const over = pools.use({ path }, (pool) => {
      lent.push(pool)
      return new Promise((resolve) => (done = resolve))
    })
    return {
      end() {
        done()
        return over
      },
    }
  }
  const [one, two, other] = [use('/a'), use('/a'), use('/b')]
  expect(lent[0]).toBe(lent[1])
  expect(lent[0]).not.toBe(lent[2])
  await one.end()
  clock.advance(limits.poolIdleMs)
  expect(pools.size).toBe(2)
  await two.end()
  clock.advance(limits.poolIdleMs - 1)
  const again = use('/a')
  clock.advance(limits.poolIdleMs)
  expect([pools.size, lent[3]]).toEqual([2, lent[0]])
  await again.end()
  clock.advance(limits.poolIdleMs)
  expect([pools.size, lent[0]?.closed, lent[2]?.closed]).toEqual([1, true, false])
  pools.destroy()
  expect([pools.size, lent[2]?.destroyed]).toEqual([0, true])
  const anew = use('/b')
  await other.end()
  clock.advance(limits.poolIdleMs)
  expect([pools.size, lent[4]?.closed]).toEqual([1, false])
  await anew.end()
})
