import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cookieCarrier, parseCookie, serialiseCookie } from './cookie.ts'

const letters = (pattern: RegExp, maxLength: number) =>
  fc.stringMatching(pattern).map((text) => text.slice(0, maxLength))
const name = letters(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,80}$/, 80)
const value = letters(/^[!#-+\--:<-[\]-~]{0,200}$/, 200)

describe('cookies', () => {
  it('reads what it wrote, whatever stands beside it', () => {
    fc.assert(
      fc.property(
        name,
        value,
        fc.boolean(),
        fc.array(fc.tuple(name, value)),
        (n, v, isSecure, others) => {
          const line = serialiseCookie(n, v, { isSecure })
          const [pair = ''] = line.split(';')
          expect(Buffer.byteLength(pair)).toBeLessThanOrEqual(4097)
          const beside = others.filter(([other]) => other !== n).map((parts) => parts.join('='))
          expect(parseCookie([...beside, pair, ...beside].join('; '), n)).toEqual([v])
        },
      ),
    )
  })

  it('never throws at a header, and finds only what has the name', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        for (const found of parseCookie(header, 'a')) expect(header).toContain(found)
      }),
    )
  })

  it('refuses more than 4096 bytes and letters that no cookie has', () => {
    const attributes = { isSecure: true }
    expect(() => serialiseCookie('a', 'x'.repeat(4095), attributes)).not.toThrow()
    expect(() => serialiseCookie('a', 'x'.repeat(4096), attributes)).toThrow(RangeError)
    for (const bad of ['a b', 'a;b', 'a\r\nb', 'ä', 'a,b', 'a"b', 'a\\b'])
      expect(() => serialiseCookie('a', bad, attributes)).toThrow(TypeError)
    for (const bad of ['', 'a=b', 'a;', 'ä'])
      expect(() => serialiseCookie(bad, 'x', attributes)).toThrow(TypeError)
  })

  it('finds every different value, each once', () => {
    expect(parseCookie('a=1; b=2; a=3;a=1 ; A=4; xa=5; a; =6', 'a')).toEqual(['1', '3'])
    expect(cookieCarrier('a', true).read({})).toEqual([])
  })
})
