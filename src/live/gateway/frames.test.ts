import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as ws from 'ws'
import { closeFrame, FrameCounter } from './frames.ts'

/** Not among the types of `ws`. */
const { Receiver, Sender } = ws as unknown as {
  Receiver: new (
    options: object,
  ) => {
    on(event: 'conclude', listener: (code: number, reason: Buffer) => void): void
    write(bytes: Uint8Array): void
  }
  Sender: { frame(data: Uint8Array, options: object): Buffer[] }
}

/** Frames as `ws` makes them. */
function frame(opcode: number, bytes: number, mask: boolean): Buffer {
  const options = { opcode, mask, fin: true, rsv1: false, readOnly: true }
  return Buffer.concat(Sender.frame(Buffer.alloc(bytes, 0x88), options))
}

describe('the counter of frames', () => {
  it('finds their ends and what they are, however they are cut into chunks', () => {
    const one = fc.record({
      opcode: fc.constantFrom(0, 1, 2, 8, 9, 10),
      bytes: fc.oneof(fc.nat(130), fc.constantFrom(125, 126, 127, 65_535, 65_536, 70_000)),
      mask: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(one, { maxLength: 6 }), fc.infiniteStream(fc.nat(300)), (all, cuts) => {
        const frames = all.map(({ opcode, bytes, mask }) => frame(opcode, bytes, mask))
        const stream = Buffer.concat(frames)
        const ends = new Set([0])
        let end = 0
        for (const { length } of frames) {
          end += length
          ends.add(end)
        }
        const opcodes: number[] = []
        const counter = new FrameCounter((opcode) => opcodes.push(opcode))
        for (let at = 0; at < stream.length; ) {
          const next = at + (cuts.next().value ?? 1)
          counter.pass(stream.subarray(at, next))
          at = Math.min(next, stream.length)
          expect(counter.isBetween).toBe(ends.has(at))
        }
        expect(opcodes).toEqual(all.map(({ opcode }) => opcode))
      }),
    )
  })

  it('never ends a frame that says it is endless', () => {
    const counter = new FrameCounter()
    counter.pass(Buffer.from([0x82, 127, ...Array(8).fill(0xff)]))
    counter.pass(Buffer.alloc(1_000_000))
    expect(counter.isBetween).toBe(false)
  })
})

it('makes a close frame that clients read', async () => {
  const receiver = new Receiver({ isServer: false })
  const closed = new Promise((resolve) =>
    receiver.on('conclude', (code, reason) => resolve([code, String(reason)])),
  )
  receiver.write(closeFrame(4401, 'SESSION_ENDED'))
  expect(await closed).toEqual([4401, 'SESSION_ENDED'])
})
