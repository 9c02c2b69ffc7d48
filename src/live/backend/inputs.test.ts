import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openInstance, settle } from '../../../test/fakes/instance.ts'
import { limits } from '../../base/core/index.ts'
import { backend } from './index.ts'

/** Remembers what its ticks got. */
function game() {
  const got: [who: string, values: number[]][][] = []
  const made = backend({
    state: () => ({ steps: 0 }),
    tick: {
      everyMs: 50,
      input: z.object({ n: z.int(), text: z.string().optional() }),
      run: (ctx, { inputs }) => {
        const byCaller = Map.groupBy(inputs, ({ caller }) => caller.user ?? '')
        got.push([...byCaller].map(([who, all]) => [who, all.map(({ value }) => value.n)]))
        if (inputs.some(({ value }) => value.n === 13)) throw new Error('not that one')
        ctx.state.steps += 1
      },
    },
  })
  return { made, got }
}
const input = (n: unknown, more: object = {}) => ({ type: 'input', value: { n, ...more } }) as const

describe('inputs', () => {
  it('wait for the next tick, which gets each once, in the order of each client', async () => {
    const { made, got } = game()
    const world = await openInstance(made)
    const ada = await world.enter({}, { user: 'ada' })
    const bob = await world.enter({}, { user: 'bob' })
    ada.say(input(1))
    bob.say(input(10))
    ada.say(input(2))
    world.clock.advance(100)
    bob.say(input(11))
    world.clock.advance(50)
    expect(got).toEqual([
      [
        ['ada', [1, 2]],
        ['bob', [10]],
      ],
      [],
      [['bob', [11]]],
    ])
  })

  it('take no turn, and leave no trace but what the tick makes of them', async () => {
    const { made } = game()
    const world = await openInstance(made)
    const ada = await world.enter()
    const before = world.journal.written.length
    for (let n = 0; n < 10; n += 1) ada.say(input(n))
    await settle()
    expect(world.journal.written).toHaveLength(before)
    expect(ada.results).toEqual([])
  })

  it('are gone with a tick that throws, and with the connection', async () => {
    const { made, got } = game()
    const world = await openInstance(made)
    const [ada, bob] = [await world.enter({}, { user: 'ada' }), await world.enter()]
    ada.say(input(13))
    world.clock.advance(50)
    bob.say(input(1))
    bob.conversation?.closed()
    world.clock.advance(50)
    expect(got).toEqual([[['ada', [13]]], []])
    expect(world.instance.history.tracked.state).toEqual({ steps: 1 })
  })

  it('that are too many between two ticks leave the newest', async () => {
    const { made, got } = game()
    const world = await openInstance(made)
    const ada = await world.enter({}, { user: 'ada' })
    const count = limits.inputsPerTickMax + 5
    for (let n = 100; n < 100 + count; n += 1) ada.say(input(n))
    world.clock.advance(50)
    const [, values] = got[0]?.[0] ?? []
    expect([values?.length, values?.[0], values?.at(-1)]).toEqual([64, 105, 168])
  })

  it.each([
    ['not of the schema', input('one'), 'MESSAGE_MALFORMED'],
    ['too large', input(1, { text: 'x'.repeat(limits.inputBytesMax) }), 'MESSAGE_TOO_LARGE'],
  ] as const)('that is %s closes the connection', async (_, said, code) => {
    const { made, got } = game()
    const world = await openInstance(made)
    const ada = await world.enter()
    ada.say(said)
    await settle()
    expect(ada.closedWith).toBe(code)
    await world.enter()
    world.clock.advance(50)
    expect(got).toEqual([[]])
  })

  it('are not for a backend without a schema for them, nor before the welcome', async () => {
    const world = await openInstance(backend({ state: () => ({}) }))
    const early = await (await openInstance(game().made)).attach()
    early.say(input(1))
    const ada = await world.enter()
    ada.say(input(1))
    expect([early.closedWith, ada.closedWith]).toEqual(['MESSAGE_MALFORMED', 'MESSAGE_MALFORMED'])
  })
})
