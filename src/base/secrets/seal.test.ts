import { describe, expect, it } from 'vitest'
import { sealer } from './index.ts'

const [first, second] = ['a'.repeat(32), 'b'.repeat(40)] as [string, string]
const plain = Uint8Array.of(1, 2, 3, 255)

describe('a sealer', () => {
  it('opens what it sealed, for the same context only', () => {
    const { seal, open } = sealer([first])
    const sealed = seal(plain, 'session s_1')
    expect(Uint8Array.from(open(sealed, 'session s_1')!)).toEqual(plain)
    expect(open(sealed, 'session s_2')).toBeUndefined()
    expect(open(seal(new Uint8Array(), 'x'), 'x')).toHaveLength(0)
  })
  it('never seals alike twice, and shows nothing', () => {
    const { seal } = sealer([first])
    const text = Buffer.from('a secret that is long enough to be seen')
    expect(Buffer.from(seal(text, 'x')).equals(seal(text, 'x'))).toBe(false)
    expect(Buffer.from(seal(text, 'x')).includes('secret')).toBe(false)
  })
  it('opens what an older secret sealed, as long as that one is kept', () => {
    const old = sealer([first]).seal(plain, 'x')
    expect(sealer([second, first]).open(old, 'x')).toBeDefined()
    expect(sealer([second]).open(old, 'x')).toBeUndefined()
    expect(sealer([first]).open(sealer([second, first]).seal(plain, 'x'), 'x')).toBeUndefined()
  })
  it('opens nothing that was changed or cut, wherever', () => {
    const { seal, open } = sealer([first])
    const sealed = seal(plain, 'x')
    for (let at = 0; at < sealed.length; at++) {
      const changed = Uint8Array.from(sealed)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(open(changed, 'x'), `byte ${at}`).toBeUndefined()
      expect(open(sealed.subarray(0, at), 'x')).toBeUndefined()
    }
  })
  it('refuses secrets that are none', () => {
    for (const secrets of [[], Array(17).fill(first) as string[]])
      expect(() => sealer(secrets)).toThrow(RangeError)
    for (const secret of ['short', 5 as never]) expect(() => sealer([secret])).toThrow(TypeError)
  })
})
