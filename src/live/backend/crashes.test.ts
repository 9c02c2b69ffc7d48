/** Clients, a journal, and instances that die at any moment: what was answered happened, once. So did each alarm that was set. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { settle } from '../../../test/fakes/instance.ts'
import { Network } from '../../../test/fakes/network.ts'
import { LiveView } from '../../client/live-view.ts'
import { backend } from './index.ts'

/** Every third alarm fails, after it changed the state. */
let rings = 0
function ring(entries: string[], name: string): void {
  entries.push(`rang ${name}`)
  rings += 1
  if (rings % 3 === 0) throw new Error('no')
}

const log = backend({
  state: () => ({ entries: [] as string[], here: 0, starts: 0 }),
  alarms: {
    ring: (ctx, name: string) => ring(ctx.state.entries, name),
    ringLater: async (ctx, name: string) => {
      await null
      ring(ctx.state.entries, name)
    },
  },
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
    set: action(z.string(), (ctx, entry) => {
      const length = ctx.state.entries.push(entry)
      const kind = length % 2 === 0 ? 'ring' : 'ringLater'
      ctx.schedule(`${kind}:${entry}`, ctx.clock.nowMs() + (length % 5) * 100, entry)
      return length
    }),
    fail: action(z.string(), (ctx, entry) => {
      ctx.state.entries.push(entry)
      ctx.schedule(`ring:${entry}`, 0, entry)
      throw new Error('no')
    }),
    look: action((ctx) => ctx.state.entries.length),
  }),
})

/** What happens next; most of it is a message that arrives. */
const step = fc.tuple(
  fc.constantFrom(
    ...(['add', 'addLater', 'set', 'set', 'fail', 'look'] as const),
    ...Array.from({ length: 6 }, () => 'toServer' as const),
    ...Array.from({ length: 6 }, () => 'toClient' as const),
    ...(['cut', 'crash', 'unanswered', 'lost', 'stop', 'wait', 'wait'] as const),
    ...(['ringUnanswered', 'ringLost'] as const),
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
  const call = (name: 'add' | 'addLater' | 'set' | 'fail' | 'look', at: number): void => {
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
    if (['add', 'addLater', 'set', 'fail', 'look'].includes(what)) call(what as 'add', at)
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
    } else if (what === 'ringUnanswered' || what === 'ringLost') {
      await network.calm(4)
      call('set', at)
      await network.calm(1)
      network.nextFate = what === 'ringLost' ? 'lost' : 'unanswered'
      network.clock.advance(500)
      await settle()
      network.crash()
    }
    await settle()
  }
  let isAnswered = false
  const answers = Promise.all(calls).then(() => {
    isAnswered = true
  })
  // Clients that met crash after crash wait for long before they try again.
  for (let round = 0; round < 40 && !isAnswered; round += 1) await network.calm()
  await answers
  const instance = await allRung(network)
  expect(failures).toEqual([])
  const state = instance?.history.tracked.state as typeof log extends never
    ? never
    : { entries: string[]; here: number }
  expect(state.entries.filter((entry) => entry.startsWith('fail'))).toEqual([])
  const set = [...answered.keys()].filter((entry) => entry.startsWith('set'))
  const rang = set.map((entry) => `rang ${entry}`)
  expect(state.entries.toSorted()).toEqual([...answered.keys(), ...rang].toSorted())
  expect(network.journal.wakeAtMs).toBe(0)
  for (const [entry, length] of answered) expect(state.entries[length - 1]).toBe(entry)
  for (const view of views) expect(view.state).toEqual({ ...state, here: views.length })
  for (const view of views) view.close()
}

/** Lets time pass until no alarm is left; failed ones are put off for seconds. */
async function allRung(network: Network) {
  for (let round = 0; round < 40; round += 1) {
    await network.calm()
    const instance = await network.instance
    if (instance?.history.alarms.size === 0) return instance
  }
  throw new Error('an alarm is never rung')
}

it('every action that was answered, and every alarm, happened exactly once, as replicas show', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), play), {
    numRuns: 300,
  })
}, 120_000)
