import fc from 'fast-check'
import { expect, it } from 'vitest'
import { merge } from './merge.ts'

it.each([
  ['different keys', { a: 1 }, { a: 1, b: 2 }, { a: 1, c: 3 }, { a: 1, b: 2, c: 3 }],
  [
    'different keys deep inside',
    { a: { b: {} } },
    { a: { b: { c: 1 } } },
    { a: { b: { d: 2 } } },
    { a: { b: { c: 1, d: 2 } } },
  ],
  ['one key that both wrote', { a: 1 }, { a: 2 }, { a: 3 }, { a: 2 }],
  ['a key that was removed here', { a: 1, b: 1 }, { b: 1 }, { a: 1, b: 2 }, { b: 2 }],
  ['a key that was removed there', { a: 1, b: 1 }, { a: 1, b: 2 }, { b: 1 }, { b: 2 }],
  ['arrays that both grew', { a: [1] }, { a: [1, 2] }, { a: [1, 3] }, { a: [1, 3, 2] }],
  ['an array that shrank here', { a: [1, 2] }, { a: [1] }, { a: [1, 2, 3] }, { a: [1] }],
  ['objects that both began', {}, { a: { b: 1 } }, { a: { c: 2 } }, { a: { b: 1, c: 2 } }],
  ['arrays that both began', {}, { a: [1] }, { a: [2] }, { a: [2, 1] }],
  [
    'null and false, which are values',
    { a: 1, b: 1 },
    { a: null, b: 1 },
    { a: 1, b: false },
    { a: null, b: false },
  ],
])('brings together %s', (_, before, mine, newest, merged) => {
  expect(merge(before, mine, newest)).toEqual(merged)
})

it('refuses to write into what a parallel request removed', () => {
  const conflict = expect.objectContaining({ code: 'SESSION_CONFLICT' })
  expect(() => merge({ a: { b: 1 } }, { a: { b: 2 } }, {})).toThrow(conflict)
  expect(() => merge({ a: [] }, { a: [1] }, { a: null })).toThrow(conflict)
})

it('keeps __proto__ a key like any other', () => {
  const hostile = JSON.parse('{"a":{"__proto__":{"polluted":true}}}') as object
  const merged = merge({ a: {} }, hostile, { a: { b: 1 } }) as { a: object }
  expect(Object.hasOwn(merged.a, '__proto__')).toBe(true)
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
})

it('is the one side where the other did nothing', () => {
  const json = fc.object({ withBigInt: false, withDate: false, maxDepth: 3 })
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
  fc.assert(
    fc.property(json, json, (one, other) => {
      const [before, after] = [plain(one), plain(other)]
      expect(merge(before, before, after)).toEqual(after)
      expect(merge(before, after, before)).toEqual(after)
    }),
  )
})
