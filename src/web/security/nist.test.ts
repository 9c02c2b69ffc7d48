/** NIST SP 800-63B-4 §5, one test an item. */
import { describe, expect, it } from 'vitest'
import {
  attributesOf,
  code,
  dayMs,
  hourMs,
  login,
  printed,
  setUpProduction,
  site,
  tokenOf,
  userOf,
  write,
} from '../../../test/fakes/security.ts'
import { minuteMs, setUp } from '../../../test/fakes/sessions.ts'
import { hashToken, isToken } from '../../base/secrets/index.ts'
import { openMemory } from '../../stores/memory/index.ts'
import { virtualClock } from '../../testing/index.ts'

describe('the secret of a session', () => {
  it('N1 is presented by the client itself: what the store keeps of it opens nothing', async () => {
    const { browser, sessions } = setUp()
    const one = browser()
    await one.send(login)
    expect(await sessions.identify(one.facts())).toBeDefined()
    const stolen = hashToken(tokenOf(one))
    for (const text of [stolen, `sjs_${stolen}`]) {
      const headers = { authorization: `Bearer ${text}` }
      expect(await sessions.identify(browser().facts({ headers }))).toBeUndefined()
    }
  })
  it('N2 may be replaced without an end of the session', async () => {
    const one = setUp().browser()
    await one.send(login)
    const [before, id] = [one.cookie, await one.send((session) => session.id)]
    await one.send((session) => session.rotate())
    expect(one.cookie).not.toBe(before)
    expect(await one.send((session) => [session.id, session.user?.id])).toEqual([id, 'ada'])
  })
  it('N3 ends with the browser, unless the visitor asks to be remembered', async () => {
    const one = setUpProduction().browser()
    await one.send(login)
    const attributes = attributesOf(one.setCookie)
    expect([attributes.has('max-age'), attributes.has('expires')]).toEqual([false, false])
  })
  it('N4 never stands for an authentication: who is remembered is not freshly logged in', async () => {
    const { browser, clock } = setUp()
    const one = browser()
    await one.send((session) => session.login('ada', { remember: true }))
    clock.advance(dayMs)
    expect(await one.send(userOf)).toBe('ada')
    await expect(one.send((session) => session.requireFresh())).rejects.toEqual(
      code('FRESH_LOGIN_REQUIRED'),
    )
    clock.advance(29 * dayMs)
    expect(await one.send(userOf)).toBeUndefined()
  })
  it('N5 is made by a login, and no request adds a factor to it', async () => {
    const inMemory = (clock = virtualClock()) =>
      setUp({ clock, store: openMemory({ clock }).sessions() })
    for (const { browser } of [setUp(), inMemory()]) {
      const [one, two] = [browser(), browser()]
      await one.send(login)
      await one.send(({ user, data }) => {
        data['user'] = { id: 'root', factors: ['totp'] }
        expect(() => (user!.factors as string[]).push('totp')).toThrow(TypeError)
        expect(() => Object.assign(user!, { id: 'root' })).toThrow(TypeError)
      })
      expect(await one.send(({ user }) => [user?.id, user?.factors])).toEqual(['ada', ['password']])
      const audience = 'http://localhost:3000'
      const text = await one.send((session) => session.handOver({ audience }))
      await two.send((session) => session.takeOver(text, { isConfirmed: true }))
      expect(await two.send(({ user }) => user?.factors)).toEqual(['password'])
    }
  })
  it('N6 has 256 bits', async () => {
    const one = setUp().browser()
    await one.send(write)
    expect(Buffer.from(tokenOf(one).slice(4), 'base64url')).toHaveLength(32)
    expect(isToken(tokenOf(one))).toBe(true)
  })
  it('N7 is void after the logout', async () => {
    const { browser, sessions } = setUp()
    const one = browser()
    await one.send(login)
    const replay = one.copy()
    await one.send((session) => session.logout())
    expect(one.cookie).toBeUndefined()
    expect(() => sessions.identify(replay.facts())).toThrow(code('SESSION_ENDED'))
  })
  it('N8 neither leaves nor is taken over plain http in production', async () => {
    const { browser, sessions } = setUpProduction()
    const one = browser()
    await expect(one.send(login, { isTls: false })).rejects.toEqual(code('TLS_REQUIRED'))
    await one.send(login)
    const [cookie, bearer] = [{}, { authorization: `Bearer ${tokenOf(one)}` }]
    const guest = browser()
    expect(() => sessions.visit(one.facts({ isTls: false, headers: cookie }))).toThrow(
      code('TLS_REQUIRED'),
    )
    expect(() => sessions.visit(guest.facts({ isTls: false, headers: bearer }))).toThrow(
      code('TLS_REQUIRED'),
    )
    expect(() => setUp({ origins: ['http://shop.example'] })).toThrow(/must be https/)
    expect(() => setUp({ origins: ['http://127.0.0.1:3000', 'http://[::1]:3000'] })).not.toThrow()
  })
})

describe('the times of a session', () => {
  it('N9 lie within AAL2 by default and can be set to those of AAL3', async () => {
    const { browser, sessions } = setUp()
    await browser().send(login)
    const [info] = await sessions.listByUser('ada')
    expect(info!.expiresAtMs - info!.createdAtMs).toBeLessThanOrEqual(hourMs)
    expect(info!.endsAtMs - info!.createdAtMs).toBeLessThanOrEqual(24 * hourMs)
    const strict = setUp({ idleAfterMs: 15 * minuteMs, endAfterMs: 12 * hourMs })
    const one = strict.browser()
    await one.send(login)
    strict.clock.advance(15 * minuteMs)
    expect(await one.send(userOf)).toBeUndefined()
  })
  it('N16 are kept by the server: the cookie says nothing of the visitor, and its age is not asked', async () => {
    const { browser, clock } = setUp()
    const one = browser()
    await one.send((session) => {
      session.data.name = 'Ada Lovelace'
      session.login('ada', { keep: 'all', remember: true })
    })
    const value = Buffer.from(tokenOf(one).slice(4), 'base64url').toString('latin1')
    expect(`${one.cookie}${value}`).not.toMatch(/ada/i)
    // The browser of this test keeps cookies for ever.
    clock.advance(30 * dayMs)
    expect(await one.send(userOf)).toBeUndefined()
  })
  it('N18 go on with each use up to the absolute one; a login begins both anew', async () => {
    const { browser, clock, sessions } = setUp()
    const one = browser()
    await one.send(login)
    const times = async () => (await sessions.listByUser('ada'))[0]!
    const first = await times()
    clock.advance(20 * minuteMs)
    await one.send(userOf)
    const used = await times()
    expect(used.expiresAtMs).toBe(first.expiresAtMs + 20 * minuteMs)
    expect(used.endsAtMs).toBe(first.endsAtMs)
    await one.send(login)
    const again = await times()
    expect(again.endsAtMs).toBe(first.endsAtMs + 20 * minuteMs)
    clock.advance(30 * minuteMs)
    expect(await one.send(userOf)).toBeUndefined()
  })
  it('N19 can be looked at without being moved', async () => {
    const { browser, clock, sessions } = setUp()
    const one = browser()
    await one.send(login)
    const timeLeft = async () => {
      const visitor = await sessions.identify(one.facts())
      return (await sessions.find(visitor!.id))!.expiresAtMs - clock.nowMs()
    }
    for (let minute = 0; minute < 30; minute++) {
      expect(await timeLeft()).toBe((30 - minute) * minuteMs)
      clock.advance(minuteMs)
    }
    await expect(timeLeft()).rejects.toEqual(code('SESSION_ENDED'))
  })
})

describe('the way of the secret', () => {
  it('N10 is erased where it lies: the answer to a logout names the cookie exactly', async () => {
    const one = setUpProduction().browser()
    await one.send(login)
    const given = attributesOf(one.setCookie)
    await one.send((session) => session.logout())
    const removed = attributesOf(one.setCookie)
    expect(removed.get('max-age')).toBe('0')
    removed.delete('max-age')
    expect(removed).toEqual(given)
    expect(one.setCookie).toMatch(/^__Host-sojourn=;/)
  })
  it('N11 never falls back to http: the cookie stays Secure and no origin is plain', async () => {
    const { browser } = setUpProduction({ trustProxy: true })
    const one = browser()
    const headers = { 'x-forwarded-proto': 'http' }
    await expect(one.send(login, { isTls: false, headers })).rejects.toEqual(code('TLS_REQUIRED'))
    await one.send(login)
    expect(attributesOf(one.setCookie).has('secure')).toBe(true)
    expect(() => setUpProduction({ origins: ['http://shop.example'] })).toThrow(/must be https/)
  })
  it('N12 gives forms a value that is bound to the session and checks it', async () => {
    const { browser } = setUp()
    const [one, two] = [browser(), browser()]
    for (const each of [one, two]) await each.send(login)
    const [mine, theirs] = await Promise.all(
      [one, two].map((each) => each.send((session) => session.csrfToken())),
    )
    await one.send((session) => session.checkCsrfToken(mine))
    for (const wrong of [theirs, undefined, ''])
      await expect(one.send((session) => session.checkCsrfToken(wrong))).rejects.toEqual(
        code('ORIGIN_FOREIGN'),
      )
  })
  it('N14 goes to as few hosts as can be, and over TLS', async () => {
    const one = setUpProduction().browser()
    await one.send(login)
    const attributes = attributesOf(one.setCookie)
    expect([attributes.has('secure'), attributes.has('domain')]).toEqual([true, false])
  })
  it('N15 is HttpOnly, __Host-, Lax, opaque, and lasts as long as the session', async () => {
    const one = setUpProduction().browser()
    await one.send((session) => session.login('ada', { remember: true }))
    expect(one.setCookie).toMatch(
      /^__Host-sojourn=sjs_[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Lax; Max-Age=2592000$/,
    )
  })
  it('N22 is watched by nothing that would need an assessment: no address, a coarse device', async () => {
    const { serve, store } = setUpProduction()
    const page = serve((session) => {
      session.login('ada')
      return new Response('hello')
    })
    const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
    const headers = { 'user-agent': agent, 'x-forwarded-for': '203.0.113.7', origin: site }
    await page(new Request(site, { method: 'POST', headers }))
    const [record] = await store.listByUser('ada')
    expect(record?.device).toBe('Firefox on Linux')
    expect(printed(record)).not.toMatch(/203\.0|140/)
    expect(Buffer.from(record!.bytes).toString('latin1')).not.toMatch(/203\.0|140/)
  })
})
