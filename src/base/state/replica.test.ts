import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeFrame, peekFrame, replica, restore, track } from './index.ts'

const refusal = expect.objectContaining({ code: 'FRAME_MALFORMED' })

const samples = (): Uint8Array[] => {
  const tracked = track<Record<string, unknown>>({
    list: [{ id: 1 }, { id: 2 }],
    map: new Map([['k', new Date(1)]]),
    bytes: new Uint8Array([1, 2]),
    text: '\ud800',
    odd: -0,
  })
  const { state } = tracked
  const list = state['list'] as unknown[]
  const samples = [tracked.snapshot()]
  list.unshift(list.pop(), { deep: [{ x: undefined }] })
  samples.push(tracked.flush()!)
  delete state['odd']
  list.splice(1, 1)
  samples.push(tracked.flush()!)
  return samples
}

describe('a replica', () => {
  it('takes frames in order, tells duplicates and gaps', () => {
    const [snapshot, one, two] = samples() as [Uint8Array, Uint8Array, Uint8Array]
    const seen = replica<object>()
    expect([seen.state, seen.seq, seen.apply(one)]).toEqual([undefined, 0, 'gap'])
    expect(seen.apply(snapshot)).toBe('applied')
    const { state } = seen
    expect([seen.apply(two), seen.state === state, seen.seq]).toEqual(['gap', true, 0])
    expect([seen.apply(one), seen.apply(one), seen.apply(two)]).toEqual([
      'applied',
      'duplicate',
      'applied',
    ])
    expect(seen.seq).toBe(2)
    expect([seen.apply(snapshot), seen.seq]).toEqual(['applied', 0])
    expect(seen.state).toEqual(state)
  })

  it('keeps the identity of what did not change', () => {
    const tracked = track({ a: { list: [{ n: 1 }, { n: 2 }] }, b: { m: new Map([['k', {}]]) } })
    const seen = replica<typeof tracked.state>()
    seen.apply(tracked.snapshot())
    const before = seen.state!
    tracked.state.a.list[0]!.n = 5
    seen.apply(tracked.flush()!)
    const after = seen.state!
    expect(after).not.toBe(before)
    expect(after.a.list[0]).not.toBe(before.a.list[0])
    expect(after.a.list[1]).toBe(before.a.list[1])
    expect(after.b).toBe(before.b)
    expect(before.a.list[0]).toEqual({ n: 1 })
    tracked.state.a.list.reverse()
    seen.apply(tracked.flush()!)
    expect(seen.state!.a.list[0]).toBe(after.a.list[1])
  })

  it('describes frames as JSON', () => {
    const described = samples().map((bytes) => JSON.parse(JSON.stringify(describeFrame(bytes))))
    expect(described[0]).toMatchObject({ version: 1, kind: 'snapshot', seq: 0, next: 6 })
    expect(described[2]).toEqual({
      version: 1,
      kind: 'frame',
      seq: 2,
      operations: [
        { op: 'delete', node: 1, key: 'odd' },
        { op: 'splice', node: 2, index: 1, remove: 1, insert: [] },
      ],
    })
    expect(JSON.stringify(described[1])).toContain('{"reference":4}')
  })
})

describe('the decoder', () => {
  const own = new Set(['FRAME_MALFORMED'])
  const attempt = (run: () => unknown): void => {
    try {
      run()
    } catch (error) {
      expect(own, String(error)).toContain((error as { code?: string }).code)
    }
  }
  const tryAll = (bytes: Uint8Array): void => {
    const [snapshot, one] = samples() as [Uint8Array, Uint8Array]
    const seen = replica<object>()
    seen.apply(snapshot)
    seen.apply(one)
    const { state, seq } = seen
    const text = JSON.stringify(describeFrame(snapshot))
    let taken: unknown
    attempt(() => {
      taken = seen.apply(bytes)
    })
    if (taken !== 'applied') {
      expect(seen.state).toBe(state)
      expect(seen.seq).toBe(seq)
    } else void JSON.stringify(seen.state)
    attempt(() => replica().apply(bytes))
    attempt(() => JSON.stringify(describeFrame(bytes)))
    attempt(() => peekFrame(bytes))
    attempt(() => restore(bytes, []))
    attempt(() => restore(snapshot, [one, bytes]).snapshot())
    expect(JSON.stringify(describeFrame(snapshot))).toBe(text)
    expect(Reflect.ownKeys(Object.prototype)).toEqual(ownKeys)
  }
  const ownKeys = Reflect.ownKeys(Object.prototype)
  const body = fc.array(
    fc.oneof(
      fc.integer({ min: 0, max: 12 }),
      fc.constantFrom(0x90, 0x80, 0x91, 0xc0, 0xcb, 0xdd, 0xde, 0xc4, 0xc7, 0xd4, 0xd9, 0xff),
      fc.integer({ min: 0, max: 255 }),
    ),
    { maxLength: 40 },
  )
  const made = fc
    .tuple(fc.constantFrom([1, 0, 0], [1, 1, 2], [1, 1, 3], [1, 0, 9, 20], []), body)
    .map(([head, rest]) => Uint8Array.from([...head, ...rest]))
  const mutated = fc
    .tuple(
      fc.nat(2),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }), fc.nat(2)), {
        minLength: 1,
        maxLength: 5,
      }),
    )
    .map(([which, edits]) => {
      const bytes = [...samples()[which]!]
      for (const [at, byte, kind] of edits) {
        const index = at % bytes.length
        if (kind === 0) bytes[index] = byte
        else bytes.splice(index, kind === 1 ? 1 : 0, ...(kind === 1 ? [] : [byte]))
      }
      if (which > 0) bytes[2] = 2
      return Uint8Array.from(bytes)
    })

  it('decodes or refuses 5,000 byte strings and changes nothing else', () => {
    fc.assert(fc.property(fc.oneof(made, mutated), tryAll), { numRuns: 5_000 })
  })

  const refused: [string, number[]][] = [
    ['nothing', []],
    ['another version', [2, 1, 2]],
    ['another kind', [1, 2, 2]],
    ['an endless seq', [1, 1, ...Array(20).fill(255)]],
    ['a frame 0', [1, 1, 0]],
    ['a huge array', [1, 1, 2, 0xdd, 255, 255, 255, 255]],
    ['a huge text', [1, 1, 2, 0, 1, 0xdb, 255, 255, 255, 255]],
    ['a huge count', [1, 1, 2, 2, 2, 0, 0, 0xce, 255, 255, 255, 255]],
    ['__proto__ as a key', [1, 1, 2, 0, 1, 0xa9, ...new TextEncoder().encode('__proto__'), 1]],
    ['an unknown node', [1, 1, 2, 1, 99, 0xa1, 97]],
    ['an unknown key', [1, 1, 2, 1, 1, 0xa1, 97]],
    ['a cycle', [1, 1, 2, 2, 2, 0, 0, 1, 0x90, 3, 2]],
    ['a second place', [1, 1, 2, 2, 2, 0, 0, 1, 0x90, 3, 4]],
    ['the root inside', [1, 1, 2, 2, 2, 0, 0, 1, 0x90, 3, 1]],
    ['undefined in an array', [1, 1, 2, 2, 2, 0, 0, 1, 0xc7, 0, 0]],
    ['a splice behind the end', [1, 1, 2, 2, 2, 9, 0, 0]],
    ['a set of an array', [1, 1, 2, 0, 2, 0xa1, 97, 1]],
    ['too deep', [1, 1, 2, 0, 1, 0xa1, 97, ...Array(200).fill([0x90, 1, 1]).flat(), 1]],
    [
      'a late fault',
      [1, 1, 2, 0, 1, 0xa1, 97, 1, 2, 2, 0, 1, 0, 0, 1, 0xa1, 97, 1, 1, 1, 0xa1, 98],
    ],
  ]
  it.each(refused)('refuses %s', (_name, bytes) => {
    const [snapshot, one] = samples() as [Uint8Array, Uint8Array]
    const seen = replica<object>()
    seen.apply(snapshot)
    seen.apply(one)
    const { state } = seen
    expect(() => seen.apply(Uint8Array.from(bytes))).toThrow(refusal)
    expect(seen.state).toBe(state)
    expect(() => seen.apply('text' as never)).toThrow(refusal)
  })

  it('refuses to recover without a frame in between', () => {
    const [snapshot, one, two] = samples() as [Uint8Array, Uint8Array, Uint8Array]
    expect(() => restore(snapshot, [two])).toThrow(/Frame 1 is missing/)
    expect(() => restore(one, [])).toThrow(refusal)
    expect(() => restore(snapshot, [snapshot])).toThrow(refusal)
    expect(restore(snapshot, [one, one, two]).seq).toBe(2)
  })
})
