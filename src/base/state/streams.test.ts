import { describe, expect, it } from 'vitest'
import {
  describeFrame,
  peekFrame,
  replica,
  restore,
  restoreByAudience,
  track,
  trackByAudience,
} from './index.ts'

interface Game {
  board: { score: number; pieces: { id: number }[] }
  'hand:ann'?: { cards: string[]; plan?: object }
  'hand:bob'?: { cards: string[] }
}

const game = (): Game => ({
  board: { score: 0, pieces: [{ id: 1 }] },
  'hand:ann': { cards: ['ace'] },
  'hand:bob': { cards: ['king'] },
})
const audienceOf = (key: string): string =>
  key.startsWith('hand:') ? `user:${key.slice(5)}` : 'everyone'

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('latin1')

describe('audiences', () => {
  it('see their keys and nothing of others', () => {
    const tracked = trackByAudience(game(), audienceOf)
    const ann = replica<Game>()
    for (const audience of ['everyone', 'user:ann']) ann.apply(tracked.snapshot(audience), audience)
    expect(ann.state).toEqual({ board: game().board, 'hand:ann': game()['hand:ann'] })

    tracked.state['hand:bob']?.cards.push('secret')
    tracked.state.board.score = 7
    const frames = tracked.flush()
    expect([...frames.keys()].sort()).toEqual(['everyone', 'user:bob'])
    expect(ann.apply(frames.get('everyone')!)).toBe('applied')
    expect(ann.state?.board.score).toBe(7)
    for (const [audience, bytes] of [...frames, ['', tracked.snapshot('everyone')] as const])
      if (audience !== 'user:bob') expect(text(bytes)).not.toMatch(/secret|king|bob|hand/)
  })

  it('count frames of their own, and get none when they see no change', () => {
    const tracked = trackByAudience(game(), audienceOf)
    for (let n = 1; n < 5; n++) {
      tracked.state['hand:ann']!.cards.push(`${n}`)
      expect([...tracked.flush().keys()]).toEqual(['user:ann'])
    }
    expect(['everyone', 'user:ann', 'user:bob'].map((one) => tracked.seqOf(one))).toEqual([0, 4, 0])
    expect(tracked.flush().size).toBe(0)
  })

  it('of others leave no trace in the bytes: not in numbers, keys or lengths', () => {
    const quiet = trackByAudience(game(), audienceOf)
    const busy = trackByAudience(game(), audienceOf)
    for (let n = 0; n < 300; n++) {
      busy.state['hand:bob'] = { cards: [`card ${n}`] }
      Object.assign(busy.state['hand:ann']!, { [`note ${n}`]: {} })
      busy.flush()
    }
    for (const one of [quiet, busy]) {
      one.snapshot('everyone')
      one.state.board.pieces.push({ id: 2 })
    }
    expect(busy.flush().get('everyone')).toEqual(quiet.flush().get('everyone'))
    expect(busy.snapshot('everyone')).toEqual(quiet.snapshot('everyone'))
  })

  it('get what moves to them as something new, with what happened to it in the turn', () => {
    const tracked = trackByAudience(game(), audienceOf)
    const seen = replica<Game>()
    const bob = replica<Game>()
    seen.apply(tracked.snapshot('everyone'))
    bob.apply(tracked.snapshot('user:bob'), 'user:bob')
    const piece = tracked.state.board.pieces.pop()!
    Object.assign(piece, { trick: 'hidden' })
    Object.assign(tracked.state['hand:bob']!, { piece })
    const frames = tracked.flush()
    expect(text(frames.get('everyone'))).not.toMatch(/trick|hidden|piece/)
    seen.apply(frames.get('everyone')!)
    bob.apply(frames.get('user:bob')!, 'user:bob')
    expect(seen.state?.board.pieces).toEqual([])
    expect(bob.state).toEqual({
      'hand:bob': { cards: ['king'], piece: { id: 1, trick: 'hidden' } },
    })
    Object.assign(piece, { trick: 'seen' })
    bob.apply(tracked.flush().get('user:bob')!, 'user:bob')
    expect(bob.state).toMatchObject({ 'hand:bob': { piece: { trick: 'seen' } } })
  })

  it('are not told of what passed through their arrays within a turn', () => {
    const tracked = trackByAudience(game(), audienceOf)
    const seen = replica<Game>()
    seen.apply(tracked.snapshot('everyone'))
    const { pieces } = tracked.state.board
    pieces.push({ id: 2, ...{ note: 'secret' } })
    pieces.unshift({ id: 3 })
    Object.assign(tracked.state['hand:bob']!, { piece: pieces.pop() })
    const frames = tracked.flush()
    expect(text(frames.get('everyone'))).not.toMatch(/note|secret/)
    seen.apply(frames.get('everyone')!)
    expect(seen.state?.board.pieces).toEqual([{ id: 3 }, { id: 1 }])
  })

  it('are forgotten by who leaves them, and begin with a snapshot again', () => {
    const tracked = trackByAudience(game(), audienceOf)
    const seen = replica<Game>()
    for (const audience of ['everyone', 'user:ann'])
      seen.apply(tracked.snapshot(audience), audience)
    const { board } = seen.state!
    seen.leave('user:ann')
    expect(Object.keys(seen.state!)).toEqual(['board'])
    tracked.state['hand:ann']!.cards.push('x')
    const frame = tracked.flush().get('user:ann')!
    expect(seen.apply(frame, 'user:ann')).toBe('gap')
    seen.apply(tracked.snapshot('user:ann'), 'user:ann')
    expect(seen.state?.['hand:ann']?.cards).toEqual(['ace', 'x'])
    expect(seen.state?.board).toBe(board)
    expect(seen.state).toBe(seen.state)
    expect([seen.seq, seen.seqOf('user:ann')]).toEqual([0, 1])
  })

  it('may begin when nothing is there yet', () => {
    const tracked = trackByAudience<Game>({ board: game().board }, audienceOf)
    const seen = replica<Game>()
    seen.apply(tracked.snapshot('user:ann'), 'user:ann')
    expect(seen.state).toEqual({})
    tracked.state['hand:ann'] = { cards: ['two'] }
    seen.apply(tracked.flush().get('user:ann')!, 'user:ann')
    expect(seen.state).toEqual({ 'hand:ann': { cards: ['two'] } })
  })

  it('are restored, each from its own journal', () => {
    const first = trackByAudience(game(), audienceOf)
    const stored = new Map(
      ['everyone', 'user:ann', 'user:bob'].map((audience) => [
        audience,
        { snapshot: first.snapshot(audience), frames: [] as Uint8Array[] },
      ]),
    )
    const seen = replica<Game>()
    seen.apply(stored.get('user:ann')!.snapshot, 'user:ann')
    first.state['hand:ann']!.cards.push('x')
    for (const [audience, frame] of first.flush()) {
      stored.get(audience)!.frames.push(frame)
      seen.apply(frame, audience)
    }
    const second = restoreByAudience<Game>(stored, audienceOf)
    expect(second.state).toEqual(first.state)
    second.state['hand:ann']!.cards.push('y')
    expect(seen.apply(second.flush().get('user:ann')!, 'user:ann')).toBe('applied')
    expect(seen.state?.['hand:ann']?.cards).toEqual(['ace', 'x', 'y'])
  })

  it('are of the keys of a plain object only', () => {
    expect(() => trackByAudience([1], audienceOf)).toThrow(TypeError)
    expect(() => trackByAudience(new Map(), audienceOf)).toThrow(TypeError)
  })
})

describe('an epoch', () => {
  it('is told by frames and snapshots, and a frame of another one is foreign', () => {
    const old = track({ n: 1 }, { epoch: 3 })
    const seen = replica<{ n: number }>()
    seen.apply(old.snapshot())
    const young = track({ n: 1 }, { epoch: 4 })
    young.state.n = 2
    const frame = young.flush()!
    expect(peekFrame(frame)).toEqual({ kind: 'frame', seq: 1, epoch: 4 })
    expect([seen.apply(frame), seen.state]).toEqual(['foreign', { n: 1 }])
    seen.apply(young.snapshot())
    expect(seen.state).toEqual({ n: 2 })
  })
  it('goes on after a restore, unless a new one begins', () => {
    const snapshot = track({ n: 1 }, { epoch: 3 }).snapshot()
    for (const [options, epoch] of [[{}, 3] as const, [{ epoch: 4 }, 4] as const]) {
      const tracked = restore<{ n: number }>(snapshot, [], options)
      tracked.state.n = 9
      expect(peekFrame(tracked.flush()!)).toMatchObject({ seq: 1, epoch })
    }
  })
  it('is a whole number from 0 up', () => {
    for (const epoch of [-1, 0.5, Number.NaN])
      expect(() => track({}, { epoch })).toThrow(RangeError)
  })
})

describe('a snapshot', () => {
  const many = () => ({
    list: Array.from({ length: 50 }, (_, id) => ({ id, tags: [`t${id}`] })),
    at: new Date(5),
    map: new Map([['k', { n: 1 }]]),
  })

  it('is encoded once for all who join in the same tick', () => {
    const tracked = track(many())
    const joined = Array.from({ length: 100 }, () => {
      const one = replica<object>()
      const bytes = tracked.snapshot()
      one.apply(bytes)
      return [one, bytes] as const
    })
    expect(new Set(joined.map(([, bytes]) => bytes)).size).toBe(1)
    for (const [one] of joined) expect(one.state).toEqual(many())
  })

  it('after a gap keeps the identity of what looks the same', () => {
    const tracked = track(many())
    const seen = replica<ReturnType<typeof many>>()
    seen.apply(tracked.snapshot())
    const before = seen.state!
    tracked.state.list[3]!.id = 99
    tracked.flush()
    tracked.state.list.splice(10, 1)
    const late = tracked.flush()!
    expect(seen.apply(late)).toBe('gap')
    seen.apply(tracked.snapshot())
    const after = seen.state!
    expect(after).toEqual(tracked.state)
    expect(after).not.toBe(before)
    expect(after.list[3]).not.toBe(before.list[3])
    expect(after.list[3]!.tags).toBe(before.list[3]!.tags)
    expect(after.list[10]).toBe(before.list[11])
    expect(after.map).toBe(before.map)
    seen.apply(tracked.snapshot())
    expect(seen.state).toBe(after)
  })

  it('is as large as what it holds, whatever became of the state before', () => {
    const worn = track<Record<string, unknown>>({ list: [] as object[] })
    const fresh = track<Record<string, unknown>>({ list: [] as object[] })
    for (let n = 0; n < 1_000_000; n++) {
      const list = worn.state['list'] as object[]
      list.push({ [`key ${n % 5_000}`]: n })
      if (list.length > 3) list.shift()
      if (n % 10 === 0) worn.flush()
    }
    ;(worn.state['list'] as object[]).length = 0
    worn.flush()
    for (const one of [worn, fresh]) {
      one.state['list'] = Array.from({ length: 20 }, (_, id) => ({ id, name: `n${id}` }))
      one.flush()
    }
    expect(worn.snapshot().length - fresh.snapshot().length).toBeLessThan(24)
  }, 60_000)
})

describe('the dictionary', () => {
  it('begins anew after a snapshot, so that who joins by it can follow', () => {
    const tracked = track<Record<string, number>>({})
    const flush = (key: string): Uint8Array => {
      tracked.state[key] = Math.random()
      return tracked.flush()!
    }
    flush('first')
    const known = flush('first')
    expect(describeFrame(known)).toContain('"#1"')
    const seen = replica<Record<string, number>>()
    seen.apply(tracked.snapshot())
    const renewed = flush('first')
    expect(describeFrame(renewed)).toMatch(/"freshKeys":true[\s\S]*"first"/)
    expect(seen.apply(renewed)).toBe('applied')
    expect(seen.apply(flush('first'))).toBe('applied')
    expect(seen.state).toEqual(tracked.state)
  })
  it('is bounded: more keys than it takes, and keys too long for it', () => {
    const tracked = track<Record<string, number>>({})
    const seen = replica<Record<string, number>>()
    seen.apply(tracked.snapshot())
    let fresh = 0
    for (let n = 0; n < 5_000; n++) {
      tracked.state[n % 3 === 0 ? 'x'.repeat(65 + (n % 7)) : `key ${n}`] = n
      if (n % 50 < 49) continue
      const frame = tracked.flush()!
      if (describeFrame(frame).includes('"freshKeys":true')) fresh += 1
      seen.apply(frame)
    }
    tracked.flush()
    expect(seen.state).toEqual(tracked.state)
    expect(fresh).toBeGreaterThan(2)
  })
})
