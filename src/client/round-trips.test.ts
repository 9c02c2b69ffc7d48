import fc from 'fast-check'
import { expect, it } from 'vitest'
import { virtualClock } from '../testing/index.ts'
import { RoundTrips } from './round-trips.ts'

/** One ping: the ways there and back, and how far the server's clock is ahead of ours then. */
function ask(
  clock: ReturnType<typeof virtualClock>,
  trips: RoundTrips,
  { there, back, aheadMs }: { there: number; back: number; aheadMs: number },
): void {
  const sentMs = clock.monotonicMs()
  clock.advance(there)
  const serverMs = Math.floor(clock.monotonicMs() + aheadMs)
  clock.advance(back)
  trips.take({ sentMs, serverMs })
}

const wayMs = fc.nat(500)
const ways = fc.array(fc.record({ there: wayMs, back: wayMs }), { minLength: 1, maxLength: 20 })

it('the time of the server is off by half of the quickest of the last answers at most', () => {
  fc.assert(
    fc.property(ways, fc.integer({ min: -1e9, max: 1e9 }), (ways, aheadMs) => {
      const clock = virtualClock()
      const trips = new RoundTrips(clock)
      for (const way of ways) ask(clock, trips, { ...way, aheadMs })
      const quickest = Math.min(...ways.slice(-8).map(({ there, back }) => there + back))
      const off = trips.serverTimeMs() - (clock.monotonicMs() + aheadMs)
      expect(Math.abs(off)).toBeLessThanOrEqual(quickest / 2 + 1)
      const last = ways.at(-1)
      expect(trips.lastMs).toBe((last?.there ?? 0) + (last?.back ?? 0))
    }),
  )
})

it('a clock that was set, or another server, makes older answers void', () => {
  const clock = virtualClock()
  const trips = new RoundTrips(clock)
  ask(clock, trips, { there: 1, back: 1, aheadMs: 0 })
  ask(clock, trips, { there: 50, back: 150, aheadMs: 60_000 })
  expect(Math.abs(trips.serverTimeMs() - clock.monotonicMs() - 60_000)).toBeLessThanOrEqual(101)
})
