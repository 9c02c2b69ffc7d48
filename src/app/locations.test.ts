import { beforeEach, describe, expect, it } from 'vitest'
import { limits, SojournError } from '../base/core/index.ts'
import type { Located } from '../live/gateway/gateway.ts'
import { type VirtualClock, virtualClock } from '../testing/index.ts'
import { Locations } from './locations.ts'

const board = { backend: 'board', key: 'k' }
const settled = () => new Promise((resolve) => setImmediate(resolve))

let clock: VirtualClock
let asked: PromiseWithResolvers<Located>[]
let released: number[]
let locations: Locations

beforeEach(() => {
  clock = virtualClock()
  asked = []
  released = []
  locations = new Locations({
    clock,
    locate: () => {
      const answer = Promise.withResolvers<Located>()
      asked.push(answer)
      return answer.promise
    },
  })
})

const answer = (at: number): void =>
  asked[at]?.resolve({ address: { port: at }, instance: at, release: () => released.push(at) })

describe('the place of an instance', () => {
  it('is asked for once by all who need it at the same time, and given back after the last', async () => {
    const all = [1, 2, 3].map(() => locations.locate(board, undefined))
    expect(asked).toHaveLength(1)
    answer(0)
    const found = await Promise.all(all)
    expect(found.map(({ address }) => address)).toEqual([{ port: 0 }, { port: 0 }, { port: 0 }])
    for (const { release } of found.slice(1)) release()
    // Twice is once.
    found[1]?.release()
    clock.advance(10 * limits.locatedKeptMs)
    await settled()
    expect(released).toEqual([])
    found[0]?.release()
    clock.advance(limits.locatedKeptMs - 1)
    const late = await locations.locate(board, undefined)
    clock.advance(limits.locatedKeptMs)
    await settled()
    expect([asked.length, released]).toEqual([1, []])
    late.release()
    clock.advance(limits.locatedKeptMs)
    await settled()
    expect(released).toEqual([0])
    locations.locate(board, undefined)
    expect(asked).toHaveLength(2)
  })

  it('is another one for another key', () => {
    locations.locate(board, undefined)
    locations.locate({ ...board, key: 'l' }, undefined)
    expect(asked).toHaveLength(2)
  })

  it('is asked for anew once the instance ends; who was there still gives the old one back', async () => {
    const [user] = await Promise.all([locations.locate(board, undefined), answer(0)])
    locations.forget(board)
    const next = locations.locate(board, undefined)
    answer(1)
    expect((await next).instance).toBe(1)
    expect(released).toEqual([])
    user.release()
    await settled()
    expect(released).toEqual([0])
    clock.advance(limits.locatedKeptMs)
    locations.locate(board, undefined)
    expect(asked).toHaveLength(2)
  })

  it('that could not be found is asked for again by the next', async () => {
    const both = [1, 2].map(() => locations.locate(board, undefined))
    asked[0]?.reject(new SojournError('INSTANCE_PARKED'))
    for (const one of both) await expect(one).rejects.toMatchObject({ code: 'INSTANCE_PARKED' })
    locations.locate(board, undefined)
    expect(asked).toHaveLength(2)
  })

  it('is nobody’s to give back when the host is gone', async () => {
    const [user] = await Promise.all([locations.locate(board, undefined), answer(0)])
    user.release()
    locations.forgetAll()
    await settled()
    expect(released).toEqual([0])
    clock.advance(limits.locatedKeptMs)
    await settled()
    expect(released).toEqual([0])
  })
})
