import { describe, expect, expectTypeOf, it } from 'vitest'
import { type DeepReadonly, peekFrame, replica, restore, track } from './index.ts'

interface Item {
  id: number
  done?: boolean
}

const list = () => track({ items: [{ id: 1 }, { id: 2 }, { id: 3 }] as Item[] })

describe('reading through the proxy', () => {
  const plain = () => ({
    a: 1,
    nested: { b: 'x', list: [1, { c: 2 }, [3]] as unknown[] },
    map: new Map<string, unknown>([
      ['k', { v: 1 }],
      ['l', 2],
    ]),
    date: new Date(5),
    none: undefined as undefined | number,
    nothing: null,
  })
  type Plain = ReturnType<typeof plain>
  const reads: Record<string, (s: Plain) => unknown> = {
    json: (s) => JSON.stringify(s),
    keys: (s) => [Object.keys(s), Object.keys(s.nested.list)],
    entries: (s) => Object.entries(s.nested),
    spread: (s) => ({ ...s }),
    'array spread': (s) => [...s.nested.list],
    'is array': (s) => [Array.isArray(s.nested.list), Array.isArray(s)],
    in: (s) => ['a' in s, 'x' in s, 0 in s.nested.list, 9 in s.nested.list],
    'own keys': (s) => [Object.hasOwn(s, 'none'), Object.hasOwn(s, 'x'), Reflect.ownKeys(s)],
    destructuring: ({ a, nested: { list, ...rest } }) => [a, list, rest],
    'for in': (s) => {
      const keys: string[] = []
      for (const key in s) keys.push(key)
      return keys
    },
    'map filter find': ({ nested: { list } }) => [
      list.map((x) => x),
      list.filter((x) => typeof x === 'number'),
      list.find((x) => typeof x === 'object'),
      list.findLast((x) => Array.isArray(x)),
    ],
    'index of': ({ nested: { list } }) => [
      list.indexOf(list[1]),
      list.includes(list[2]),
      list.includes({ c: 2 }),
      list.lastIndexOf(1),
      list.indexOf(1, 1),
      list.lastIndexOf(1, -1),
    ],
    copies: ({ nested: { list } }) => [
      list.concat([4]),
      list.slice(-1),
      list.flat(),
      list.toReversed(),
      list.with(0, 9),
      list.at(-1),
      list.join(),
    ],
    reduce: ({ nested: { list } }) => list.reduce((n: number) => n + 1, 0),
    map: ({ map }) => [map.size, map.get('l'), map.get('k'), map.has('x'), map instanceof Map],
    'map iteration': ({ map }) => [
      [...map],
      [...map.keys()],
      [...map.values()],
      [...map.entries()],
    ],
    'map for each': ({ map }) => {
      const seen: unknown[] = []
      map.forEach((value, key, self) => {
        seen.push(value, key, self === map)
      })
      return seen
    },
    text: (s) => [String(s), String(s.nested.list), Object.prototype.toString.call(s.map)],
    prototypes: (s) => [
      Object.getPrototypeOf(s) === Object.prototype,
      s.nested.list.constructor === Array,
    ],
    identity: (s) => [
      Object.is(s.nested, s.nested),
      Object.is(s.map.get('k'), s.map.get('k')),
      Object.is(s.date, s.date),
    ],
    'descriptor of a key': (s) => Object.getOwnPropertyDescriptor(s, 'a'),
    'descriptor of length': (s) => Object.getOwnPropertyDescriptor(s.nested.list, 'length'),
  }
  it.each(Object.entries(reads))('%s is as of the plain object', (_name, read) => {
    expect(read(track(plain()).state)).toEqual(read(plain()))
  })
  it('finds the objects that were put in', () => {
    const item = { id: 1 }
    const { state } = track({ items: [{ id: 0 }] })
    state.items.push(item)
    expect(state.items.indexOf(item)).toBe(1)
    expect(state.items.includes(state.items[0] as Item)).toBe(true)
  })
  it('can be inherited from', () => {
    const tracked = track({ a: { n: 1 } })
    const heir = Object.create(tracked.state.a) as { n: number }
    heir.n = 2
    expect([heir.n, tracked.state.a.n]).toEqual([2, 1])
  })
})

describe('array mutators', () => {
  const calls: Record<string, (a: number[]) => unknown> = {
    push: (a) => a.push(8, 9),
    pop: (a) => a.pop(),
    shift: (a) => a.shift(),
    unshift: (a) => a.unshift(8, 9),
    'splice nothing': (a) => (a.splice as () => number[])(),
    'splice from': (a) => a.splice(1),
    'splice negative': (a) => a.splice(-2, 1, 7),
    'splice far': (a) => a.splice(99, 99, 7),
    'splice undefined': (a) => a.splice(0, undefined as never),
    'splice NaN': (a) => a.splice(Number.NaN, -1, 6),
    sort: (a) => a.sort(),
    'sort by': (a) => a.sort((x, y) => y - x),
    reverse: (a) => a.reverse(),
    fill: (a) => a.fill(0, 1, 2),
    'fill all': (a) => a.fill(5),
    copyWithin: (a) => a.copyWithin(0, 1),
    index: (a) => {
      a[0] = 7
    },
    'next index': (a) => {
      a[a.length] = 7
    },
    length: (a) => {
      a.length = Math.min(a.length, 1)
    },
    'generic push': (a) => Array.prototype.push.call(a, 4),
  }
  it.each(Object.entries(calls))('%s does the same as on the plain array', (_name, call) => {
    for (const start of [[3, 1, 2, 10], [], [5]]) {
      const tracked = track({ a: [...start] })
      const plain = [...start]
      const seen = replica<{ a: number[] }>()
      seen.apply(tracked.snapshot())
      expect(call(tracked.state.a)).toEqual(call(plain))
      expect(tracked.state.a).toEqual(plain)
      const frame = tracked.flush()
      if (frame) seen.apply(frame)
      expect(seen.state).toEqual({ a: plain })
    }
  })
  it('takes more items than a call takes arguments', () => {
    const tracked = track({ a: Array.from({ length: 200_000 }, (_, i) => -i) })
    tracked.state.a.reverse()
    const seen = replica<{ a: number[] }>()
    tracked.flush()
    seen.apply(tracked.snapshot())
    expect(seen.state?.a[0]).toBe(-199_999)
  })
})

describe('what a state refuses, by path', () => {
  class Person {
    name = 'x'
  }
  class Items extends Array {}
  const state = () =>
    track({
      items: [{ id: 0, owner: undefined as unknown }] as { id: number; owner: unknown }[],
      free: {} as Record<string, unknown>,
      list: [1, 2],
      map: new Map<string, unknown>(),
    })
  type State = ReturnType<typeof state>['state']
  const own = (key: string, value: unknown) => Object.fromEntries([[key, value]])
  const cases: [string, string, (s: State) => unknown][] = [
    ['a class instance', 'state.items[0].owner: ', (s) => (s.items[0]!.owner = new Person())],
    ['an array of a class', 'state.free.x: ', (s) => (s.free['x'] = new Items())],
    ['a Set', 'state.free.x: ', (s) => (s.free['x'] = new Set())],
    ['another typed array', 'state.free.x: ', (s) => (s.free['x'] = new Int16Array(1))],
    ['a function', 'state.free["odd key"].f: ', (s) => (s.free['odd key'] = { f: () => 1 })],
    ['a symbol', 'state.free.x[0]: ', (s) => (s.free['x'] = [Symbol('x')])],
    ['a symbol key', 'state.free["Symbol(x)"]: ', (s) => (s.free[Symbol('x') as never] = 1)],
    ['a nested symbol key', 'state.free.x: ', (s) => (s.free['x'] = { [Symbol('y')]: 1 })],
    ['a bigint', 'state.map.get("k"): ', (s) => s.map.set('k', 1n)],
    ['a Map key', 'state.map.get("1"): ', (s) => s.map.set(1 as never, 1)],
    ['__proto__', 'state.free.__proto__: ', (s) => Reflect.set(s.free, '__proto__', 1)],
    ['own __proto__', 'state.free.x', (s) => (s.free['x'] = own('__proto__', 1))],
    ['__proto__ in a Map', 'state.map', (s) => s.map.set('__proto__', 1)],
    ['a hole', 'state.items[1]: ', (s) => (s.items[3] = s.items[0]!)],
    ['a longer length', 'state.items[1]: ', (s) => (s.items.length = 3)],
    ['a deleted index', 'state.list[0]: ', (s) => delete s.list[0]],
    ['a literal hole', 'state.free.x: ', (s) => (s.free['x'] = new Array(2))],
    ['undefined in an array', 'state.items[1]: ', (s) => s.items.push(undefined as never)],
    ['nested undefined', 'state.free.x[0]: ', (s) => (s.free['x'] = [undefined])],
    ['a name in an array', 'state.items.x: ', (s) => Object.assign(s.items, { x: 1 })],
    ['a name in a Map', 'state.map.x: ', (s) => Object.assign(s.map, { x: 1 })],
    ['a getter', 'state.free.x: ', (s) => Object.defineProperty(s.free, 'x', { get: () => 1 })],
    ['freezing', 'state.free: ', (s) => Object.freeze(s.free)],
    ['a prototype', 'state.free: ', (s) => Object.setPrototypeOf(s.free, null)],
    ['a cycle', 'state.free.self: ', (s) => (s.free['self'] = s.free)],
    ['a cycle inside', 'state.free.x.y: ', (s) => (s.free['x'] = { y: s })],
  ]
  it.each(cases)('%s', (_name, path, write) => {
    const tracked = state()
    const before = tracked.snapshot()
    expect(() => write(tracked.state)).toThrow(
      expect.objectContaining({
        code: 'STATE_UNSUPPORTED',
        message: expect.stringContaining(path),
      }),
    )
    expect(tracked.flush()).toBeUndefined()
    expect(tracked.snapshot()).toBe(before)
  })

  const atFlush: [string, string, (s: State) => unknown][] = [
    ['a second place', 'state.free.b: ', (s) => (s.free['b'] = s.items[0])],
    [
      'a second place, copied in',
      'state.free',
      (s) => {
        const shared = { n: 1 }
        s.free['b'] = shared
        s.free['c'] = shared
      },
    ],
    [
      'a second place in one value',
      'state.free.b.',
      (s) => {
        const shared = { n: 1 }
        s.free['b'] = { x: shared, y: shared }
      },
    ],
    [
      'a second place by fill',
      'state.items[',
      (s) => {
        s.items.push({ id: 1, owner: 0 })
        s.items.fill(s.items[0]!)
      },
    ],
    ['a second place for an older node', 'state.', (s) => s.map.set('m', [s.free])],
  ]
  it.each(atFlush)('%s, at the flush', (_name, path, write) => {
    const tracked = state()
    const before = tracked.snapshot()
    write(tracked.state)
    expect(() => tracked.flush()).toThrow(
      expect.objectContaining({
        code: 'STATE_UNSUPPORTED',
        message: expect.stringContaining(path),
      }),
    )
    expect(() => tracked.snapshot()).toThrow(RangeError)
    tracked.rollback()
    expect(tracked.flush()).toBeUndefined()
    expect(tracked.snapshot()).toEqual(before)
    expect(restore(before, []).state).toEqual(tracked.state)
  })

  it('refuses what is deeper than 128, on the way in and by a move', () => {
    const deep = (n: number): object => (n === 1 ? {} : { x: deep(n - 1) })
    expect(() => track(deep(129))).toThrow(/STATE|deeper than 128/)
    const tracked = track({ a: deep(127), b: { c: {} as { d?: object } } })
    tracked.state.b.c.d = tracked.state.a
    delete (tracked.state as { a?: object }).a
    expect(() => tracked.flush()).toThrow(/deeper than 128/)
    tracked.rollback()
    const seen = replica()
    expect(seen.apply(tracked.snapshot())).toBe('applied')
    expect(() => track(5 as never)).toThrow(TypeError)
    expect(() => track(new Person())).toThrow(TypeError)
  })

  it('refuses an object that holds itself', () => {
    const round: { self?: unknown } = {}
    round.self = round
    expect(() => track(round)).toThrow(/deeper than 128/)
  })
})

describe('what a state keeps', () => {
  const odd = [
    -0,
    0,
    Number.NaN,
    Infinity,
    -Infinity,
    2 ** 53,
    -(2 ** 53) - 2,
    2 ** 60,
    1e300,
    5e-324,
    0.1,
    255,
    256,
    65_536,
    2 ** 32,
    -32,
    -33,
    -129,
    -32_769,
    -(2 ** 31) - 1,
    null,
    true,
    '',
    'é😀',
    '\ufeffstart',
    `\ufeff${'x'.repeat(300)}`,
    'half \ud800',
    '\udc00'.repeat(100),
    'x'.repeat(70_000),
    new Date(0),
    new Date(-1),
    new Date(1_700_000_000_123),
    new Date(Number.NaN),
    new Date(-8.64e15),
    new Uint8Array(),
    new Uint8Array([1, 2, 255]),
    new Uint8Array(300),
  ]
  const name = (value: unknown) => `${typeof value} ${JSON.stringify(String(value).slice(0, 20))}`
  it.each(odd.map((value) => [name(value), value]))('%s bit by bit', (_name, value) => {
    const tracked = track({ start: value, list: [value], map: new Map([['k', value]]) } as object)
    const seen = replica<Record<string, unknown>>()
    seen.apply(tracked.snapshot())
    ;(tracked.state as Record<string, unknown>)['late'] = value
    seen.apply(tracked.flush()!)
    expect(seen.state).toStrictEqual({
      start: value,
      list: [value],
      map: new Map([['k', value]]),
      late: value,
    })
    if (typeof value !== 'object') expect(Object.is(seen.state?.['late'], value)).toBe(true)
  })
  it('odd keys, and undefined apart from absent', () => {
    const tracked = track<Record<string, unknown>>({})
    const seen = replica<Record<string, unknown>>()
    seen.apply(tracked.snapshot())
    for (const key of ['constructor', 'toString', '', '1', '\ud800', 'hasOwnProperty'])
      tracked.state[key] = undefined
    seen.apply(tracked.flush()!)
    expect(seen.state).toStrictEqual({ ...tracked.state })
    delete tracked.state['constructor']
    seen.apply(tracked.flush()!)
    expect(Object.keys(seen.state!)).toEqual(Object.keys(tracked.state))
    expect(Object.hasOwn(seen.state!, 'toString')).toBe(true)
  })
  it('copies of what is written, frozen or not', () => {
    const item = Object.freeze({ tags: Object.freeze(['a']) })
    const bytes = new Uint8Array([1])
    const tracked = track({ item: item as { tags: string[] }, bytes })
    tracked.state.item.tags.push('b')
    bytes[0] = 2
    expect(tracked.state.bytes[0]).toBe(1)
    expect([item.tags, tracked.state.item.tags]).toEqual([['a'], ['a', 'b']])
  })
  it('bytes of its own, whatever becomes of the input', () => {
    const frame = track({ b: new Uint8Array([7]) }).snapshot()
    const seen = replica<{ b: Uint8Array }>()
    seen.apply(frame)
    frame.fill(0)
    expect(seen.state?.b).toEqual(new Uint8Array([7]))
  })
})

describe('flush, snapshot, rollback', () => {
  it('numbers frames and gives none without a change', () => {
    const tracked = list()
    expect(tracked.flush()).toBeUndefined()
    tracked.state.items[0]!.id = 1
    expect(tracked.flush()).toBeUndefined()
    tracked.state.items[0]!.id = 5
    expect(() => tracked.snapshot()).toThrow(RangeError)
    const frame = tracked.flush()!
    expect(peekFrame(frame)).toEqual({ kind: 'frame', seq: 1, epoch: 0 })
    expect(peekFrame(tracked.snapshot())).toEqual({ kind: 'snapshot', seq: 1, epoch: 0 })
    expect(tracked.snapshot()).toBe(tracked.snapshot())
    expect(tracked.seq).toBe(1)
  })
  it('sends a move as a reference and a repeated write once', () => {
    const tracked = track({
      items: Array.from({ length: 1000 }, (_, id) => ({ id, text: `number ${id}`, n: 0 })),
    })
    const { items } = tracked.state
    items.splice(3, 0, ...items.splice(900, 1))
    expect(tracked.flush()!.length).toBeLessThanOrEqual(24)
    for (let i = 1; i < 100; i++) items[5]!.n = i
    expect(tracked.flush()!.length).toBeLessThan(12)
  })
  it('keeps proxies alive across removal, flush and return', () => {
    const tracked = list()
    const seen = replica<{ items: Item[] }>()
    seen.apply(tracked.snapshot())
    const held = tracked.state.items[1]!
    tracked.state.items.splice(1, 1)
    seen.apply(tracked.flush()!)
    held.done = true
    expect(tracked.flush()).toBeUndefined()
    tracked.state.items.push(held)
    held.id = 9
    seen.apply(tracked.flush()!)
    expect(seen.state?.items.at(-1)).toEqual({ id: 9, done: true })
    expect(tracked.state.items.at(-1)).toBe(held)
  })
  it('takes back later what came and went within a turn', () => {
    const tracked = list()
    const seen = replica<{ items: Item[] }>()
    seen.apply(tracked.snapshot())
    const { items } = tracked.state
    items.push({ id: 8 })
    items.unshift({ id: 9 })
    const held = items.pop()!
    seen.apply(tracked.flush()!)
    items.push(held)
    seen.apply(tracked.flush()!)
    expect(seen.state).toEqual(tracked.state)
  })
  it('takes the children of a removed object', () => {
    const tracked = track({ groups: [{ items: [{ id: 1 }, { id: 2 }] }], flat: [] as Item[] })
    const seen = replica<object>()
    seen.apply(tracked.snapshot())
    const [gone] = tracked.state.groups.splice(0, 1)
    tracked.state.flat.push(...gone!.items)
    seen.apply(tracked.flush()!)
    expect(seen.state).toEqual({ groups: [], flat: [{ id: 1 }, { id: 2 }] })
    tracked.state.groups.push(gone!)
    expect(() => tracked.flush()).toThrow(/second place/)
  })
  it('writes an object again as it is now', () => {
    const item = { id: 1 }
    const tracked = track<{ a?: Item; b?: Item }>({})
    tracked.state.a = item
    item.id = 2
    tracked.state.a = item
    expect(tracked.state.a.id).toBe(2)
    tracked.flush()
    tracked.state.b = item
    expect(tracked.flush()).toBeDefined()
  })
  it('restores the order of keys', () => {
    const tracked = track({
      o: { a: 1, b: 2, c: 3 } as object,
      m: new Map([
        ['x', 1],
        ['y', 2],
      ]),
    })
    const { o, m } = tracked.state as { o: Record<string, number>; m: Map<string, number> }
    delete o['a']
    o['d'] = 4
    o['a'] = 5
    delete o['b']
    m.clear()
    tracked.rollback()
    expect(JSON.stringify([o, [...m]])).toBe('[{"a":1,"b":2,"c":3},[["x",1],["y",2]]]')
  })
  it('asks the guard before each write, and before nothing else', () => {
    let open = true
    const guard = () => {
      if (!open) throw new Error('over')
    }
    const { state, flush } = track({ a: 1, l: [1], m: new Map([['k', 1]]) }, { guard })
    open = false
    const writes: (() => unknown)[] = [
      () => {
        state.a = 2
      },
      () => delete (state as { a?: number }).a,
      () => state.l.push(1),
      () => state.l.sort(),
      () => {
        state.l.length = 0
      },
      () => state.m.set('k', 2),
      () => state.m.delete('k'),
      () => state.m.clear(),
      () =>
        Object.defineProperty(state, 'b', {
          value: 1,
          writable: true,
          enumerable: true,
          configurable: true,
        }),
    ]
    for (const write of writes) expect(write).toThrow('over')
    expect(JSON.stringify(state)).toBe('{"a":1,"l":[1],"m":{}}')
    expect(flush()).toBeUndefined()
  })
})

describe('types', () => {
  it('give T on one side and its read-only form on the other', () => {
    interface State {
      items: { id: number; at: Date }[]
      map: Map<string, { n: number }>
    }
    expectTypeOf(track({ n: 1 }).state).toEqualTypeOf<{ n: number }>()
    expectTypeOf(restore<State>)
      .returns.toHaveProperty('state')
      .toEqualTypeOf<State>()
    expectTypeOf(replica<State>().state).toEqualTypeOf<
      | {
          readonly items: readonly { readonly id: number; readonly at: Date }[]
          readonly map: ReadonlyMap<string, { readonly n: number }>
        }
      | undefined
    >()
    expectTypeOf<DeepReadonly<[1, string[]]>>().toEqualTypeOf<readonly [1, readonly string[]]>()
  })
})
