/** Clients, a journal, and instances that die at any moment: what was answered happened, once. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { settle } from '../../../test/fakes/instance.ts'
import { Network } from '../../../test/fakes/network.ts'
import { LiveView } from '../../client/live-view.ts'
import { backend } from './index.ts'

const log = backend({
  state: () => ({ entries: [] as string[], here: 0, starts: 0 }),
  start: (ctx) => {
    ctx.state.starts += 1
    ctx.state.here = 0
  },
  connect: (ctx) => {
    ctx.state.here += 1
  },
  disconnect: (ctx) => {
    ctx.state.here -= 1
  },
  actions: (action) => ({
    add: action(z.string(), (ctx, entry) => ctx.state.entries.push(entry)),
    addLater: action(z.string(), async (ctx, entry) => {
      await null
      return ctx.state.entries.push(entry)
    }),
    fail: action(z.string(), (ctx, entry) => {
      ctx.state.entries.push(entry)
      throw new Error('no')
    }),
    look: action((ctx) => ctx.state.entries.length),
  }),
})

/** What happens next; most of it is a message that arrives. */
const step = fc.tuple(
  fc.constantFrom(
    ...(['add', 'addLater', 'fail', 'look'] as const),
    ...Array.from({ length: 6 }, () => 'toServer' as const),
    ...Array.from({ length: 6 }, () => 'toClient' as const),
    ...(['cut', 'crash', 'unanswered', 'lost', 'stop', 'wait', 'wait'] as const),
  ),
  fc.nat(9),
)

async function play(steps: readonly (readonly [string, number])[]): Promise<void> {
  const network = new Network(log)
  const options = { open: network.open, clock: network.clock, random: () => 0.5 }
  const views = [0, 1, 2].map(() => new LiveView<typeof log>('ws://x/live/log/k', options))
  const answered = new Map<string, number>()
  const failures: unknown[] = []
  const calls: Promise<unknown>[] = []
  const call = (name: 'add' | 'addLater' | 'fail' | 'look', at: number): void => {
    const view = views[at % views.length]
    const entry = `${name} ${calls.length}`
    if (name === 'look') calls.push(view?.actions.look() ?? Promise.resolve())
    else if (name === 'fail')
      calls.push(
        view?.actions.fail(entry).then(
          () => failures.push('answered'),
          ({ code }) => code === 'ACTION_FAILED' || failures.push(code),
        ) ?? Promise.resolve(),
      )
    else
      calls.push(
        view?.actions[name](entry).then(
          (value) => answered.set(entry, value),
          (error) => failures.push(error),
        ) ?? Promise.resolve(),
      )
  }
  for (const [what, at] of steps) {
    const socket = network.sockets[at % (network.sockets.length || 1)]
    if (what === 'add' || what === 'addLater' || what === 'fail' || what === 'look') call(what, at)
    else if (what === 'toServer' || what === 'toClient')
      for (let n = 0; n <= at; n += 1) socket?.deliver(what === 'toServer')
    else if (what === 'cut') socket?.cut()
    else if (what === 'crash') network.crash()
    else if (what === 'stop') await network.stop()
    else if (what === 'wait') network.clock.advance(at * 40)
    else if (what === 'unanswered' || what === 'lost') {
      network.nextFate = what
      call('add', at)
      for (const each of network.sockets) each.deliver(true)
      await settle()
      // Whatever was let out too early arrives.
      for (const each of network.sockets) for (let n = 0; n < 20; n += 1) each.deliver(false)
      network.crash()
    }
    await settle()
  }
  await network.calm()
  await Promise.all(calls)
  await network.calm()
  expect(failures).toEqual([])
  const state = (await network.instance)?.history.tracked.state as typeof log extends never
    ? never
    : { entries: string[]; here: number }
  expect(state.entries.filter((entry) => entry.startsWith('fail'))).toEqual([])
  expect(state.entries.toSorted()).toEqual([...answered.keys()].toSorted())
  for (const [entry, length] of answered) expect(state.entries[length - 1]).toBe(entry)
  for (const view of views) expect(view.state).toEqual({ ...state, here: views.length })
  for (const view of views) view.close()
}

it('every action that was answered happened exactly once, and every replica shows it', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), play), {
    numRuns: 300,
  })
}, 120_000)
