/** What an attack found once, so that it stays found. */
import { describe, expect, it } from 'vitest'
import { decodeValue, encodeValue } from '../codec/index.ts'
import { peekFrame, replica, restore, restoreByAudience, track, trackByAudience } from './index.ts'

type Any = Record<string, unknown>
const refused = (code: string) => expect.objectContaining({ code })
const follow = <T extends object>(tracked: ReturnType<typeof track<T>>) => {
  const seen = replica<T>()
  seen.apply(tracked.snapshot())
  return seen
}

describe('the writer', () => {
  it('writes every text wherever its memory ends', () => {
    for (const text of ['é', 'Jürgen', '日本', '😀', 'plain', '\ud800', 'ü'.repeat(60)])
      for (let before = 960; before < 1_060; before++) {
        const value = [new Uint8Array(before), text, text]
        expect(decodeValue(encodeValue(value))).toEqual(value)
      }
  })
  it('shares no memory between audiences, and survives that its memory is taken away', () => {
    const tracked = trackByAudience<Any>({ table: 'x', 'hand:bob': '' }, (key) =>
      key.startsWith('hand:') ? 'user:bob' : 'everyone',
    )
    const seen = replica<Any>()
    seen.apply(tracked.snapshot('everyone'))
    for (let n = 0; n < 50; n++) {
      tracked.state['table'] = `${n} `.repeat(40)
      tracked.state['hand:bob'] = `${n} TOPSECRET `.repeat(10)
      const frame = tracked.flush().get('everyone')!
      expect(Buffer.from(frame.buffer).includes('TOPSECRET')).toBe(false)
      seen.apply(frame)
      structuredClone(frame, { transfer: [frame.buffer as ArrayBuffer] })
      expect(seen.state).toEqual({ table: tracked.state['table'] })
    }
  })
  it('keeps no large memory alive for a small frame', () => {
    const tracked = track({ text: '', n: 0 })
    tracked.state.text = 'x'.repeat(8_000_000)
    tracked.flush()
    tracked.state.n = 1
    expect(tracked.flush()?.buffer.byteLength).toBeLessThan(10_000)
  })
  it('can be used by a getter of what it writes', () => {
    const value = {
      a: 1,
      get b() {
        return encodeValue('inside').length
      },
      c: 'after',
    }
    expect(decodeValue(encodeValue(value))).toEqual({ a: 1, b: 7, c: 'after' })
  })
})

describe('plain values', () => {
  it('are refused when they are more than their entries, or less', () => {
    const named = Object.assign([1], { name: 'x' })
    for (const value of [{ [Symbol('x')]: 1 }, named, new Array(2)])
      expect(() => encodeValue({ value })).toThrow(refused('STATE_UNSUPPORTED'))
    const twice = Uint8Array.of(0x7b, 2, 0, 0x41, 97, 1, 1, 2)
    expect(() => decodeValue(twice)).toThrow(refused('FRAME_MALFORMED'))
  })
  it('of a shared object are refused in no time', () => {
    let value: object = { v: 1 }
    for (let n = 0; n < 60; n++) value = { a: value, b: value }
    const tracked = track<Any>({})
    tracked.state['x'] = value
    expect(() => tracked.flush()).toThrow(refused('STATE_UNSUPPORTED'))
  })
})

describe('a replica', () => {
  it('shows no key that is not there while an object has two places', () => {
    for (const [from, to] of [[{ a: { k: 1 } }, {}] as const, ['map', 'map'] as const]) {
      const make = (entries: object) =>
        from === 'map' ? new Map(Object.entries(entries)) : { ...entries }
      const tracked = track<Any>({ p1: make({ a: { k: 1 } }), p2: to === 'map' ? new Map() : {} })
      const seen = follow(tracked)
      void seen.state
      const set = (name: string, key: string, value: unknown) => {
        const holder = tracked.state[name] as Any | Map<string, unknown>
        if (holder instanceof Map) holder.set(key, value)
        else holder[key] = value
      }
      const p1 = tracked.state['p1'] as Any | Map<string, unknown>
      const moved = (p1 instanceof Map ? p1.get('a') : p1['a']) as Any
      set('p2', 'b', moved)
      moved['k'] = 5
      set('p1', 'a', 7)
      seen.apply(tracked.flush()!)
      expect(seen.state).toEqual(tracked.state)
    }
  })
  it('takes a Map that is emptied and filled again', () => {
    const entries = (from: number) =>
      Array.from({ length: 5_000 }, (_, i) => [`k${i}`, i + from] as const)
    const tracked = track({ map: new Map(entries(0)) })
    const seen = follow(tracked)
    tracked.state.map.clear()
    for (const [key, value] of entries(1).reverse()) tracked.state.map.set(key, value)
    seen.apply(tracked.flush()!)
    expect([...seen.state!.map]).toEqual([...entries(1).reverse()])
  })
  it('forgets a refused frame also when nobody looked at the one before', () => {
    const tracked = track({ list: [1, 2, 3] })
    const seen = follow(tracked)
    void seen.state
    tracked.state.list.push(4)
    seen.apply(tracked.flush()!)
    tracked.state.list.push(5)
    const frame = tracked.flush()!
    expect(() => seen.apply(Uint8Array.from([...frame, 0x90, 0x10, 3, 0, 0]))).toThrow()
    expect(seen.state?.list).toEqual([1, 2, 3, 4])
    seen.apply(frame)
    expect(seen.state?.list).toEqual([1, 2, 3, 4, 5])
  })
  it('asks for a snapshot when its own was not followed by new keys', () => {
    const tracked = track<Any>({ a: 1 })
    const first = tracked.snapshot()
    const flush = (n: number) => {
      tracked.state['a'] = n
      return tracked.flush()!
    }
    const frames = [flush(2), flush(3)]
    const seen = replica<Any>()
    seen.apply(restore(first, frames).snapshot())
    expect(seen.apply(flush(4))).toBe('gap')
  })
})

describe('audiences', () => {
  const audienceOf = (key: string) => (key.startsWith('hand:') ? 'user:bob' : 'everyone')

  it('are told nothing of single values that passed', () => {
    const tracked = trackByAudience<Record<string, unknown[]>>(
      { table: ['q'], 'hand:bob': [] },
      audienceOf,
    )
    const seen = replica<Any>()
    seen.apply(tracked.snapshot('everyone'))
    const { table = [] } = tracked.state
    table.push('SECRET')
    table.unshift('x')
    tracked.state['hand:bob']?.push(table.pop())
    const frame = tracked.flush().get('everyone')!
    expect(Buffer.from(frame).includes('SECRET')).toBe(false)
    seen.apply(frame)
    expect(seen.state).toEqual({ table: ['x', 'q'] })
  })
  it('that can not be told refuse the write, and nothing else breaks', () => {
    const tracked = trackByAudience<Any>({ a: { n: 1 } }, (key) => {
      if (key === 'zz') throw new Error('who?')
      return 'everyone'
    })
    const seen = replica<Any>()
    seen.apply(tracked.snapshot('everyone'))
    delete tracked.state['a']
    expect(() => {
      tracked.state['zz'] = 1
    }).toThrow('who?')
    tracked.rollback()
    ;(tracked.state['a'] as { n: number }).n = 2
    seen.apply(tracked.flush().get('everyone')!)
    expect(seen.state).toEqual({ a: { n: 2 } })
    const fails = () => {
      throw new Error('who?')
    }
    expect(() => trackByAudience({ b: 1 }, fails)).toThrow('who?')
    expect(() => trackByAudience({ b: 1 }, () => 5 as never)).toThrow(TypeError)
    expect(replica().apply(track({ x: 1 }).snapshot())).toBe('applied')
  })
  it('must be the same after a restore', () => {
    const tracked = trackByAudience<Any>({ table: {}, 'hand:bob': {} }, audienceOf)
    const stored = new Map(
      ['everyone', 'user:bob'].map((audience) => [
        audience,
        { snapshot: tracked.snapshot(audience), frames: [] },
      ]),
    )
    expect(() => restoreByAudience(stored, () => 'everyone')).toThrow(refused('FRAME_MALFORMED'))
  })
})

describe('the methods of Array.prototype, lent', () => {
  const lent: Record<string, (list: number[]) => unknown> = {
    shift: (list) => Array.prototype.shift.call(list),
    pop: (list) => Array.prototype.pop.call(list),
    splice: (list) => Array.prototype.splice.call(list, 0, 1),
    'splice in': (list) => Array.prototype.splice.call(list, 1, 1, 8, 9),
    unshift: (list) => Array.prototype.unshift.call(list, 7),
    reverse: (list) => Array.prototype.reverse.call(list),
    'splice of undefined': (list) => list.splice(undefined as never, 1),
  }
  it.each(Object.entries(lent))('%s does what it does elsewhere', (_name, call) => {
    const plain = [3, 1, 2]
    const tracked = track({ list: [...plain] })
    const seen = follow(tracked)
    expect(call(tracked.state.list)).toEqual(call(plain))
    expect(tracked.state.list).toEqual(plain)
    seen.apply(tracked.flush()!)
    expect(seen.state?.list).toEqual(plain)
  })
})

describe('a proxy', () => {
  it('gives nobody the prototype that all objects share', () => {
    const { state } = track<Any>({ a: {} })
    const key: string = '__proto__'
    expect(state[key]).toBeUndefined()
    expect((state['a'] as Any)[key]).toBeUndefined()
  })
  it('is not what inherits from it', () => {
    const tracked = track<Any>({ a: { n: 1 } })
    expect(() => {
      tracked.state['b'] = Object.create(tracked.state['a'] as object)
    }).toThrow(refused('STATE_UNSUPPORTED'))
  })
})

describe('an epoch', () => {
  it('is checked by a restore, and is the one of the last frame', () => {
    const old = track({ n: 0 }, { epoch: 3 })
    const snapshot = old.snapshot()
    old.state.n = 1
    const first = old.flush()!
    for (const epoch of [0.5, -1])
      expect(() => restore(snapshot, [], { epoch })).toThrow(RangeError)
    const next = restore<{ n: number }>(snapshot, [first], { epoch: 4 })
    next.state.n = 2
    const second = next.flush()!
    const last = restore<{ n: number }>(snapshot, [first, second])
    last.state.n = 3
    expect(peekFrame(last.flush()!).epoch).toBe(4)
    const early = restore<{ n: number }>(snapshot, [first], { epoch: 2 })
    early.state.n = 5
    expect(() => restore(snapshot, [first, early.flush()!])).toThrow(refused('FRAME_MALFORMED'))
  })
})

describe('many changes of a large array', () => {
  it('that move nothing stay small, however many they are', () => {
    const tracked = track({ tiles: Array.from({ length: 10_000 }, () => 0) })
    const seen = follow(tracked)
    for (let n = 0; n < 500; n++) tracked.state.tiles[n * 19] = 1 + (n % 9)
    const frame = tracked.flush()!
    expect(frame.length).toBeLessThan(500 * 7)
    seen.apply(frame)
    expect(seen.state?.tiles).toEqual(tracked.state.tiles)
    for (let n = 0; n < 5_000; n++) tracked.state.tiles[(n * 7) % 10_000] = n % 50
    seen.apply(tracked.flush()!)
    expect(seen.state?.tiles).toEqual(tracked.state.tiles)
  })
})
