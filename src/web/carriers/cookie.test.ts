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

  it('takes its own away, and leaves the others', () => {
    const carrier = cookieCarrier('a', true)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.oneof(name, fc.constant('a'), fc.constant(' a\t')), value)),
        (pairs) => {
          const header = pairs.map((parts) => parts.join('=')).join('; ')
          const left = carrier.without('cookie', header) ?? ''
          expect(parseCookie(left, 'a')).toEqual([])
          for (const [other] of pairs)
            if (other.trim() !== 'a')
              expect(parseCookie(left, other)).toEqual(parseCookie(header, other))
        },
      ),
    )
    expect(carrier.without('cookie', 'a=1')).toBeUndefined()
    expect(carrier.without('x-a', 'a=1')).toBe('a=1')
  })

  it('lets nobody set it', () => {
    const carrier = cookieCarrier('__Host-a', true)
    for (const evil of [
      '__Host-a=1; Path=/',
      ' __Host-a =1',
      '=__Host-a=1',
      '__host-A=1',
      '__Host-a',
    ])
      expect(carrier.without('set-cookie', evil)).toBeUndefined()
    for (const other of ['__Host-ab=1', 'b=__Host-a=1', 'b=1; __Host-a=1'])
      expect(carrier.without('set-cookie', other)).toBe(other)
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
