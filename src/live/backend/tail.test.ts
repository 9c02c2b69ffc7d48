import { describe, expect, it } from 'vitest'
import { createTail } from './tail.ts'

const base = { epoch: 1, nonce: 'a', seq: 0 }
const frame = (seq: number, epoch = 1, nonce = 'a') => ({
  seq,
  epoch,
  nonce,
  bytes: new Uint8Array(10),
})
const seqs = (frames: readonly { seq: number }[] | undefined) => frames?.map(({ seq }) => seq)

describe('createTail()', () => {
  it('gives a client just the frames that it missed, across claims', () => {
    const tail = createTail(base)
    for (const next of [frame(1), frame(2), frame(3, 2, 'b')]) tail.push(next)
    expect(seqs(tail.after(base))).toEqual([1, 2, 3])
    expect(seqs(tail.after({ epoch: 1, nonce: 'a', seq: 2 }))).toEqual([3])
    expect(seqs(tail.after({ epoch: 2, nonce: 'b', seq: 3 }))).toEqual([])
    expect(tail.head).toEqual({ epoch: 2, nonce: 'b', seq: 3 })
  })

  it('knows a cursor of another history', () => {
    const tail = createTail(base)
    for (const next of [frame(1), frame(2)]) tail.push(next)
    expect(tail.after({ epoch: 1, nonce: 'x', seq: 1 })).toBeUndefined()
    expect(tail.after({ epoch: 2, nonce: 'a', seq: 1 })).toBeUndefined()
    expect(tail.after({ epoch: 1, nonce: 'a', seq: 3 })).toBeUndefined()
  })

  it('forgets the oldest frames above its size', () => {
    const tail = createTail(base, 25)
    for (const next of [frame(1), frame(2), frame(3)]) tail.push(next)
    expect(tail.after(base)).toBeUndefined()
    expect(tail.after({ epoch: 1, nonce: 'a', seq: 1 })).toBeUndefined()
    expect(seqs(tail.after({ epoch: 1, nonce: 'a', seq: 2 }))).toEqual([3])
  })
})
