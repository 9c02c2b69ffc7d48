import { assert, double, integer, property, record } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ScriptedServer } from '../../../test/fakes/server.ts'
import { virtualClock } from '../../testing/index.ts'
import { type SimulateOptions, simulateNetwork } from '../simulate/index.ts'
import { interpolate, mix, mixAngle } from './index.ts'

const everyMs = 40
const frameMs = 16
/** Units a millisecond. */
const speed = 0.3

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

/** Something that runs back and forth: its place at a time of the server. */
const placeAt = (timeMs: number): number => {
  const phase = (timeMs / 1_600) % 2
  return (phase < 1 ? phase : 2 - phase) * 1_600 * speed
}

/** Watches it for 20 s through a network, at 60 pictures a second. */
function watch(quality: SimulateOptions, pauseAtTick = 0) {
  const clock = virtualClock()
  const server = new ScriptedServer()
  const network = simulateNetwork({ ...quality, open: server.open, clock })
  const timeline = interpolate<number>({ mix, everyMs, clock })
  const socket = network.open('ws://x')
  socket.onmessage = ({ data }) => {
    const [tick = 0] = new Float64Array(data as ArrayBuffer)
    timeline.push(tick * everyMs, placeAt(tick * everyMs))
  }
  const drawn: number[] = []
  let tick = 0
  for (let nowMs = 0; nowMs < 20_000; nowMs += 4) {
    clock.advance(4)
    // A server that was killed is back after a second, and its time goes on where it was.
    const isDown =
      pauseAtTick > 0 && nowMs >= pauseAtTick * everyMs && nowMs < pauseAtTick * everyMs + 900
    if (nowMs % everyMs === 0 && !isDown) {
      tick += 1
      server.newest.bytes(new Uint8Array(Float64Array.of(tick).buffer))
    }
    if (nowMs % frameMs === 0) drawn.push(timeline.drawn() ?? Number.NaN)
  }
  const shown = drawn.filter((place) => !Number.isNaN(place))
  const moves = shown.slice(1).map((place, i) => Math.abs(place - (shown[i] ?? place)))
  const standing = moves.slice(100).filter((move) => move < 0.01).length / moves.slice(100).length
  return { clock, timeline, shown, moves, standing, lastMs: tick * everyMs }
}

describe('interpolate', () => {
  it('draws evenly, two intervals late, what arrives evenly', () => {
    const { moves, timeline } = watch({ latencyMs: 80 })
    expect(timeline.delayMs).toBe(2 * everyMs)
    const even = frameMs * speed
    // But for where it turns around.
    expect(moves.filter((move) => Math.abs(move - even) > 0.001).length).toBeLessThan(20)
    expect(Math.max(...moves)).toBeCloseTo(even)
  })

  it('never jumps and hardly ever stands at 100 ms and 2 % loss', () => {
    const quality = record({
      latencyMs: integer({ min: 0, max: 200 }),
      jitterMs: integer({ min: 0, max: 60 }),
      lossShare: integer({ min: 0, max: 20 }).map((n) => n / 1_000),
      seed: integer({ min: 1, max: 1e6 }),
    })
    assert(
      property(quality, ({ seed, ...quality }) => {
        const { moves, standing } = watch({ ...quality, random: seeded(seed) })
        // At twice the pace; and once what was drawn beyond the newest state, at a turn.
        expect(Math.max(...moves)).toBeLessThan(2 * frameMs * speed + 2 * everyMs * speed)
        expect(moves.filter((move) => move > 2 * frameMs * speed + 0.01).length).toBeLessThan(12)
        expect(standing).toBeLessThan(0.15)
      }),
      { numRuns: 60 },
    )
  })

  it('ends at the newest state when no other comes', () => {
    const { timeline, clock, lastMs } = watch({
      latencyMs: 100,
      lossShare: 0.02,
      random: seeded(7),
    })
    clock.advance(1_000)
    timeline.push(lastMs + everyMs, 500)
    timeline.push(lastMs + 2 * everyMs, 500)
    for (let n = 0; n < 100; n += 1) {
      clock.advance(frameMs)
      timeline.drawn()
    }
    expect(timeline.drawn()).toBe(500)
  })

  it('is as late as ever soon after the server was away for a second', () => {
    const { moves, timeline } = watch({ latencyMs: 100 }, 200)
    expect(Math.max(...moves)).toBeLessThan(2 * frameMs * speed + 2 * everyMs * speed + 0.01)
    expect(timeline.delayMs).toBe(2 * everyMs)
  })

  it('starts over on another time line, and takes a state of the same time as the better one', () => {
    const clock = virtualClock()
    const timeline = interpolate<number>({ mix, everyMs, clock })
    expect(timeline.drawn()).toBeUndefined()
    timeline.push(9_000, 1)
    timeline.push(9_000, 2)
    expect(timeline.drawn()).toBe(2)
    timeline.push(40, 3)
    expect(timeline.drawn()).toBe(3)
    expect(() => interpolate({ mix, everyMs: 0 })).toThrow(RangeError)
  })

  it('holds a bounded number of states, and draws on by one interval at most', () => {
    const clock = virtualClock()
    const timeline = interpolate<number>({ mix, everyMs, clock })
    for (let tick = 1; tick <= 1_000; tick += 1) {
      clock.advance(everyMs)
      timeline.push(tick * everyMs, tick)
      timeline.drawn()
    }
    clock.advance(5_000)
    expect(timeline.drawn()).toBe(1_001)
  })
})

describe('mixAngle', () => {
  it('takes the short way round', () => {
    expect(mixAngle(350, 10, 0.5, 360)).toBeCloseTo(360)
    expect(mixAngle(10, 350, 0.5, 360)).toBeCloseTo(0)
    expect(mixAngle(0, Math.PI / 2, 0.5)).toBeCloseTo(Math.PI / 4)
  })

  it('is never more than half a turn off, and ends where it should', () => {
    const angle = double({ min: -1_000, max: 1_000, noNaN: true })
    assert(
      property(angle, angle, (from, to) => {
        const end = mixAngle(from, to, 1)
        expect(Math.abs(end - from)).toBeLessThanOrEqual(Math.PI + 1e-6)
        expect(Math.cos(end)).toBeCloseTo(Math.cos(to), 5)
        expect(Math.sin(end)).toBeCloseTo(Math.sin(to), 5)
      }),
    )
  })
})
