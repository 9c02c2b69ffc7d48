import { describe, expect, it } from 'vitest'
import { openInstance, settle } from '../../../test/fakes/instance.ts'
import { type Log, silentLog } from '../../base/core/index.ts'
import { virtualClock } from '../../testing/index.ts'
import { backend } from './index.ts'
import { Ticker } from './ticker.ts'

/** A ticker whose turns are held back for as long as a test likes. */
function open(everyMs: number) {
  const clock = virtualClock()
  const steps: { count: number; elapsedMs: number }[] = []
  const logged: object[] = []
  const log: Log = { ...silentLog, error: (facts) => logged.push(facts) }
  const state = { busyMs: 0, error: undefined as Error | undefined, isFull: false }
  const ticker = new Ticker({
    clock,
    log,
    everyMs,
    turn: (work) => {
      if (state.isFull) throw new Error('full')
      if (state.busyMs === 0) work()
      else clock.after(state.busyMs, () => void work())
    },
    run: (step) => {
      steps.push(step)
      return state.error
    },
  })
  return { clock, ticker, steps, logged, state }
}

describe('Ticker', () => {
  it('keeps its rate, however late a tick comes', () => {
    const { clock, ticker, steps, state } = open(100)
    ticker.set(true)
    state.busyMs = 30
    clock.advance(1_030)
    expect(steps).toHaveLength(10)
    expect(steps.every(({ count }) => count === 1)).toBe(true)
    expect(steps.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0)).toBe(1_030)
  })

  it('takes late ticks together, and says how many', () => {
    const { clock, ticker, steps, state } = open(100)
    ticker.set(true)
    clock.advance(100)
    state.busyMs = 350
    clock.advance(100 + 350)
    state.busyMs = 0
    clock.advance(150)
    expect(steps).toEqual([
      { count: 1, elapsedMs: 100 },
      { count: 4, elapsedMs: 450 },
      { count: 1, elapsedMs: 50 },
      { count: 1, elapsedMs: 100 },
    ])
  })

  it('starts anew, and what waited from before does not run', () => {
    const { clock, ticker, steps, state } = open(100)
    ticker.set(true)
    state.busyMs = 500
    clock.advance(100)
    ticker.set(false)
    state.busyMs = 0
    ticker.set(true)
    clock.advance(250)
    expect(steps).toEqual([
      { count: 1, elapsedMs: 100 },
      { count: 1, elapsedMs: 100 },
    ])
    clock.advance(1_000)
    expect(steps).toHaveLength(12)
  })

  it('counts what it missed when no turn was to be had, and goes on', () => {
    const { clock, ticker, steps, state } = open(100)
    ticker.set(true)
    state.isFull = true
    clock.advance(350)
    state.isFull = false
    clock.advance(50)
    expect(steps).toEqual([{ count: 4, elapsedMs: 400 }])
  })

  it('that fails goes on, and does not fill the log', () => {
    const { clock, ticker, steps, state, logged } = open(100)
    state.error = new Error('no')
    ticker.set(true)
    clock.advance(15_000)
    expect(steps).toHaveLength(150)
    expect(logged).toMatchObject([{ failures: 1 }, { failures: 100 }])
  })

  it('that was stopped does not start again', () => {
    const { clock, ticker, steps } = open(100)
    ticker.stop()
    ticker.set(true)
    clock.advance(1_000)
    expect(steps).toEqual([])
  })
})

const clockwork = (whenEmpty?: boolean) =>
  backend({
    state: () => ({ steps: 0 }),
    tick: {
      everyMs: 100,
      ...(whenEmpty !== undefined && { whenEmpty }),
      run: (ctx, { count }) => {
        if (ctx.connections.length > 1) ctx.broadcast('crowd')
        else ctx.state.steps += count
        if (ctx.state.steps === 3) throw new Error('no three')
      },
    },
  })
const stepsOf = (world: Awaited<ReturnType<typeof openInstance>>) =>
  (world.instance.history.tracked.state as { steps: number }).steps

describe('tick', () => {
  it('runs while somebody is connected, as a turn of which others see the change', async () => {
    const world = await openInstance(clockwork())
    world.clock.advance(1_000)
    expect(stepsOf(world)).toBe(0)
    const peer = await world.enter()
    world.clock.advance(200)
    await settle()
    expect(peer.replica.state).toEqual({ steps: 2 })
    peer.conversation?.closed()
    world.clock.advance(1_000)
    expect(stepsOf(world)).toBe(2)
  })

  it('keeps the instance awake for those who watch, and for nobody else', async () => {
    const world = await openInstance(clockwork(true))
    world.clock.advance(1_000)
    expect(world.awake).toEqual([])
    const [one, two] = [await world.enter(), await world.enter()]
    one.conversation?.closed()
    expect(world.awake).toEqual([true])
    two.conversation?.closed()
    expect(world.awake).toEqual([true, false])
  })

  it('is rolled back when it fails, and writes nothing when it changes nothing', async () => {
    const world = await openInstance(clockwork())
    const peer = await world.enter()
    world.clock.advance(500)
    expect(stepsOf(world)).toBe(2)
    await settle()
    const before = world.journal.written.length
    await world.enter()
    world.clock.advance(300)
    await settle()
    expect(world.journal.written).toHaveLength(before)
    expect(peer.all('event')).toHaveLength(3)
  })

  it('goes on without connections where it is told to, until the instance stops', async () => {
    const world = await openInstance(clockwork(true))
    world.clock.advance(200)
    expect(stepsOf(world)).toBe(2)
    await world.instance.stop()
    const { length } = world.journal.written
    world.clock.advance(1_000)
    await settle()
    expect(world.journal.written).toHaveLength(length)
  })

  it.each([0, -1, Number.NaN, 60_001])('refuses a rate of %d', (everyMs) => {
    const tick = { everyMs, run: () => {} }
    expect(() => backend({ state: () => ({}), tick })).toThrow(RangeError)
  })
})
