/** OWASP ASVS 5.0: V7 and what other chapters ask of sessions, one test an item. */

import { hash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  attributesOf,
  code,
  cookieName,
  hourMs,
  login,
  printed,
  setUpProduction,
  setUpTwoServers,
  site,
  tokenOf,
  userOf,
  write,
} from '../../../test/fakes/security.ts'
import { type Browser, minuteMs, setUp } from '../../../test/fakes/sessions.ts'
import {
  csrfTokenOf,
  isToken,
  newCode,
  newToken,
  sealer,
  sign,
  verify,
} from '../../base/secrets/index.ts'

const audience = 'http://localhost:3000'
const verifier = 'v'.repeat(43)
const challenge = hash('sha256', verifier, 'base64url')

describe('V7.1 documentation', () => {
  it('7.1.1 has an idle and an absolute limit, with defaults that no option can switch off', async () => {
    const { browser, sessions } = setUp()
    await browser().send(login)
    const [info] = await sessions.listByUser('ada')
    expect(info!.expiresAtMs - info!.createdAtMs).toBe(30 * minuteMs)
    expect(info!.endsAtMs - info!.createdAtMs).toBe(12 * hourMs)
    for (const name of ['idleAfterMs', 'endAfterMs', 'rememberForMs'])
      for (const never of [0, -1, Number.POSITIVE_INFINITY, 401 * 24 * hourMs])
        expect(() => setUp({ [name]: never })).toThrow(name)
  })
  it('7.1.2 limits the sessions of an account: one beyond ends the one used longest ago', async () => {
    const { browser, clock } = setUp({ userSessionsMax: 2 })
    const all = [browser(), browser(), browser()]
    for (const one of all) {
      await one.send(login)
      clock.advance(1)
    }
    const users = await Promise.all(all.map((one) => one.send(userOf)))
    expect(users).toEqual([undefined, 'ada', 'ada'])
  })
})

describe('V7.2 fundamentals', () => {
  it('7.2.1 brings nothing that judges tokens into the browser', () => {
    const sources = globSync('src/client/**/*.ts').filter((path) => !/\.test/.test(path))
    expect(sources.length).toBeGreaterThan(3)
    for (const path of sources)
      expect(readFileSync(path, 'utf8')).not.toMatch(/base\/secrets|\/web\/|sjs_/)
  })
  it('7.2.2 makes tokens anew: no login gives the same twice, no fixed text is one', async () => {
    const { browser, sessions } = setUp()
    const [one, two] = [browser(), browser()]
    await one.send(login)
    await two.send(login)
    expect(tokenOf(one)).not.toBe(tokenOf(two))
    for (const key of ['secret', 'sjs_', `sjs_${'A'.repeat(43)}`]) {
      const headers = { authorization: `Bearer ${key}` }
      expect(await sessions.identify(browser().facts({ headers }))).toBeUndefined()
    }
  })
  it('7.2.3 draws 256 bits a token from the generator for secrets, without a pattern', async () => {
    const drawn: number[] = []
    const random = (bytes: number) => {
      drawn.push(bytes)
      return crypto.getRandomValues(new Uint8Array(bytes))
    }
    const one = setUp({ random }).browser()
    await one.send(write)
    expect(drawn).toContain(32)
    expect(Buffer.from(tokenOf(one).slice(4), 'base64url')).toHaveLength(32)
    const count = 20_000
    const tokens = Array.from({ length: count }, () => newToken())
    expect(new Set(tokens).size).toBe(count)
    let ones = 0
    for (const token of tokens)
      for (const byte of Buffer.from(token.slice(4), 'base64url'))
        for (let bit = byte; bit > 0; bit >>= 1) ones += bit & 1
    // Six standard deviations: one run in 500 million is wrong by chance.
    const bits = count * 256
    expect(Math.abs(ones - bits / 2)).toBeLessThan(3 * Math.sqrt(bits))
  })
  it('7.2.4 gives a new token at login and at re-authentication; the old one is dead', async () => {
    const { browser } = setUp()
    const one = browser()
    await one.send(write)
    for (let n = 0; n < 2; n++) {
      const old = one.copy()
      await one.send(login)
      expect(one.cookie).not.toBe(old.cookie)
      expect(await old.send(({ user, isNew }) => [user, isNew])).toEqual([undefined, true])
    }
    expect(await one.send(userOf)).toBe('ada')
  })
})

describe('V7.3 timeout', () => {
  it('7.3.1 ends after the idle time, whatever cookie is sent', async () => {
    const { browser, clock } = setUp()
    const [one, two] = [browser(), browser()]
    for (const each of [one, two]) await each.send(login)
    clock.advance(30 * minuteMs - 1)
    expect(await one.send(userOf)).toBe('ada')
    clock.advance(1)
    expect(await two.send(userOf)).toBeUndefined()
  })
  it('7.3.2 ends after the absolute time, however much it is used', async () => {
    const { browser, clock } = setUp()
    const one = browser()
    await one.send(login)
    for (let minute = 1; minute < 720; minute++) {
      clock.advance(minuteMs)
      expect(await one.send(userOf)).toBe('ada')
    }
    clock.advance(minuteMs)
    expect(await one.send(userOf)).toBeUndefined()
  })
})

describe('V7.4 termination', () => {
  it('7.4.1 is dead after logout and expiry: replayed, in flight, and on another server', async () => {
    const { first, onSecond } = setUpTwoServers()
    const one = first.browser()
    await one.send(login)
    const stolen = one.copy()
    const late = await first.sessions.visit(one.facts())
    late.session.data.count = 99
    await one.send((session) => session.logout())
    expect(() => late.commit()).toThrow(code('SESSION_ROTATED'))
    expect(await stolen.send(userOf)).toBeUndefined()
    expect(await onSecond(stolen).send(userOf)).toBeUndefined()
    expect(() => first.sessions.identify(stolen.facts())).toThrow(code('SESSION_ENDED'))
    const idle = first.browser()
    await idle.send(login)
    first.clock.advance(30 * minuteMs)
    await first.sessions.sweep()
    expect(await onSecond(idle).send(userOf)).toBeUndefined()
  })
  it('7.4.2 ends all sessions of an account that is closed', async () => {
    const { first, onSecond } = setUpTwoServers()
    const [one, two, other] = [first.browser(), first.browser(), first.browser()]
    for (const each of [one, two]) await each.send(login)
    await other.send((session) => session.login('bob'))
    expect(await first.sessions.revokeUser('ada')).toBe(2)
    const users = await Promise.all([one, onSecond(two), other].map((each) => each.send(userOf)))
    expect(users).toEqual([undefined, undefined, 'bob'])
  })
  it('7.4.3 can end all other sessions after a factor was changed', async () => {
    const { browser, sessions } = setUp()
    const [one, two] = [browser(), browser()]
    for (const each of [one, two]) await each.send(login)
    const id = await one.send((session) => session.id)
    await sessions.revokeUser('ada', { except: id! })
    expect([await one.send(userOf), await two.send(userOf)]).toEqual(['ada', undefined])
  })
  it('7.4.5 lets an administrator end the sessions of one user and of everybody', async () => {
    const { browser, sessions } = setUp()
    const [one, two, guest] = [browser(), browser(), browser()]
    await one.send(login)
    await two.send((session) => session.login('bob'))
    await guest.send(write)
    expect(await sessions.revokeUser('ada')).toBe(1)
    expect([await one.send(userOf), await two.send(userOf)]).toEqual([undefined, 'bob'])
    expect(await sessions.revokeEveryone()).toBe(2)
    expect(await two.send(userOf)).toBeUndefined()
  })
})

describe('V7.5 defences against abuse', () => {
  it('7.5.1 lets nobody change what guards the account without a fresh login', async () => {
    const { browser, clock } = setUp()
    const one = browser()
    const changeMail = () =>
      one.send((session) => {
        session.requireFresh({ factors: ['password'] })
        session.data.name = 'new@example.com'
      })
    await expect(changeMail()).rejects.toEqual(code('UNAUTHENTICATED'))
    await one.send(login)
    clock.advance(10 * minuteMs + 1)
    await expect(changeMail()).rejects.toEqual(code('FRESH_LOGIN_REQUIRED'))
    expect(await one.send(({ data }) => data.name)).toBeUndefined()
    await one.send(login)
    await changeMail()
  })
  it('7.5.2 shows users their sessions and ends any of their own after a fresh login', async () => {
    const { browser, sessions, clock } = setUp()
    const [one, two, other] = [browser(), browser(), browser()]
    for (const each of [one, two]) await each.send(login)
    await other.send((session) => session.login('bob'))
    const [theirs] = await sessions.listByUser('bob')
    const end = (id: string) =>
      one.send(async (session) => {
        session.requireFresh()
        const mine = await sessions.listByUser(session.user!.id)
        return mine.some((each) => each.id === id) && sessions.revoke(id)
      })
    clock.advance(11 * minuteMs)
    const [listed] = (await sessions.listByUser('ada')).slice(-1)
    await expect(end(listed!.id)).rejects.toEqual(code('FRESH_LOGIN_REQUIRED'))
    await one.send(login)
    const id = await two.send((session) => session.id)
    expect([await end(id!), await end(theirs!.id)]).toEqual([true, false])
    expect([await two.send(userOf), await other.send(userOf)]).toEqual([undefined, 'bob'])
  })
  it('7.5.3 asks for one more factor, just given, before what matters most', async () => {
    const { browser, clock } = setUp()
    const one = browser()
    const pay = () =>
      one.send((session) => session.requireFresh({ withinMs: minuteMs, factors: ['totp'] }))
    await one.send(login)
    await expect(pay()).rejects.toEqual(code('FRESH_LOGIN_REQUIRED'))
    await one.send((session) => session.login('ada', { factors: ['password', 'totp'] }))
    await pay()
    clock.advance(minuteMs + 1)
    await expect(pay()).rejects.toEqual(code('FRESH_LOGIN_REQUIRED'))
  })
})

describe('V7.6 the start', () => {
  it('7.6.2 begins no session for somebody who only looks', async () => {
    const { browser, calls } = setUp()
    const one = browser()
    await one.send(({ data, user, id }) => [data.count, user, id], { method: 'GET' })
    expect([calls, one.setCookie]).toEqual([[], undefined])
  })
})

describe('V3 web frontend', () => {
  it('3.3.1 sets the cookie Secure, under a name with a prefix that browsers enforce', async () => {
    const one = setUpProduction().browser()
    await one.send(login)
    expect(one.setCookie).toMatch(/^__Host-/)
    expect(attributesOf(one.setCookie).has('secure')).toBe(true)
  })
  it('3.3.2 always says SameSite, also when it takes the cookie away', async () => {
    const one = setUpProduction().browser()
    for (const change of [login, (session: Parameters<typeof login>[0]) => session.logout()]) {
      await one.send(change)
      expect(attributesOf(one.setCookie).get('samesite')).toBe('Lax')
    }
  })
  it('3.3.3 binds the cookie to one host: no Domain, the whole path', async () => {
    const one = setUpProduction().browser()
    await one.send(login)
    const attributes = attributesOf(one.setCookie)
    expect([attributes.has('domain'), attributes.get('path')]).toEqual([false, '/'])
  })
  it('3.3.4 keeps the token from scripts: HttpOnly, and nowhere but in Set-Cookie', async () => {
    const { serve, sessions } = setUpProduction()
    const page = serve(async (session) => {
      session.login('ada')
      await session.commit()
      const { id, user, data } = session
      return Response.json({ session, id, user, data, proof: session.csrfToken() })
    })
    const answer = await page(new Request(site, { method: 'POST' }))
    const [cookie = ''] = answer.headers.getSetCookie()
    expect(attributesOf(cookie).has('httponly')).toBe(true)
    const rest = [...answer.headers].filter(([name]) => name !== 'set-cookie')
    const listed = await sessions.listByUser('ada')
    expect(printed([rest, await answer.text(), listed])).not.toContain('sjs_')
  })
  it('3.3.5 has a cookie of 62 bytes, however much the session holds', async () => {
    const one = setUpProduction().browser()
    await one.send(({ data }) => data.cart.push('x'.repeat(60_000)))
    expect(String(one.cookie)).toHaveLength(62)
  })
  it('3.4.5 tells other sites nothing of a page whose address has a code', async () => {
    const { serve, browser } = setUpProduction()
    const one = browser()
    await one.send(login)
    const text = await one.send((session) => session.handOver({ audience: site }))
    const page = serve(async (session, { url }) => {
      const offer = await session.lookAtHandOver(new URL(url).searchParams.get('code'))
      return new Response(offer.user?.id)
    })
    const { headers } = await page(new Request(`${site}/join?code=${text}`))
    expect(headers.get('referrer-policy')).toBe('same-origin')
    expect(headers.get('cache-control')).toBe('no-store')
  })
  it('3.5.1 refuses what another site makes the browser send, with and without a cookie', async () => {
    const { browser } = setUp()
    const [one, guest] = [browser(), browser()]
    await one.send(login)
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ] as Record<string, string>[]) {
      await expect(one.send(() => {}, { headers })).rejects.toEqual(code('ORIGIN_FOREIGN'))
      await expect(guest.send(login, { headers })).rejects.toEqual(code('ORIGIN_FOREIGN'))
    }
    const token = await one.send((session) => session.csrfToken())
    await one.send((session) => session.checkCsrfToken(token))
    await expect(one.send((session) => session.checkCsrfToken('x'))).rejects.toEqual(
      code('ORIGIN_FOREIGN'),
    )
  })
  it('3.5.2 rests on no preflight: simple content types are checked as all others', async () => {
    const one = setUp().browser()
    await one.send(login)
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json']) {
      const headers = { 'content-type': type, origin: 'https://evil.example' }
      await expect(one.send(() => {}, { headers })).rejects.toEqual(code('ORIGIN_FOREIGN'))
    }
  })
  it('3.5.3 takes only GET, HEAD, OPTIONS and TRACE for safe, and redeems nothing in them', async () => {
    const { browser } = setUp()
    const [one, two] = [browser(), browser()]
    await one.send(login)
    const headers = { origin: 'https://evil.example' }
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PURGE', 'get', ''])
      await expect(one.send(() => {}, { method, headers })).rejects.toEqual(code('ORIGIN_FOREIGN'))
    const text = await one.send((session) => session.handOver({ audience, challenge }))
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE'])
      await expect(
        two.send((session) => session.takeOver(text, { verifier }), { method }),
      ).rejects.toBeInstanceOf(TypeError)
  })
})

describe('V4 and V8 to V16, what they ask of sessions', () => {
  it('4.4.1 opens live connections over TLS only', () => {
    const { sessions } = setUpProduction()
    const proxied = { 'x-forwarded-proto': 'https' }
    expect([sessions.isAllowedTransport({}), sessions.isAllowedTransport(proxied)]).toEqual([
      false,
      false,
    ])
    const { sessions: behind } = setUpProduction({ trustProxy: true })
    for (const [headers, isAllowed] of [
      [proxied, true],
      [{ 'x-forwarded-proto': 'HTTPS, http' }, true],
      [{ 'x-forwarded-proto': 'http, https' }, false],
      [{ 'x-forwarded-proto': '' }, false],
      [{}, false],
    ] as const)
      expect(behind.isAllowedTransport(headers)).toBe(isAllowed)
    expect(setUp().sessions.isAllowedTransport({})).toBe(true)
  })
  it('4.4.2 opens live connections to exact origins only', () => {
    const { sessions } = setUpProduction()
    expect(sessions.isAllowedOrigin(site)).toBe(true)
    for (const foreign of [
      `${site}.evil.example`,
      `${site}:8443`,
      'http://shop.example',
      'null',
      '',
    ])
      expect(sessions.isAllowedOrigin(foreign)).toBe(false)
  })
  it('4.4.3 knows the visitor of a connection by the session and by nothing else', async () => {
    const { browser, sessions } = setUp()
    const one = browser()
    await one.send(login)
    expect(await sessions.identify(one.facts())).toMatchObject({ user: { id: 'ada' } })
    await sessions.revokeUser('ada')
    expect(() => sessions.identify(one.facts())).toThrow(code('SESSION_ENDED'))
  })
  it('8.3.2 lets a revocation count for the next request on every server', async () => {
    const { first, second, onSecond } = setUpTwoServers()
    const one = first.browser()
    await one.send(login)
    expect(await onSecond(one).send(userOf)).toBe('ada')
    await second.sessions.revokeUser('ada')
    expect(await one.send(userOf)).toBeUndefined()
  })
  it('9.1.1 opens and verifies nothing that was changed', () => {
    const { seal, open } = sealer(['s'.repeat(32)])
    const sealed = seal(Buffer.from('ada'), 'session s_1 0')
    for (let at = 0; at < sealed.length; at++)
      expect(open(sealed.with(at, (sealed[at] ?? 0) ^ 1), 'session s_1 0')).toBeUndefined()
    const signed = sign('ada', ['k'.repeat(32)])
    expect(verify(`bob${signed.slice(3)}`, ['k'.repeat(32)])).toBeUndefined()
  })
  it('9.1.2 knows no algorithm that the sender could choose', async () => {
    const { browser, calls, sessions } = setUp()
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    for (const bearer of [`${none}.${none}.`, `${none}.${none}.${none}`]) {
      const headers = { authorization: `Bearer ${bearer}` }
      expect(await sessions.identify(browser().facts({ headers }))).toBeUndefined()
    }
    expect(calls).toEqual([])
  })
  it('9.1.3 opens and verifies with the secrets of the configuration only', () => {
    const [ours, theirs] = ['o'.repeat(32), 't'.repeat(32)] as [string, string]
    expect(sealer([ours]).open(sealer([theirs]).seal(Buffer.from('x'), 'c'), 'c')).toBeUndefined()
    expect(verify(sign('ada', [theirs]), [ours])).toBeUndefined()
  })
  it('9.2.1 takes a code within its time only', async () => {
    const { browser, clock } = setUp()
    const one = browser()
    await one.send(login)
    const text = await one.send((session) => session.handOver({ audience, challenge }))
    clock.advance(minuteMs)
    await expect(browser().send((session) => session.takeOver(text, { verifier }))).rejects.toEqual(
      code('HANDOVER_INVALID'),
    )
  })
  it('9.2.2 takes no secret for one of another kind', async () => {
    const { browser } = setUp()
    const one = browser()
    await one.send(login)
    const token = tokenOf(one)
    for (const other of [newCode(), csrfTokenOf(token), hash('sha256', token, 'base64url')])
      expect(isToken(other)).toBe(false)
    await expect(
      browser().send((session) => session.takeOver(token, { isConfirmed: true })),
    ).rejects.toEqual(code('HANDOVER_INVALID'))
    await expect(one.send((session) => session.checkCsrfToken(token))).rejects.toEqual(
      code('ORIGIN_FOREIGN'),
    )
  })
  it('9.2.3 redeems no code that was made for another audience', async () => {
    const { browser } = setUp()
    const one = browser()
    await one.send(login)
    const text = await one.send((session) =>
      session.handOver({ audience: 'https://other.example', challenge }),
    )
    await expect(browser().send((session) => session.takeOver(text, { verifier }))).rejects.toEqual(
      code('HANDOVER_INVALID'),
    )
  })
  it('9.2.4 seals each session for itself, though all share one secret', () => {
    const { seal, open } = sealer(['s'.repeat(32)])
    const sealed = seal(Buffer.from('ada'), 'session s_1 0')
    expect(open(sealed, 'session s_1 0')).toBeDefined()
    for (const other of ['session s_2 0', 'session s_1 1'])
      expect(open(sealed, other)).toBeUndefined()
  })
  it('11.5.1 draws 132 bits for an id and 256 for a token; neither is a UUID', async () => {
    const one = setUp().browser()
    await one.send(write)
    const id = await one.send((session) => session.id)
    expect(id).toMatch(/^s_[\w-]{22}$/)
    expect(tokenOf(one)).toMatch(/^sjs_[\w-]{43}$/)
  })
  it('14.2.1 takes no token from a URL', async () => {
    const { browser, serve } = setUpProduction()
    const one = browser()
    await one.send(login)
    const token = tokenOf(one)
    const page = serve((session) => new Response(session.user?.id ?? 'nobody'))
    for (const path of [
      `?${cookieName}=${token}`,
      `?access_token=${token}`,
      `;jsessionid=${token}`,
    ])
      expect(await (await page(new Request(`${site}/${path}`))).text()).toBe('nobody')
  })
  it('14.3.1 takes the cookie away at logout and lets the application clear what it stored', async () => {
    const { browser, serve } = setUpProduction()
    const one = browser()
    await one.send(login)
    const logout = serve((session) => {
      session.logout()
      return new Response('bye', { headers: { 'clear-site-data': '"storage"' } })
    })
    const headers = { cookie: String(one.cookie), 'sec-fetch-site': 'same-origin' }
    const answer = await logout(new Request(site, { method: 'POST', headers }))
    expect(attributesOf(answer.headers.getSetCookie()[0]).get('max-age')).toBe('0')
    expect(answer.headers.get('clear-site-data')).toBe('"storage"')
  })
  it('15.3.7 refuses two different tokens, wherever they come from', async () => {
    const { browser, sessions, calls } = setUp()
    const [a, b] = [newToken(), newToken()]
    const pair = (token: string) => `sojourn-dev-3000=${token}`
    const sent: Record<string, string>[] = [
      { cookie: `${pair(a)}; ${pair(b)}` },
      { cookie: pair(a), authorization: `Bearer ${b}` },
    ]
    for (const headers of sent)
      expect(() => sessions.visit(browser().facts({ headers }))).toThrow(code('CARRIER_CONFLICT'))
    expect(calls).toEqual([])
  })
  it('16.2.5 logs no token, whatever fails', async () => {
    const { browser, sessions, lines, clock, sqlite } = setUp()
    const one: Browser = browser()
    sessions.on('end', () => {
      throw new Error('a listener')
    })
    await one.send(write)
    await one.send(login)
    clock.advance(10 * minuteMs)
    const visit = await sessions.visit(one.facts())
    visit.session.data.count = 7
    sqlite.close()
    await new Promise(setImmediate)
    const late = await sessions.visit(one.facts())
    const answers = [() => visit.commit(), () => late.session.data].map((fail) => {
      try {
        return fail()
      } catch (error) {
        return sessions.problem(error)
      }
    })
    expect(answers).toMatchObject([{ status: 503 }, { status: 503 }])
    expect(lines.length).toBeGreaterThan(3)
    expect(printed([lines, answers])).not.toContain(tokenOf(one).slice(4))
  })
})
