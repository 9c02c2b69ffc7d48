/** What OWASP's session management cheat sheet asks beyond ASVS, one test an item. */
import { describe, expect, it } from 'vitest'
import {
  code,
  dayMs,
  login,
  printed,
  secondMs,
  setUpProduction,
  site,
  tokenOf,
  userOf,
  write,
} from '../../../test/fakes/security.ts'
import { setUp } from '../../../test/fakes/sessions.ts'
import { newToken } from '../../base/secrets/index.ts'
import type { SessionEvent } from '../index.ts'

describe('ids from outside', () => {
  it('O2 never adopts a token that it did not make', async () => {
    const { browser } = setUp()
    const one = browser()
    const planted = `sojourn-dev-3000=${newToken()}`
    one.cookie = planted
    expect(await one.send(({ isNew }) => isNew)).toBe(true)
    await one.send(login)
    expect(one.cookie).not.toBe(planted)
  })
  it('O4 checks length and letters before it asks the store', async () => {
    const { browser, sessions, calls } = setUp()
    for (const text of ['', 'x', `${newToken()}A`, newToken().slice(1), "sjs_' OR 1=1 --"]) {
      const headers = { cookie: `sojourn-dev-3000=${text}` }
      expect(() => sessions.visit(browser().facts({ headers }))).toThrow(code('COOKIE_MALFORMED'))
    }
    expect(calls).toEqual([])
  })
  it('O5 takes tokens from the cookie alone where the headers are closed', async () => {
    const { browser } = setUp({ carriers: { bearer: false } })
    const one = browser()
    await one.send(write)
    const token = tokenOf(one)
    const asked = { authorization: `Bearer ${token}`, 'x-session': token }
    const stranger = browser()
    const isNew = await stranger.send((session) => session.isNew, { headers: asked })
    expect([isNew, await one.send((session) => session.isNew)]).toEqual([true, false])
  })
})

describe('renewal', () => {
  it('O6 renews id and token with every change of privilege', async () => {
    const { browser } = setUp()
    const [one, two] = [browser(), browser()]
    await one.send(write)
    const seen: unknown[] = []
    const note = async () => seen.push(one.cookie, await one.send((session) => session.id))
    await note()
    await one.send(login)
    await note()
    await one.send((session) => session.login('bob'))
    await note()
    await two.send(login)
    const audience = 'http://localhost:3000'
    const text = await two.send((session) => session.handOver({ audience }))
    await one.send((session) => session.takeOver(text, { isConfirmed: true }))
    await note()
    await one.send((session) => {
      session.logout()
      write(session)
    })
    await note()
    expect(new Set(seen).size).toBe(seen.length)
  })
  it('O8 takes the old token for 10 s after a renewal, and then no more', async () => {
    const { browser, clock } = setUp()
    const one = browser()
    await one.send(login)
    const old = one.copy()
    await one.send((session) => session.rotate())
    clock.advance(10 * secondMs - 1)
    expect(await old.send(userOf)).toBe('ada')
    clock.advance(1)
    expect([await old.send(userOf), await one.send(userOf)]).toEqual([undefined, 'ada'])
  })
})

describe('answers and records', () => {
  it('O9 lets no cache keep an answer that gives a token, whatever the application says', async () => {
    const { serve } = setUpProduction()
    const page = serve((session) => {
      session.login('ada')
      return new Response('hello', { headers: { 'cache-control': 'public, max-age=60' } })
    })
    const { headers } = await page(new Request(site, { method: 'POST' }))
    expect(headers.getSetCookie()).toHaveLength(1)
    expect(headers.get('cache-control')).toBe('no-store')
  })
  it('O11 tells of starts, logins and ends, by the public id', async () => {
    const told: unknown[] = []
    const events = {
      check: () => undefined,
      add: ({ name, session }: SessionEvent) => told.push([name, session]),
    }
    const { browser, sessions } = setUp({ events })
    sessions.on('end', ({ id, reason }) => told.push([reason, id]))
    const one = browser()
    await one.send(login)
    const [id, token] = [await one.send((session) => session.id), tokenOf(one)]
    await one.send((session) => session.logout())
    expect(told).toEqual([
      ['started', id],
      ['login', id],
      ['logout', id],
    ])
    expect(printed(told)).not.toContain(token)
  })
})

describe('policy', () => {
  it('O14 can ask for a new login or end the session after a risk', async () => {
    const { browser, sessions, clock } = setUp()
    const one = browser()
    await one.send(login)
    clock.advance(1)
    await expect(one.send((session) => session.requireFresh({ withinMs: 0 }))).rejects.toEqual(
      code('FRESH_LOGIN_REQUIRED'),
    )
    const id = await one.send((session) => session.id)
    expect(await sessions.revoke(id!)).toBe(true)
    expect(await one.send(userOf)).toBeUndefined()
  })
  it('O15 can allow one session at a time', async () => {
    const { browser, clock } = setUp({ userSessionsMax: 1 })
    const [one, two] = [browser(), browser()]
    await one.send(login)
    clock.advance(dayMs / 100)
    await two.send(login)
    expect([await one.send(userOf), await two.send(userOf)]).toEqual([undefined, 'ada'])
  })
})
