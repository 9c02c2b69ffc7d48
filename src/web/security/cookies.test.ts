/** The rules of cookies (RFC 6265bis, layered cookies, CHIPS), one test a rule. */
import { describe, expect, it } from 'vitest'
import {
  attributesOf,
  code,
  cookieName,
  dayMs,
  login,
  setUpProduction,
  tokenOf,
  userOf,
} from '../../../test/fakes/security.ts'
import { setUp } from '../../../test/fakes/sessions.ts'
import { newToken } from '../../base/secrets/index.ts'
import { serialiseCookie } from '../carriers/cookie.ts'

/** The lines that give, renew and remove a cookie in production. */
async function setCookies(): Promise<string[]> {
  const one = setUpProduction().browser()
  const lines: string[] = []
  await one.send((session) => session.login('ada', { remember: true }))
  lines.push(String(one.setCookie))
  await one.send((session) => session.rotate())
  lines.push(String(one.setCookie))
  await one.send((session) => session.logout())
  lines.push(String(one.setCookie))
  return lines
}

describe('a cookie', () => {
  it('C1 has at most 4096 bytes of name and value, else it is refused here', () => {
    const name = 'n'
    expect(() => serialiseCookie(name, 'x'.repeat(4095), { isSecure: true })).not.toThrow()
    expect(() => serialiseCookie(name, 'x'.repeat(4096), { isSecure: true })).toThrow(RangeError)
  })
  it('C2 has attributes far below 1024 bytes', async () => {
    for (const line of await setCookies())
      for (const [name, value] of attributesOf(line))
        expect(name.length + value.length).toBeLessThan(32)
  })
  it('C3 lives 400 days at most', async () => {
    const one = setUpProduction({ rememberForMs: 400 * dayMs }).browser()
    await one.send((session) => session.login('ada', { remember: true }))
    expect(attributesOf(one.setCookie).get('max-age')).toBe(String(400 * 86_400))
    expect(() => setUpProduction({ rememberForMs: 400 * dayMs + 1 })).toThrow(RangeError)
  })
  it('C4 is never SameSite=None, and always Secure', async () => {
    for (const line of await setCookies())
      expect([...attributesOf(line)]).toEqual(
        expect.arrayContaining([
          ['samesite', 'Lax'],
          ['secure', ''],
        ]),
      )
  })
  it('C5 keeps what __Host- promises: Secure, Path=/, no Domain', async () => {
    for (const line of await setCookies()) {
      expect(line.startsWith(`${cookieName}=`)).toBe(true)
      const attributes = attributesOf(line)
      expect([attributes.get('path'), attributes.has('domain')]).toEqual(['/', false])
    }
  })
  it('C6 is found under its exact name, which no other spelling can stand for', async () => {
    const { browser } = setUpProduction()
    const one = browser()
    await one.send(login)
    const token = tokenOf(one)
    for (const name of ['__host-sojourn', '__HOST-SOJOURN', 'sojourn', '__Secure-sojourn'])
      expect(
        await browser().send(userOf, { headers: { cookie: `${name}=${token}` } }),
      ).toBeUndefined()
  })
  it('C9 is removed with the attributes that it was given', async () => {
    const [given = '', , removed = ''] = await setCookies()
    const [mine, last] = [attributesOf(given), attributesOf(removed)]
    expect(last.get('max-age')).toBe('0')
    expect([...last.keys()]).toEqual([...mine.keys()])
  })
  it('C10 that comes twice with different values is refused, in either order', () => {
    const { browser, sessions } = setUp()
    const [a, b] = [newToken(), newToken()].map((token) => `sojourn-dev-3000=${token}`)
    for (const cookie of [`${a}; ${b}`, `${b}; ${a}`, `${a}; sojourn-dev-3000=`])
      expect(() => sessions.visit(browser().facts({ headers: { cookie } }))).toThrow(
        code('CARRIER_CONFLICT'),
      )
    const twice = browser().facts({ headers: { cookie: `${a}; ${a}` } })
    expect(() => sessions.visit(twice)).not.toThrow()
  })
})
