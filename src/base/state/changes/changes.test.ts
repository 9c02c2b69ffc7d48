import { describe, expect, it } from 'vitest'
import { applyChanges, type Change, revise } from '../revisions.ts'

type Data = Record<string, unknown>

/** The changes that a turn makes on a version of the data. */
function changesOf<T extends object>(data: T, turn: (state: T) => void): readonly Change[] {
  const revision = revise(data, { guard() {} })
  turn(revision.state)
  return revision.changes()
}

/** Two turns begin with the same data; the second is replayed on what the first one left. */
function race<T extends object>(data: T, first: (s: T) => void, second: (s: T) => void): T {
  const newest = applyChanges(data, changesOf(data, first))
  return applyChanges(newest, changesOf(data, second))
}

describe('changes', () => {
  const cases: [string, Data, (s: never) => void, readonly unknown[]][] = [
    [
      'a write',
      { n: 1 },
      (s: { n: number }) => {
        s.n = 2
      },
      [{ kind: 'set', path: ['n'], value: 2, before: 1, read: false }],
    ],
    [
      'a read, then a write',
      { n: 1 },
      (s: { n: number }) => {
        s.n += 2
      },
      [{ kind: 'set', path: ['n'], value: 3, before: 1, read: true }],
    ],
    [
      'writes of one key once, with the value at the start',
      { n: 1 },
      (s: { n: number }) => {
        s.n = 5
        s.n += 1
      },
      [{ kind: 'set', path: ['n'], value: 6, before: 1, read: false }],
    ],
    [
      'a deletion',
      { n: 1 },
      (s: { n?: number }) => {
        delete s.n
      },
      [{ kind: 'delete', path: ['n'], before: 1, read: false }],
    ],
    [
      'a push, which reads nothing on its way',
      { cart: { items: [1] } },
      (s: { cart: { items: number[] } }) => {
        s.cart.items.push(2, 3)
      },
      [{ kind: 'push', path: ['cart', 'items'], values: [2, 3] }],
    ],
    [
      'an operation by position',
      { items: [1, 2] },
      (s: { items: number[] }) => {
        s.items.shift()
      },
      [{ kind: 'splice', path: ['items'], index: 0, remove: 1, insert: [], before: [1, 2] }],
    ],
    [
      'a change inside of an item',
      { items: [{ n: [1] }] },
      (s: { items: { n: number[] }[] }) => {
        s.items[0]!.n.push(2)
      },
      [
        {
          kind: 'splice',
          path: ['items'],
          index: 0,
          remove: 1,
          insert: [{ n: [1, 2] }],
          before: [{ n: [1] }],
        },
      ],
    ],
    [
      'an entry of a Map',
      { map: new Map([['k', 1]]) },
      (s: { map: Map<string, number> }) => {
        s.map.set('k', 2)
      },
      [{ kind: 'set', path: ['map', 'k'], value: 2, before: 1, read: false }],
    ],
    [
      'a container made on the way',
      {},
      (s: { cart?: { n?: number } }) => {
        s.cart ??= {}
        s.cart.n = 1
      },
      [
        { kind: 'set', path: ['cart'], value: {}, before: undefined, read: true },
        { kind: 'set', path: ['cart', 'n'], value: 1, before: undefined, read: false },
      ],
    ],
    [
      'a container of which something was read',
      { cart: { n: 1 } },
      (s: { cart: object }) => {
        s.cart = { ...s.cart }
      },
      [{ kind: 'set', path: ['cart'], value: { n: 1 }, before: { n: 1 }, read: true }],
    ],
    [
      'a move',
      { a: { n: 1 } },
      (s: { a?: { n: number }; b?: { n: number } }) => {
        s.b = s.a!
        delete s.a
        s.b.n = 2
      },
      [
        { kind: 'set', path: ['b'], value: { n: 2 }, before: undefined, read: false },
        { kind: 'delete', path: ['a'], before: { n: 1 }, read: true },
      ],
    ],
  ]
  it.each(cases)('tell %s', (_name, data, turn, expected) => {
    expect(changesOf(data, turn as (s: Data) => void)).toEqual(expected)
  })
  it('tell nothing of what came to nothing', () => {
    const turn = (s: { n: number; l: number[]; o: object }) => {
      s.n = 2
      s.n = 1
      s.l.push(3)
      s.l.pop()
      const { o } = s
      s.o = o
    }
    expect(changesOf({ n: 1, l: [1], o: {} }, turn)).toEqual([])
  })
  it('tell what was done to a container that was made in the turn', () => {
    const turn = (s: Data) => {
      s['l'] = [1]
      ;(s['l'] as number[]).push(2)
      s['m'] = { list: [] as number[] }
      ;(s['m'] as { list: number[] }).list.push(3)
    }
    expect(changesOf({}, turn)).toMatchObject([
      { kind: 'set', path: ['l'], value: [1] },
      { kind: 'set', path: ['m'], value: { list: [] } },
      { kind: 'push', path: ['l'], values: [2] },
      { kind: 'push', path: ['m', 'list'], values: [3] },
    ])
  })
  it('leave the turn as it is', () => {
    const data = { list: [{ n: 1 }, { n: 2 }] as object[] }
    const { state, changes } = revise(data, { guard() {} })
    state.list.reverse()
    state.list.push({ n: 3 })
    const before = JSON.stringify(state)
    changes()
    expect(JSON.stringify(state)).toBe(before)
    expect(JSON.stringify(data)).toBe('{"list":[{"n":1},{"n":2}]}')
  })
})

describe('a replay on a version that somebody else changed', () => {
  it('keeps writes to different keys', () => {
    const data = { a: 1, deep: { b: 1, c: 1 } }
    expect(
      race(
        data,
        (s) => {
          s.a++
          s.deep.b++
        },
        (s) => {
          s.deep.c++
        },
      ),
    ).toEqual({ a: 2, deep: { b: 2, c: 2 } })
  })
  it('keeps both pushes', () => {
    expect(
      race(
        { l: [0] },
        (s) => {
          s.l.push(1)
        },
        (s) => {
          s.l.push(2)
        },
      ).l,
    ).toEqual([0, 1, 2])
  })
  it('keeps both entries and both pushes of a container that both created', () => {
    type Shop = { cart?: { items?: number[]; byId?: Record<string, number> } }
    const add = (n: number) => (s: Shop) => {
      s.cart ??= { byId: {} }
      s.cart.items ??= []
      s.cart.items.push(n)
      s.cart.byId![`k${n}`] = n
    }
    expect(race<Shop>({}, add(1), add(2))).toEqual({
      cart: { items: [1, 2], byId: { k1: 1, k2: 2 } },
    })
  })
  it('lets a write without a read win', () => {
    expect(
      race(
        { n: 1 },
        (s) => {
          s.n = 2
        },
        (s) => {
          s.n = 3
        },
      ),
    ).toEqual({ n: 3 })
    expect(
      race<Data>(
        {},
        (s) => {
          s['p'] = { t: 1, u: 1 }
        },
        (s) => {
          s['p'] = { t: 2 }
        },
      ),
    ).toEqual({ p: { t: 2, u: 1 } })
    expect(
      race<Data>(
        { p: [1] },
        (s) => {
          s['p'] = [2]
        },
        (s) => {
          s['p'] = []
        },
      ),
    ).toEqual({ p: [] })
  })
  it('works with Maps', () => {
    const data = { m: new Map([['a', 1]]) }
    expect(
      race(
        data,
        (s) => {
          s.m.set('b', 2)
        },
        (s) => {
          s.m.delete('a')
        },
      ).m,
    ).toEqual(new Map([['b', 2]]))
  })
  it('keeps the order of keys that came back', () => {
    const data: Data = { a: 1, b: 2 }
    const turn = (s: Data) => {
      delete s['a']
      s['a'] = 3
    }
    expect(Object.keys(race(data, () => {}, turn))).toEqual(['b', 'a'])
  })
  it('shares nothing with the data or the changes', () => {
    const data = { n: 1, l: [1] }
    const changes = changesOf(data, (s) => {
      s.n = 2
      s.l.push(2)
    })
    const after = applyChanges(data, changes)
    expect(after).toEqual({ n: 2, l: [1, 2] })
    ;(after.l as unknown[]).push('mine')
    expect(data).toEqual({ n: 1, l: [1] })
    expect(changes[1]).toEqual({ kind: 'push', path: ['l'], values: [2] })
  })
  it('is not led astray by its own earlier writes', () => {
    const twice = (s: { n: number; o: { x: number } | null }) => {
      s.n += 1
      s.n += 1
      s.o!.x += 1
      s.o = null
    }
    const data = { n: 1, o: { x: 1 } }
    expect(race(data, () => {}, twice)).toEqual({ n: 3, o: null })
  })

  it('tells only what it wrote last', () => {
    const data: Data = { n: 1 }
    const turn = (s: Data) => {
      s['n'] = 5
      s['n'] = (s['n'] as number) + 1
      s['o'] = { a: 1 }
      s['o'] = { b: 1 }
    }
    const other = (s: Data) => {
      s['n'] = 9
      s['o'] = { c: 1 }
    }
    expect(race(data, other, turn)).toEqual({ n: 6, o: { b: 1, c: 1 } })
  })

  type Conflict = [string, object, (s: never) => void, (s: never) => void]
  const conflicts: Conflict[] = [
    [
      'a value that was read',
      { n: 1 },
      (s: { n: number }) => {
        s.n = 5
      },
      (s: { n: number }) => {
        s.n += 1
      },
    ],
    [
      'a value that was read, then deleted',
      { n: 1 },
      (s: { n: number }) => {
        s.n = 5
      },
      (s: { n?: number }) => {
        if (s.n) delete s.n
      },
    ],
    [
      'an absence that was read',
      {},
      (s: Data) => {
        s['id'] = 1
      },
      (s: Data) => {
        s['id'] ??= 2
      },
    ],
    [
      'an absence seen by `in`',
      {},
      (s: Data) => {
        s['id'] = 1
      },
      (s: Data) => {
        if (!('id' in s)) s['id'] = 2
      },
    ],
    [
      'an absence seen by hasOwn',
      {},
      (s: Data) => {
        s['id'] = 1
      },
      (s: Data) => {
        if (!Object.hasOwn(s, 'id')) s['id'] = 2
      },
    ],
    [
      'an object that was moved',
      { a: { n: 1 } } as Data,
      (s: { a: { n: number } }) => {
        s.a.n = 5
      },
      (s: Data) => {
        s['b'] = s['a']
        delete s['a']
      },
    ],
    [
      'an object that was pushed to a list',
      { cart: { items: ['x'] }, orders: [] as object[] },
      (s: { cart: { items: string[] } }) => {
        s.cart.items.push('y')
      },
      (s: { cart: { items: string[] }; orders: object[] }) => {
        s.orders.push(s.cart)
        s.cart = { items: [] }
      },
    ],
    [
      'a key made from the count of keys',
      { m: {} } as { m: Data },
      (s: { m: Data }) => {
        s.m[`k${Object.keys(s.m).length}`] = { a: 1 }
      },
      (s: { m: Data }) => {
        s.m[`k${Object.keys(s.m).length}`] = { b: 1 }
      },
    ],
    [
      'a key made from the size of a Map',
      { m: new Map<string, string>() },
      (s: { m: Map<string, string> }) => {
        s.m.set(`k${s.m.size}`, 'A')
      },
      (s: { m: Map<string, string> }) => {
        s.m.set(`k${s.m.size}`, 'B')
      },
    ],
    [
      'a presence seen by hasOwn',
      { id: 1 } as Data,
      (s: Data) => {
        delete s['id']
      },
      (s: Data) => {
        if (Object.hasOwn(s, 'id')) s['id'] = 2
      },
    ],
    [
      'a filtered array',
      { l: [1, 2] },
      (s: { l: number[] }) => {
        s.l.push(3)
      },
      (s: { l: number[] }) => {
        s.l = s.l.filter((n) => n > 1)
      },
    ],
    [
      'a spread object',
      { o: { a: 1 } },
      (s: { o: Data }) => {
        s.o['b'] = 2
      },
      (s: { o: Data }) => {
        s.o = { ...s.o, c: 3 }
      },
    ],
    [
      'an array changed by position',
      { l: [1, 2] },
      (s: { l: number[] }) => {
        s.l.push(3)
      },
      (s: { l: number[] }) => {
        s.l.shift()
      },
    ],
    [
      'an item of a list',
      { l: [{ n: 1 }] },
      (s: { l: object[] }) => {
        s.l.unshift({})
      },
      (s: { l: { n: number }[] }) => {
        s.l[0]!.n = 2
      },
    ],
    [
      'a container that is gone',
      { o: { a: 1 } },
      (s: Data) => {
        delete s['o']
      },
      (s: { o: Data }) => {
        s.o['b'] = 1
      },
    ],
    [
      'a container of another kind',
      { o: { a: 1 } },
      (s: Data) => {
        s['o'] = [1]
      },
      (s: { o: Data }) => {
        s.o['0'] = 1
      },
    ],
    [
      'an array that is gone',
      { l: [1] },
      (s: Data) => {
        s['l'] = 'text'
      },
      (s: { l: number[] }) => {
        s.l.push(2)
      },
    ],
    [
      'a counter in a container that both created',
      {},
      (s: { c?: { n: number } }) => {
        s.c ??= { n: 0 }
        s.c.n += 7
      },
      (s: { c?: { n: number } }) => {
        s.c ??= { n: 0 }
        s.c.n += 1
      },
    ],
    [
      'a default that both put in',
      {},
      (s: { l?: number[] }) => {
        s.l ??= [1]
      },
      (s: { l?: number[] }) => {
        s.l ??= [2]
      },
    ],
    [
      'an entry of a Map',
      { m: new Map([['a', 1]]) },
      (s: { m: Map<string, number> }) => {
        s.m.set('a', 2)
      },
      (s: { m: Map<string, number> }) => {
        s.m.set('a', s.m.get('a')! + 1)
      },
    ],
    [
      'the size of a Map',
      { m: new Map([['a', 1]]) as unknown },
      (s: { m: Map<string, number> }) => {
        s.m.set('b', 2)
      },
      (s: { m: Map<string, number> | number }) => {
        s.m = (s.m as Map<string, number>).size
      },
    ],
  ]
  it.each(conflicts)('refuses %s', (_name, data, first, second) => {
    expect(() => race(data, first as never, second as never)).toThrow(
      expect.objectContaining({ code: 'SESSION_CONFLICT' }),
    )
  })
})
