import { PassThrough } from 'node:stream'
import { beforeEach, describe, expect, it } from 'vitest'
import { settle } from '../../../test/fakes/instance.ts'
import { limits } from '../../base/core/index.ts'
import { type VirtualClock, virtualClock } from '../../testing/index.ts'
import { Output } from './output.ts'

const { outputLinesPerSecondMax: linesMax, outputLineCharsMax: charsMax } = limits

let clock: VirtualClock
let lines: string[]
let dropped: number[]
let output: Output
let stream: PassThrough

beforeEach(() => {
  clock = virtualClock()
  lines = []
  dropped = []
  output = new Output(clock, {
    line: (text) => lines.push(text),
    dropped: (count) => dropped.push(count),
  })
  stream = new PassThrough()
  output.follow(stream)
})

async function print(text: string | Uint8Array): Promise<void> {
  stream.write(text)
  await settle()
}

describe('output', () => {
  it('is cut into lines wherever its chunks end, and the last one needs no end', async () => {
    const bytes = Buffer.from('one\n\ntwo – 2\nthree')
    for (const byte of bytes) await print(Uint8Array.of(byte))
    expect(lines).toEqual(['one', 'two – 2'])
    stream.end()
    await settle()
    expect(lines).toEqual(['one', 'two – 2', 'three'])
  })

  it('cuts a long line, however it comes, and goes on with the next', async () => {
    for (let n = 0; n < 5; n += 1) await print('x'.repeat(charsMax - 1))
    await print('\nshort\n')
    await print(`${'y'.repeat(2 * charsMax)}\n${'z'.repeat(charsMax)}\n`)
    expect(lines).toEqual([
      `${'x'.repeat(charsMax)} … (cut)`,
      'short',
      `${'y'.repeat(charsMax)} … (cut)`,
      'z'.repeat(charsMax),
    ])
  })

  it('of a flood reaches the log as far as a second allows, and says how much did not', async () => {
    const flood = Array.from({ length: 10 * linesMax }, (_, n) => `line ${n}\n`).join('')
    await print(flood)
    await print(flood)
    expect([lines.length, lines.at(-1), dropped]).toEqual([linesMax, `line ${linesMax - 1}`, []])
    clock.advance(1_000)
    expect(dropped).toEqual([19 * linesMax])
    await print('calm again\n')
    clock.advance(1_000)
    expect([lines.at(-1), dropped.length]).toEqual(['calm again', 1])
  })

  it('that comes another way has a part in the same second', async () => {
    await print('x\n'.repeat(linesMax - 1))
    expect([output.admits(), output.admits()]).toEqual([true, false])
    clock.advance(1_000)
    expect([dropped, output.admits()]).toEqual([[1], true])
  })

  it('keeps its last words, also those of a flood', async () => {
    await print('x'.repeat(50).concat('\n').repeat(100_000))
    await print('the reason\n')
    expect(output.lines.at(-1)).toBe('the reason')
    expect(output.lines.join('\n').length).toBeLessThanOrEqual(limits.outputCharsKept)
  })
})
