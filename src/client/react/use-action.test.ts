// @vitest-environment happy-dom
import { act, createElement as h, StrictMode } from 'react'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Page, ScriptedInstance } from '../../../test/fakes/react.ts'
import type { ActionResult } from '../../base/protocol/index.ts'
import { connect, type Live, SojournError } from '../index.ts'
import { type UsedAction, useAction } from './index.ts'

interface Board {
  definition: { state(): { n: number } }
  actions: {
    draw: { types?: { input: { x: number }; output: number } }
    clear: { types?: { input: undefined; output: undefined } }
  }
}
type Draw = UsedAction<Live<Board>['actions']['draw']>

let page: Page
let instance: ScriptedInstance<{ n: number }>
let live: Live<Board>
/** What the component got in its newest render, and how often it rendered. */
let draw: Draw
let renders: number

beforeEach(() => {
  page = new Page()
  instance = new ScriptedInstance({ n: 1 })
  live = connect<Board>(instance.address, instance.options)
  renders = 0
})
afterEach(async () => {
  await page.leave()
  live.close()
})

const Drawing = ({ of = live }: { of?: Live<Board> }) => {
  draw = useAction(of, 'draw')
  renders += 1
  return null
}
const refused = { ok: false, code: 'ACTION_INVALID', message: 'Too wide.' } as const
const answer = (result: ActionResult) =>
  act(async () => instance.server.newest.hear({ type: 'results', results: [result] }))
const call = async (x: number): Promise<Promise<number>[]> => {
  const calls: Promise<number>[] = []
  await act(async () => {
    calls.push(draw.call({ x }))
  })
  return calls
}
const shown = () => [draw.pending, draw.error?.code]

describe('useAction()', () => {
  it('says that a call is pending, and answers', async () => {
    await page.show(h(Drawing))
    const socket = await instance.enter()
    expect([shown(), renders]).toEqual([[false, undefined], 1])
    const [answered] = await call(3)
    expect([shown(), renders]).toEqual([[true, undefined], 2])
    expect(socket.all('action')[0]).toMatchObject({ name: 'draw', input: { x: 3 } })
    await answer({ n: 1, ok: true, value: 9 })
    expect(await answered).toBe(9)
    expect([shown(), renders]).toEqual([[false, undefined], 3])
  })

  it('says why a call was refused, until the next one begins', async () => {
    await page.show(h(StrictMode, null, h(Drawing)))
    await instance.enter()
    const [first] = await call(1)
    await answer({ n: 1, ...refused })
    expect(shown()).toEqual([false, 'ACTION_INVALID'])
    expect(draw.error?.message).toBe('Too wide.')
    await expect(first).rejects.toThrow('Too wide.')
    await call(2)
    expect(shown()).toEqual([true, undefined])
  })

  it('is pending until all calls have their answers, and forgets no refusal among them', async () => {
    await page.show(h(Drawing))
    await instance.enter()
    await call(1)
    await call(2)
    await answer({ n: 1, ...refused })
    expect(shown()).toEqual([true, 'ACTION_INVALID'])
    await answer({ n: 2, ok: true, value: 0 })
    expect(shown()).toEqual([false, 'ACTION_INVALID'])
  })

  it('forgets by reset() what was and what is still to come', async () => {
    await page.show(h(Drawing))
    await instance.enter()
    await call(1)
    await answer({ n: 1, ...refused })
    await call(2)
    await act(async () => draw.reset())
    expect(shown()).toEqual([false, undefined])
    await call(3)
    await answer({ n: 2, ...refused })
    expect(shown()).toEqual([true, undefined])
    await answer({ n: 3, ok: true, value: 0 })
    expect(shown()).toEqual([false, undefined])
  })

  it('needs nobody to catch what it shows', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    await page.show(h(Drawing))
    await instance.enter()
    await call(1)
    await answer({ n: 1, ...refused })
    await new Promise((resolve) => setTimeout(resolve))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  it('leaves a fault of the program unhandled, as one, and is not pending after it', async () => {
    const fault = new TypeError('mine')
    const unhandled = vi.fn()
    const listeners = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection').on('unhandledRejection', unhandled)
    await page.show(
      h(Drawing, { of: { actions: { draw: async () => Promise.reject(fault) } } as never }),
    )
    const [failed] = await call(1)
    await new Promise((resolve) => setTimeout(resolve))
    process.removeAllListeners('unhandledRejection')
    for (const listener of listeners) process.on('unhandledRejection', listener)
    expect(unhandled).toHaveBeenCalledWith(fault, expect.anything())
    await expect(failed).rejects.toBe(fault)
    expect(shown()).toEqual([false, undefined])
  })

  it('lets a call run whose component is gone, and sets nothing there', async () => {
    const warned = vi.spyOn(console, 'error')
    await page.show(h(Drawing))
    await instance.enter()
    const [answered] = await call(1)
    await page.show(null)
    await answer({ n: 1, ok: true, value: 9 })
    expect(await answered).toBe(9)
    expect(renders).toBe(2)
    expect(warned).not.toHaveBeenCalled()
    warned.mockRestore()
  })

  it('begins anew with another view', async () => {
    const other = new ScriptedInstance({ n: 1 })
    const otherLive = connect<Board>(other.address, other.options)
    await page.show(h(Drawing))
    await instance.enter()
    await call(1)
    await page.show(h(Drawing, { of: otherLive }))
    expect(shown()).toEqual([false, undefined])
    await answer({ n: 1, ...refused })
    expect(shown()).toEqual([false, undefined])
    await act(async () => void draw.call({ x: 2 }))
    otherLive.close()
    await act(async () => {})
    expect(draw.error).toBeInstanceOf(SojournError)
    expect(shown()).toEqual([false, 'CONNECTION_CLOSED'])
  })

  it('gives the same functions in every render', async () => {
    const functions = new Set<unknown>()
    const Stable = () => {
      const { call, reset } = useAction(live, 'draw')
      functions.add(call).add(reset)
      return null
    }
    await page.show(h(Stable))
    await page.show(h(Stable))
    expect(functions.size).toBe(2)
  })
})
