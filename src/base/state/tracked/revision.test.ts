import { describe, expect, it } from 'vitest'
import { applyChanges, revise } from '../revisions.ts'

const free = { guard() {} }

describe('a revision', () => {
  it('leaves the data as it is, and shares with it what did not change', () => {
    const data = { cart: { items: [{ n: 1 }, { n: 2 }] }, seen: { at: new Date(5) }, tags: ['a'] }
    const before = structuredClone(data)
    const { state, outcome } = revise(data, free)
    state.cart.items[1]!.n = 3
    state.seen.at.setTime(9)
    const after = outcome()
    expect(data).toEqual(before)
    expect(after).toEqual({ ...before, cart: { items: [{ n: 1 }, { n: 3 }] } })
    expect(after.cart.items[0]).toBe(data.cart.items[0])
    expect([after.seen, after.tags]).toEqual([data.seen, data.tags])
    expect(after.seen).toBe(data.seen)
    expect(after.tags).toBe(data.tags)
  })

  it('is the data itself as long as nothing was written', () => {
    const data = { a: { b: [1] }, map: new Map([['k', { n: 1 }]]) }
    const { state, changes, outcome } = revise(data, free)
    expect(JSON.stringify(state)).toBe('{"a":{"b":[1]},"map":{}}')
    expect([...state.map.values()]).toEqual([{ n: 1 }])
    expect(changes()).toEqual([])
    expect(outcome()).toBe(data)
  })

  it('moves what nobody looked into yet, and takes it apart later', () => {
    const data: Record<string, unknown> = { a: { deep: { list: [1, { n: 1 }] } } }
    const { state, outcome, changes } = revise(data, free)
    state['b'] = { moved: state['a'] as object }
    delete state['a']
    const { moved } = state['b'] as { moved: { deep: { list: [number, { n: number }] } } }
    moved.deep.list[1].n = 2
    expect(outcome()).toEqual({ b: { moved: { deep: { list: [1, { n: 2 }] } } } })
    expect(applyChanges(data, changes())).toEqual(outcome())
    expect(data).toEqual({ a: { deep: { list: [1, { n: 1 }] } } })
  })

  it('lets go of what nobody looked into, and takes it back', () => {
    const data: { a?: object; b?: object } = { a: { x: { y: 1 } } }
    const { state, outcome } = revise(data, free)
    const a = state.a as { x: { y: number } }
    delete state.a
    state.b = a
    expect(() => {
      ;(a.x as unknown as { loop: unknown }).loop = a
    }).toThrow('an object inside of itself')
    a.x.y = 2
    expect(outcome()).toEqual({ b: { x: { y: 2 } } })
  })

  it('can be begun upon an outcome', () => {
    const first = revise({ a: { n: 1 }, b: { n: 1 } }, free)
    first.state.a.n = 2
    const outcome = first.outcome()
    const second = revise(outcome, free)
    second.state.b.n = 3
    first.state.a.n = 7
    expect(second.outcome()).toEqual({ a: { n: 2 }, b: { n: 3 } })
    expect(second.outcome().a).toBe(outcome.a)
  })

  it('asks the guard before each write, and takes plain containers only', () => {
    const refuse = (): never => {
      throw new Error('over')
    }
    const { state } = revise({ n: 1, list: [1] }, { guard: refuse })
    expect(() => state.list.push(2)).toThrow('over')
    expect(() => {
      state.n = 2
    }).toThrow('over')
    expect(() => revise(new Date() as never, free)).toThrow(TypeError)
  })
})
