import { array, assert, constantFrom, integer, property, record } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { virtualClock } from '../../testing/index.ts'
import { mix, type NumberedInput, predict } from './index.ts'

const everyMs = 40
const frameMs = 8
const stepSize = 10

/** A thing on a line: moves by its input, between two walls. */
const step = (place: number, input: number): number =>
  Math.min(Math.max(place + input * stepSize, 0), 10_000)
/** Far apart is a jump. */
const shown = (from: number, to: number, share: number): number =>
  Math.abs(to - from) > 1_000 ? to : mix(from, to, share)

interface Script {
  readonly inputs: readonly number[]
  /** How long each message takes, there and back; messages keep their order. */
  readonly delaysMs: readonly number[]
  /** What the server does to the thing by itself, at some of its ticks. */
  readonly bumps: readonly number[]
}

/** Plays a script; then no input but 0 is made until everything has arrived. */
function play({ inputs, delaysMs, bumps }: Script) {
  const clock = virtualClock()
  const own = predict<number, number>({ step, mix: shown, everyMs, clock })
  let server = { place: 5_000, n: 0 }
  const onWay: { atMs: number; arrive: () => void }[] = []
  const lastAtMs = { up: 0, down: 0 }
  let sent = 0
  const send = (way: 'up' | 'down', arrive: () => void): void => {
    const delayMs = delaysMs[sent++ % delaysMs.length] ?? 0
    lastAtMs[way] = Math.max(lastAtMs[way], clock.monotonicMs() + delayMs)
    onWay.push({ atMs: lastAtMs[way], arrive })
  }
  const take = ({ n, input }: NumberedInput<number>): void => {
    server = { place: step(server.place, input), n }
  }
  const drawn: number[] = []
  own.confirm(server.place, 0)
  const totalMs = inputs.length * everyMs + 4_000
  for (let nowMs = 0; nowMs < totalMs; nowMs += frameMs) {
    clock.advance(frameMs)
    for (const { arrive } of onWay.filter(({ atMs }) => atMs <= clock.monotonicMs())) arrive()
    onWay.splice(0, onWay.length, ...onWay.filter(({ atMs }) => atMs > clock.monotonicMs()))
    const input = inputs[Math.floor(nowMs / everyMs)] ?? 0
    for (const made of own.advance(input)) send('up', () => take(made))
    if (nowMs % everyMs === 0) {
      const tick = nowMs / everyMs
      if (tick < inputs.length) server.place += bumps[tick % bumps.length] ?? 0
      const { place, n } = server
      send('down', () => own.confirm(place, n))
    }
    drawn.push(own.drawn() ?? Number.NaN)
  }
  const moves = drawn.slice(1).map((place, i) => Math.abs(place - (drawn[i] ?? place)))
  return { own, server, drawn, moves }
}

const script = record({
  inputs: array(constantFrom(-1, 0, 1), { minLength: 1, maxLength: 60 }),
  delaysMs: array(integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 12 }),
})
const still = [0]

describe('predict', () => {
  it('shows the own input at once, and the same whatever the network does', () => {
    assert(
      property(script, (script) => {
        const here = play({ ...script, delaysMs: [0], bumps: still })
        const there = play({ ...script, bumps: still })
        const gaps = here.drawn.map((place, i) => Math.abs(place - (there.drawn[i] ?? 0)))
        expect(Math.max(...gaps)).toBeLessThan(1e-6)
      }),
      { numRuns: 50 },
    )
  })

  it('never jumps by a correction, and ends where the server is', () => {
    const bumps = array(integer({ min: -80, max: 80 }), { minLength: 1, maxLength: 30 })
    assert(
      property(script, bumps, (script, bumps) => {
        const { own, server, drawn, moves } = play({ ...script, bumps })
        expect([own.state, Number(drawn.at(-1)?.toFixed(3))]).toEqual([server.place, server.place])
        // Of all that is left to ease, a picture brings a share; the bumps of a round trip pile up.
        const most = 20 * Math.max(...bumps.map(Math.abs)) * (1 - Math.exp(-frameMs / 100))
        expect(Math.max(...moves)).toBeLessThan((stepSize * frameMs) / everyMs + most + 2)
      }),
      { numRuns: 50 },
    )
  })

  it('eases a correction', () => {
    const clock = virtualClock()
    const own = predict<number, number>({ step, mix: shown, everyMs, clock })
    own.confirm(100, 0)
    own.confirm(200, 0)
    const seen = [0, 20, 100, 400].map((ms) => {
      clock.advance(ms)
      return Math.round(own.drawn() ?? 0)
    })
    expect(seen).toEqual([100, 118, 170, 200])
    clock.advance(1_000)
    expect(own.drawn()).toBe(200)
    // What the game takes for a jump is one.
    own.confirm(5_000, 0)
    expect(own.drawn()).toBe(5_000)
  })

  it('makes the steps that are due, and skips a long pause', () => {
    const clock = virtualClock()
    const own = predict<number, number>({ step, mix: shown, everyMs, clock })
    expect(own.advance(1)).toEqual([])
    expect(own.drawn()).toBeUndefined()
    own.confirm(0, 0)
    expect(own.advance(1)).toEqual([{ n: 1, input: 1 }])
    expect(own.advance(1)).toEqual([])
    clock.advance(2 * everyMs)
    expect(own.advance(1).map(({ n }) => n)).toEqual([2, 3])
    clock.advance(60_000)
    expect(own.advance(1).map(({ n }) => n)).toEqual([4, 5, 6, 7, 8])
    expect(own.state).toBe(80)
  })

  it('stands still when the server is silent, until a new connection', () => {
    const clock = virtualClock()
    const own = predict<number, number>({ step, mix: shown, everyMs, clock })
    own.confirm(0, 0)
    for (let n = 0; n < 200; n += 1) {
      own.advance(1)
      clock.advance(everyMs)
    }
    expect(own.state).toBe(64 * stepSize)
    own.reset()
    own.confirm(320, 0)
    expect(own.advance(1)).toEqual([{ n: 1, input: 1 }])
    expect(own.state).toBe(330)
    expect(() => predict({ step, mix, everyMs: Number.NaN })).toThrow(RangeError)
  })
})
