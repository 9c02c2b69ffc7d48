import { describe, expect, it } from 'vitest'
import { describeFrame, replica, restore, track } from '../index.ts'

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

  it('describes frames as JSON lines', () => {
    const described = samples().map((bytes) =>
      describeFrame(bytes)
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    )
    expect(described[0]?.[0]).toMatchObject({ version: 2, kind: 'snapshot', seq: 0 })
    expect(described[0]?.[1]).toMatchObject({ next: 6, root: { node: 1, kind: 'object' } })
    expect(described[2]).toEqual([
      { version: 2, kind: 'frame', seq: 2, epoch: 0, freshKeys: false },
      { op: 'delete', node: 1, key: 'odd' },
      { op: 'splice', node: 2, index: 1, remove: 1, insert: [] },
    ])
    expect(JSON.stringify(described[1])).toContain('{"reference":4}')
  })
})

describe('the decoder', () => {
  const text = (value: string) => [0x40 + value.length, ...new TextEncoder().encode(value)]
  /** A frame that begins its dictionary anew, behind the two of the samples. */
  const frame = (...body: number[]) => [0x23, 2, ...body]
  const select = { list: 8, far: [0x90, 6] }
  const setA = [1, ...text('a')]
  const huge = [255, 255, 255, 255, 127]
  const refused: [string, number[]][] = [
    ['nothing', []],
    ['another version', [0x11, 2]],
    ['another kind', [0x28, 2]],
    ['a snapshot with a dictionary', [0x22, 0, 2, 0x7b, 0]],
    ['an endless seq', [0x21, ...Array(20).fill(255)]],
    ['a frame 0', [0x21, 0]],
    ['a head without an end', [0x25, 2]],
    ['an array of too many items', frame(select.list, 3, 0, 1, 0x7c, ...huge)],
    ['an object of too many keys', frame(...setA, 0x7b, ...huge)],
    ['a huge text', frame(1, 0x77, ...huge)],
    ['huge units', frame(...setA, 0x78, ...huge)],
    ['huge bytes', frame(...setA, 0x79, ...huge)],
    ['a huge insert', frame(select.list, 3, 0, ...huge)],
    ['a huge removal', frame(select.list, 3, ...huge, 0)],
    ['a huge arrangement', frame(select.list, 7, 3, ...huge)],
    ['a huge run', frame(select.list, 7, 3, 1, 2, ...huge)],
    ['an integer too large', frame(...setA, 0x74, 255, 255, 255, 255, 255, 255, 255, 31)],
    ['a number of another alphabet', frame(...setA, 0x7f)],
    ['text that is no UTF-8', frame(...setA, 0x41, 0xff)],
    ['half a number', frame(...setA, 0x76, 1, 2)],
    ['__proto__ as a key', frame(1, ...text('__proto__'), 1)],
    ['__proto__ as a key inside', frame(...setA, 0x7b, 1, 0, ...text('__proto__'), 1)],
    ['a number as a key', frame(1, 5, 5)],
    ['a key of the dictionary that was given up', frame(5, 1)],
    ['a key twice', frame(...setA, 0x7b, 2, 0, ...text('b'), 1, 2, 1)],
    ['an unknown node', frame(...select.far, ...setA, 1)],
    ['a reference to an unknown node', frame(...setA, 0x7e, 99)],
    ['an unknown key', frame(2, ...text('a'))],
    ['a cycle', frame(select.list, 3, 0, 1, 0x7e, 2)],
    ['a second place', frame(select.list, 3, 0, 1, 0x7e, 4)],
    ['the root inside', frame(select.list, 3, 0, 1, 0x7e, 1)],
    ['undefined in an array', frame(select.list, 3, 0, 1, 0x70)],
    ['undefined in a new array', frame(...setA, 0x7c, 1, 0x70)],
    ['a splice behind the end', frame(select.list, 75, 0, 0)],
    ['an item twice', frame(select.list, 7, 3, 2, 1, 5)],
    ['a run behind the end', frame(select.list, 7, 3, 1, 2, 9)],
    ['a run before the beginning', frame(select.list, 7, 3, 1, 5)],
    ['an unknown piece', frame(select.list, 7, 3, 1, 3)],
    ['two arrangements', frame(select.list, 7, 3, 1, 2, 3, 7, 3, 1, 2, 3)],
    ['65 splices', frame(select.list, ...Array(65).fill([3, 0, 1, 5]).flat())],
    ['a set of an array', frame(select.list, ...setA, 1)],
    ['a splice of an object', frame(3, 0, 0)],
    ['too deep', frame(...setA, ...Array(200).fill([0x7c, 1]).flat(), 1)],
    ['a late fault', frame(...setA, 1, select.list, 3, 1, 0, 7, 2, 1, 6, 2, ...text('b'))],
    ['a root that is no node', [0x20, 0, 2, 1]],
    ['bytes after the end', [0x20, 0, 2, 0x7b, 0, 0]],
    ['a number twice', [0x20, 0, 9, 0x7c, 2, 0x7e, 5, 0x7b, 0, 0x7e, 5, 0x7b, 0]],
    ['a number that is not given yet', [0x20, 0, 4, 0x7c, 1, 0x7e, 5, 0x7b, 0]],
    ['a number without a node', [0x20, 0, 9, 0x7c, 1, 0x7e, 5, 1]],
    ['a root of another number', [0x20, 0, 9, 0x7e, 5, 0x7b, 0]],
  ]
  it.each(refused)('refuses %s and keeps what it has', (_name, bytes) => {
    const [snapshot, one, two] = samples() as [Uint8Array, Uint8Array, Uint8Array]
    const seen = replica<object>()
    seen.apply(snapshot)
    seen.apply(one)
    const { state } = seen
    const text = JSON.stringify(state)
    expect(() => seen.apply(Uint8Array.from(bytes))).toThrow(refusal)
    expect(() => seen.apply('text' as never)).toThrow(refusal)
    expect(seen.state).toBe(state)
    expect(JSON.stringify(seen.state)).toBe(text)
    expect(seen.apply(two)).toBe('applied')
    expect(seen.state).toEqual(restore(snapshot, [one, two]).state)
  })
  it('refuses nothing of what the cases above are made from', () => {
    for (const body of [
      [...setA, 1],
      [select.list, 7, 3, 1, 2, 3],
      [select.list, 3, 0, 0],
    ]) {
      const [snapshot, one] = samples() as [Uint8Array, Uint8Array]
      const seen = replica<object>()
      seen.apply(snapshot)
      seen.apply(one)
      expect(seen.apply(Uint8Array.from(frame(...body)))).toBe('applied')
    }
  })

  it('keeps what a refused frame overwrote, also where the view is made anew', () => {
    const initial = { a: 1, b: { n: 1 }, gone: true } as { a: number; b: object; gone?: boolean }
    const snapshot = track(initial).snapshot()
    const overwriting = restore<typeof initial>(snapshot, [])
    Object.assign(overwriting.state, { a: 2, b: 2 })
    const deleting = restore<typeof initial>(snapshot, [])
    delete deleting.state.gone
    const seen = replica<typeof initial>()
    seen.apply(snapshot)
    const { state } = seen
    const unknownKey = [2, ...text('z')]
    const refused = Uint8Array.from([...overwriting.flush()!, ...unknownKey])
    expect(() => seen.apply(refused)).toThrow(/Unknown key z/)
    expect(seen.state).toBe(state)
    seen.apply(deleting.flush()!)
    expect(seen.state).toEqual({ a: 1, b: { n: 1 } })
  })

  it('refuses to recover without a frame in between', () => {
    const [snapshot, one, two] = samples() as [Uint8Array, Uint8Array, Uint8Array]
    expect(() => restore(snapshot, [two])).toThrow(/Frame 1 is missing/)
    expect(() => restore(one, [])).toThrow(refusal)
    expect(() => restore(snapshot, [snapshot])).toThrow(refusal)
    expect(restore(snapshot, [one, one, two]).seq).toBe(2)
  })
})
