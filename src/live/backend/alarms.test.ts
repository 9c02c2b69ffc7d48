import { describe, expect, it } from 'vitest'
import { openInstance, settle } from '../../../test/fakes/instance.ts'
import { MemoryJournal } from '../../../test/fakes/journal.ts'
import { limits } from '../../base/core/index.ts'
import { virtualClock } from '../../testing/index.ts'
import { backend, type Context } from './index.ts'

interface State {
  rang: unknown[]
}
const rang = (world: { instance: { history: { tracked: { state: object } } } }) => [
  ...(world.instance.history.tracked.state as State).rang,
]

/** A backend that runs, as its one action, whatever the test wants. */
function scripted(more: { level?: 'memory' } = {}) {
  let script: (ctx: Context<State>) => unknown = () => {}
  const failures = { left: 0 }
  const made = backend({
    ...more,
    state: (): State => ({ rang: [] }),
    alarms: {
      ring: (ctx, payload: unknown) => {
        ctx.state.rang.push(payload)
        ctx.broadcast('rang', payload)
      },
      // Changes nothing: only its going is on record.
      quiet: () => {},
      again: (ctx, left: number) => {
        ctx.state.rang.push(left)
        if (left > 0) ctx.schedule('again', ctx.clock.nowMs() + 1_000, left - 1)
      },
      fail: (ctx, payload: unknown) => {
        ctx.state.rang.push(payload)
        ctx.schedule('ring:never', 0)
        failures.left -= 1
        if (failures.left >= 0) throw new Error('no')
        ctx.unschedule('ring:never')
      },
      caller: (ctx) => {
        ctx.state.rang.push(ctx.caller)
      },
    },
    actions: (action) => ({ go: action((ctx) => script(ctx as Context<State>)) }),
  })
  return {
    made,
    failures,
    script: (next: typeof script) => {
      script = next
    },
  }
}

async function open(journal = new MemoryJournal(), more: { level?: 'memory' } = {}) {
  const { made, script, failures } = scripted(more)
  const world = await openInstance(made, journal, virtualClock())
  const peer = await world.enter()
  let n = 0
  const go = async (next: (ctx: Context<State>) => unknown): Promise<unknown> => {
    script(next)
    n += 1
    peer.act(n, 'go', null, n - 1)
    await settle()
    return peer.results.at(-1)
  }
  const later = async (ms: number): Promise<void> => {
    world.clock.advance(ms)
    await settle()
  }
  const inMs = (ms: number): number => world.clock.nowMs() + ms
  return { ...world, world, made, peer, go, later, inMs, failures }
}

describe('an alarm', () => {
  it('calls the handler of its kind with its payload, not before its time, once', async () => {
    const { go, later, inMs, world, peer, journal } = await open()
    await go((ctx) => ctx.schedule('ring:a', new Date(inMs(5_000)), { a: [1] }))
    await go((ctx) => ctx.schedule('ring', inMs(1_000)))
    expect(journal.wakeAtMs).toBe(inMs(1_000))
    await later(999)
    expect(rang(world)).toEqual([])
    await later(1)
    expect(rang(world)).toEqual([null])
    await later(10_000)
    expect(rang(world)).toEqual([null, { a: [1] }])
    expect(peer.replica.state).toEqual({ rang: [null, { a: [1] }] })
    expect(peer.all('event').map(({ payload }) => payload)).toEqual([null, { a: [1] }])
    expect(journal.wakeAtMs).toBe(0)
  })

  it('is replaced by another of its name, and taken back', async () => {
    const { go, later, inMs, world } = await open()
    await go((ctx) => {
      ctx.schedule('ring:a', inMs(1_000), 1)
      ctx.schedule('ring:a', inMs(2_000), 2)
      ctx.schedule('ring:b', inMs(1_000), 3)
    })
    await go((ctx) => ctx.unschedule('ring:b'))
    await later(1_999)
    expect(rang(world)).toEqual([])
    await later(1)
    expect(rang(world)).toEqual([2])
  })

  it('of a time that is past rings at once; several ring in the order of their times', async () => {
    const { go, later, world } = await open()
    await go((ctx) => {
      ctx.schedule('ring:b', 2, 'b')
      ctx.schedule('ring:a', 1, 'a')
    })
    await later(0)
    await later(0)
    expect(rang(world)).toEqual(['a', 'b'])
  })

  it('may set itself again', async () => {
    const { go, later, inMs, world } = await open()
    await go((ctx) => ctx.schedule('again', inMs(1_000), 2))
    for (let second = 0; second < 5; second += 1) await later(1_000)
    expect(rang(world)).toEqual([2, 1, 0])
  })

  it('has no caller', async () => {
    const { go, later, world } = await open()
    await go((ctx) => ctx.schedule('caller', 0))
    await later(0)
    expect(rang(world)).toEqual([])
  })

  it('of a turn that fails is not set, and one that it took back still rings', async () => {
    const { go, later, inMs, world, journal } = await open()
    await go((ctx) => ctx.schedule('ring:kept', inMs(1_000), 'kept'))
    await go((ctx) => {
      ctx.schedule('ring:new', inMs(10), 'new')
      ctx.schedule('ring:kept', inMs(10), 'replaced')
      ctx.unschedule('ring:kept')
      throw new Error('no')
    })
    expect(journal.wakeAtMs).toBe(inMs(1_000))
    await later(999)
    expect(rang(world)).toEqual([])
    await later(1)
    expect(rang(world)).toEqual(['kept'])
  })

  it('whose handler fails leaves nothing, and is tried again, each time after twice as long', async () => {
    const { go, later, inMs, world, failures, journal } = await open()
    failures.left = 14
    await go((ctx) => ctx.schedule('fail', 0, 'done'))
    await later(0)
    const pauses: number[] = []
    while (journal.wakeAtMs > 0) {
      const pauseMs = journal.wakeAtMs - inMs(0)
      pauses.push(pauseMs / 1_000)
      expect(rang(world)).toEqual([])
      await later(pauseMs)
    }
    expect(pauses.slice(0, 4)).toEqual([1, 2, 4, 8])
    expect(pauses.slice(-3)).toEqual([2_048, 3_600, 3_600])
    expect(rang(world)).toEqual(['done'])
  })

  it.each<[string, new () => Error, (ctx: Context<State>) => void]>([
    ['of an unknown kind', TypeError, (ctx) => ctx.schedule('nope:1', 0)],
    ['named as a property of every object', TypeError, (ctx) => ctx.schedule('toString', 0)],
    ['with too long a name', RangeError, (ctx) => ctx.schedule(`ring:${'x'.repeat(124)}`, 0)],
    ['with too large a payload', RangeError, (ctx) => ctx.schedule('ring', 0, 'x'.repeat(16_384))],
    ['at no time', RangeError, (ctx) => ctx.schedule('ring', new Date('nope'))],
    ['at an infinite time', RangeError, (ctx) => ctx.schedule('ring', Number.POSITIVE_INFINITY)],
    ['before 1970', RangeError, (ctx) => ctx.schedule('ring', -1)],
  ])('%s is refused at once', async (_, Kind, misuse) => {
    const { go } = await open()
    let thrown: unknown
    await go((ctx) => {
      try {
        misuse(ctx)
      } catch (error) {
        thrown = error
      }
    })
    expect(thrown).toBeInstanceOf(Kind)
  })

  it('above the limit of a key is refused; replacing one is not', async () => {
    const { go, inMs } = await open()
    const fill = (ctx: Context<State>) => {
      for (let n = 0; n < limits.alarmsMax; n += 1) ctx.schedule(`ring:${n}`, inMs(1_000))
    }
    expect(await go((ctx) => fill(ctx))).toMatchObject({ ok: true })
    expect(await go((ctx) => fill(ctx))).toMatchObject({ ok: true })
    expect(await go((ctx) => ctx.schedule('ring:one-more', 0))).toMatchObject({ ok: false })
    expect(
      await go((ctx) => {
        ctx.unschedule('ring:7')
        ctx.schedule('ring:one-more', inMs(1_000))
      }),
    ).toMatchObject({ ok: true })
  })

  it('is not rung by an instance that has stopped, nor set after its turn', async () => {
    const { go, later, inMs, world, instance } = await open()
    let late: Context<State> | undefined
    await go((ctx) => {
      late = ctx
      ctx.schedule('ring', inMs(1_000))
    })
    expect(() => late?.schedule('ring', 0)).toThrow(expect.objectContaining({ code: 'TURN_OVER' }))
    expect(() => late?.unschedule('ring')).toThrow(expect.objectContaining({ code: 'TURN_OVER' }))
    await instance.stop()
    await later(2_000)
    expect(rang(world)).toEqual([])
  })
})

describe('a successor', () => {
  it.each(['its records', 'its snapshot'])('has the alarms from %s', async (from) => {
    const first = await open()
    await first.go((ctx) => {
      ctx.schedule('ring:a', first.inMs(1_000), 'a')
      ctx.schedule('quiet', first.inMs(500))
      ctx.schedule('ring:b', first.inMs(100), 'b')
    })
    await first.later(600)
    if (from === 'its snapshot') await first.instance.stop()
    const clock = virtualClock(first.clock.nowMs() + 86_400_000)
    const next = await openInstance(first.made, first.journal, clock)
    clock.advance(0)
    await settle()
    expect(rang(next)).toEqual(['b', 'a'])
    expect(next.journal.wakeAtMs).toBe(0)
  })

  it('goes on counting the failures', async () => {
    const first = await open()
    first.failures.left = 3
    await first.go((ctx) => ctx.schedule('fail', 0))
    for (const ms of [0, 1_000, 2_000]) await first.later(ms)
    expect(first.journal.wakeAtMs).toBe(first.inMs(4_000))
    first.failures.left = 1
    const clock = virtualClock(first.inMs(4_000))
    const next = await openInstance(first.made, first.journal, clock)
    clock.advance(0)
    await settle()
    expect(next.journal.wakeAtMs).toBe(clock.nowMs() + 8_000)
  })

  it('tries an alarm again whose handler is gone, and loses nothing', async () => {
    const first = await open()
    await first.go((ctx) => ctx.schedule('ring', first.inMs(10)))
    const clock = virtualClock(first.inMs(10))
    const without = backend({ state: (): State => ({ rang: [] }) })
    await openInstance(without, first.journal, clock)
    clock.advance(0)
    await settle()
    expect(first.journal.wakeAtMs).toBe(clock.nowMs() + 1_000)
  })

  it('at level memory has those of the last orderly end', async () => {
    const first = await open(undefined, { level: 'memory' })
    await first.go((ctx) => ctx.schedule('ring', first.inMs(1_000)))
    expect(first.journal.wakeAtMs).toBe(0)
    await first.instance.stop()
    expect(first.journal.wakeAtMs).toBe(first.inMs(1_000))
    const clock = virtualClock(first.inMs(1_000))
    const next = await openInstance(first.made, first.journal, clock)
    clock.advance(0)
    await settle()
    expect(rang(next)).toEqual([null])
  })
})
