import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { type Data, initial, minuteMs, type Options, setUp } from '../../../test/fakes/sessions.ts'
import { SojournError } from '../../base/core/index.ts'
import { newToken } from '../../base/secrets/index.ts'
import { openSqlite } from '../../stores/sqlite/index.ts'
import { virtualClock } from '../../testing/index.ts'
import { openSessions, type Session } from '../index.ts'
import type { SessionStore } from './index.ts'

const code = (name: string) => expect.objectContaining({ code: name })
const read = (session: Session<Data>): number => session.data.count
const write = (session: Session<Data>): void => {
  session.data.count++
}

describe('lazy', () => {
  it('asks no store and sets no cookie without a token, until something is written', async () => {
    const { browser, calls } = setUp()
    const one = browser()
    const seen = await one.send(({ data, id, isNew, user }) => ({
      count: data.count,
      id,
      isNew,
      user,
    }))
    expect(seen).toEqual({ count: 0, id: undefined, isNew: true, user: undefined })
    await one.send((session) => session.logout())
    await one.send((session) => session.rotate())
    expect([calls, one.setCookie]).toEqual([[], undefined])
    await one.send(write)
    expect(calls).toEqual(['create'])
    expect(one.setCookie).toMatch(/^sojourn-dev-3000=sjs_\S{43}; Path=\/; HttpOnly; SameSite=Lax$/)
  })

  it('reads once, writes once, and answers synchronously with a store that does', async () => {
    const { browser, calls, sessions } = setUp()
    const one = browser()
    await one.send(write)
    calls.length = 0
    const visit = sessions.visit(one.facts())
    if (visit instanceof Promise) throw new Error('not synchronous')
    expect(visit.session.data.count).toBe(1)
    expect(visit.session.isNew).toBe(false)
    visit.session.data.count = 5
    expect(visit.commit()).toBeUndefined()
    expect(calls).toEqual(['read', 'commit'])
    expect(visit.start()).toEqual([['cache-control', 'no-store']])
  })

  it('marks as not to be cached only what looked at the session', async () => {
    const { browser } = setUp()
    const one = browser()
    await one.send(write)
    await one.send(() => {})
    expect([one.cacheControl, one.setCookie]).toEqual([undefined, undefined])
    await one.send((session) => session.user)
    expect([one.cacheControl, one.setCookie]).toEqual(['no-store', undefined])
  })

  it('never adopts a token that it did not make', async () => {
    const { browser } = setUp()
    const one = browser()
    one.cookie = `sojourn-dev-3000=${newToken()}`
    const planted = one.cookie
    expect(await one.send(({ isNew }) => isNew)).toBe(true)
    await one.send(write)
    expect(one.cookie).not.toBe(planted)
  })
})

describe('data', () => {
  it('keeps what plain data is, dates, maps and bytes included', async () => {
    const { browser } = setUp()
    const one = browser()
    const at = new Date(12345)
    const held = { at, list: [1, [2, { deep: null }]], half: 0.5, big: 2 ** 40, no: undefined }
    await one.send(({ data }) => {
      data['held'] = held
      data['map'] = new Map([['a', new Map([['b', at]])]])
      data['bytes'] = Uint8Array.of(1, 2)
    })
    const seen = await one.send(({ data }) => structuredCloneOf(data))
    const { no: _, ...kept } = held
    expect(seen['held']).toEqual(kept)
    expect(seen['map']).toEqual(new Map([['a', new Map([['b', at]])]]))
    expect(seen['bytes']).toEqual(Uint8Array.of(1, 2))
  })

  it('checks the schema and the size, and stores nothing that fails', async () => {
    const schema = z.object({ count: z.number().max(3), cart: z.array(z.string()) })
    const { browser, calls } = setUp({ schema, dataBytesMax: 200 })
    const one = browser()
    await one.send(write)
    const fails = (change: (data: Data) => void) => one.send(({ data }) => change(data))
    await expect(fails((data) => (data.count = 4))).rejects.toThrow(/count: /)
    await expect(fails((data) => data.cart.push('x'.repeat(200)))).rejects.toEqual(
      code('SESSION_TOO_LARGE'),
    )
    expect(calls.filter((name) => name === 'commit')).toEqual([])
    expect(await one.send(({ data }) => data.count)).toBe(1)
  })

  it('waits for a schema that takes time', async () => {
    const schema = z
      .object({ count: z.number(), cart: z.array(z.string()) })
      .refine(async () => false)
    await expect(setUp({ schema }).browser().send(write)).rejects.toEqual(code('SESSION_INVALID'))
  })
})

describe('login', () => {
  it('makes a new session and a new token; the old one is dead at once', async () => {
    const { browser, sessions } = setUp()
    const one = browser()
    await one.send(write)
    const old = one.copy()
    const oldId = await one.send(({ id }) => id)
    const ended = vi.fn()
    sessions.on('end', ended)
    await one.send((session) => {
      session.login('ada', { factors: ['password'] })
      expect(session.user).toMatchObject({ id: 'ada', factors: ['password'] })
      expect(ended).not.toHaveBeenCalled()
    })
    expect(one.cookie).not.toBe(old.cookie)
    expect(ended.mock.calls).toEqual([[{ id: oldId, reason: 'login' }]])
    expect(await one.send(({ user, id }) => [user?.id, id === oldId])).toEqual(['ada', false])
    expect(await old.send(({ user, isNew, data }) => [user, isNew, data.count])).toEqual([
      undefined,
      true,
      0,
    ])
  })

  it('carries over what `keep` names, with the changes of this and of parallel requests', async () => {
    const { browser, sessions } = setUp()
    const one = browser()
    await one.send(({ data }) => {
      data.cart.push('a')
      data.name = 'Guest'
      data.count = 7
    })
    const other = one.copy()
    const visit = await sessions.visit(one.facts())
    visit.session.data.cart.push('c')
    await other.send(({ data }) => data.cart.push('b'))
    visit.session.login('ada', { keep: ['cart'] })
    visit.session.data.name = 'Ada'
    await visit.commit()
    one.take(visit.start())
    const seen = await one.send(({ data }) => structuredCloneOf(data))
    expect({ ...seen, cart: [...seen.cart].sort() }).toEqual({
      count: 0,
      cart: ['a', 'b', 'c'],
      name: 'Ada',
    })
  })

  it('needs no session before it', async () => {
    const { browser, calls } = setUp()
    const one = browser()
    await one.send((session) => session.login('ada'))
    expect(calls).toEqual(['create'])
    expect(await one.send(({ user }) => user?.id)).toBe('ada')
  })

  it('refuses a request that was in flight on the old session', async () => {
    const { browser, sessions } = setUp()
    const one = browser()
    await one.send(write)
    const late = await sessions.visit(one.facts())
    late.session.data.count = 99
    await one.send((session) => session.login('ada'))
    expect(() => late.commit()).toThrow(code('SESSION_ROTATED'))
    expect(late.start().map(([name]) => name)).not.toContain('set-cookie')
    expect(await one.send(({ data }) => data.count)).toBe(0)
  })

  it('leaves the old token read-only, without ever setting a cookie', async () => {
    const { browser, clock } = setUp()
    const one = browser()
    await one.send(write)
    const old = one.copy()
    await one.send((session) => session.login('ada'))
    await old.send(({ data }) => data.count)
    expect(old.setCookie).toBeUndefined()
    await expect(old.send(write)).rejects.toEqual(code('SESSION_ROTATED'))
    await expect(old.send((session) => session.logout())).rejects.toEqual(code('SESSION_ROTATED'))
    await expect(old.send((session) => session.update(() => 1))).rejects.toEqual(
      code('SESSION_ROTATED'),
    )
    clock.advance(5 * minuteMs)
    await old.send(write)
  })

  it('may be tried again by whoever missed the answer to the last one', async () => {
    const { browser } = setUp()
    const one = browser()
    await one.send(write)
    const lost = one.copy()
    await one.send((session) => session.login('ada'))
    await lost.send((session) => session.login('ada'))
    expect(lost.setCookie).toBeDefined()
    await lost.send((session) => expect(session.user?.id).toBe('ada'))
  })

  it('refuses changes through a reference from before', async () => {
    const { browser } = setUp()
    await expect(
      browser().send((session) => {
        const { data } = session
        session.login('ada', { keep: ['cart'] })
        data.cart.push('lost')
      }),
    ).rejects.toThrow(/anew/)
  })
})

describe('logout', () => {
  it('ends the session, removes the cookie and tells it after the store confirmed', async () => {
    const { browser, sessions, store } = setUp()
    const one = browser()
    await one.send((session) => session.login('ada'))
    const id = (await one.send((session) => session.id)) ?? ''
    const ended = vi.fn(() => expect(store.readById(id)).toBeUndefined())
    sessions.on('end', ended)
    const old = one.copy()
    await one.send((session) => {
      session.logout()
      expect([session.user, session.data.count]).toEqual([undefined, 0])
    })
    expect(one.setCookie).toBe('sojourn-dev-3000=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0')
    expect(ended).toHaveBeenCalledExactlyOnceWith({ id, reason: 'logout' })
    await old.send((session) => session.logout())
    expect(old.setCookie).toBeUndefined()
  })

  it('is not undone by a request in flight', async () => {
    const { browser, sessions, store } = setUp()
    const one = browser()
    await one.send((session) => session.login('ada'))
    const id = (await one.send((session) => session.id)) ?? ''
    const old = one.copy()
    const late = await sessions.visit(one.facts())
    late.session.data.count = 99
    await one.send((session) => session.logout())
    expect(() => late.commit()).toThrow(code('SESSION_ROTATED'))
    await expect(late.session.update(() => 1)).rejects.toEqual(code('SESSION_ROTATED'))
    expect(store.readById(id)).toBeUndefined()
    expect(await old.send(({ user }) => user)).toBeUndefined()
  })

  it('starts a fresh session for what is written after it', async () => {
    const { browser } = setUp()
    const one = browser()
    await one.send((session) => session.login('ada'))
    const before = one.cookie
    await one.send((session) => {
      session.data.cart.push('gone')
      session.logout()
      session.data.name = 'bye'
    })
    expect(one.cookie).not.toBe(before)
    expect(await one.send(({ data, user }) => [{ ...data }, user])).toEqual([
      { count: 0, cart: [], name: 'bye' },
      undefined,
    ])
  })

  it('finds its goal reached when the session was revoked meanwhile', async () => {
    const { browser, sessions } = setUp()
    const one = browser()
    await one.send((session) => session.login('ada'))
    const visit = await sessions.visit(one.facts())
    await sessions.revokeUser('ada')
    visit.session.logout()
    expect(visit.commit()).toBeUndefined()
  })
})

describe('rotation', () => {
  it('keeps the id; the old token works for 10 s more', async () => {
    const { browser, clock } = setUp()
    const one = browser()
    await one.send(write)
    const old = one.copy()
    const id = await one.send((session) => session.id)
    await one.send((session) => session.rotate())
    expect(one.cookie).not.toBe(old.cookie)
    expect(await one.send((session) => session.id)).toBe(id)
    clock.advance(9_999)
    await old.send(write)
    expect([await one.send(({ data }) => data.count), old.setCookie]).toEqual([2, undefined])
    await old.send((session) => session.rotate())
    expect(old.setCookie).toBeUndefined()
    clock.advance(1)
    await expect(old.send(write)).rejects.toEqual(code('SESSION_ROTATED'))
    await one.send(write)
  })
})

describe('parallel requests', () => {
  it('keeps changes of different keys', async () => {
    const { browser, sessions } = setUp()
    const one = browser()
    await one.send(write)
    const [a, b] = [await sessions.visit(one.facts()), await sessions.visit(one.facts())]
    a.session.data.name = 'Ada'
    b.session.data.at = new Date(1)
    b.session.data.cart.push('x')
    a.session.data.cart.push('y')
    await a.commit()
    await b.commit()
    expect(b.session.data.name).toBe('Ada')
    expect(await one.send(({ data }) => structuredCloneOf(data))).toEqual({
      count: 1,
      cart: ['y', 'x'],
      name: 'Ada',
      at: new Date(1),
    })
  })

  it('refuses a value that was read, changed elsewhere, and then overwritten', async () => {
    const { browser, sessions } = setUp()
    const one = browser()
    await one.send(write)
    const [a, b] = [await sessions.visit(one.facts()), await sessions.visit(one.facts())]
    a.session.data.count++
    b.session.data.count++
    await a.commit()
    expect(() => b.commit()).toThrow(code('SESSION_CONFLICT'))
    expect(await one.send(({ data }) => data.count)).toBe(2)
  })

  it.each([undefined, 1])(
    'update() is exact under 20 at once (store delay %s ms)',
    async (delayMs) => {
      const { browser } = setUp(delayMs === undefined ? {} : { delayMs })
      const one = browser()
      await one.send(write)
      const bump = (session: Session<Data>): Promise<number> =>
        session.update((data) => ++data.count)
      const results = await Promise.all(Array.from({ length: 20 }, () => one.copy().send(bump)))
      expect(results.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 2))
      expect(await one.send(({ data }) => data.count)).toBe(21)
    },
  )

  it('update() takes the other changes of the request along and shows the newest', async () => {
    const { browser, sessions } = setUp()
    const one = browser()
    await one.send(write)
    const visit = await sessions.visit(one.facts())
    visit.session.data.name = 'Ada'
    await one.copy().send(({ data }) => data.cart.push('x'))
    await visit.session.update((data) => {
      data.count += 10
    })
    expect({ ...visit.session.data }).toEqual({ count: 11, cart: ['x'], name: 'Ada' })
    await visit.commit()
    expect(await one.send(({ data }) => data.name)).toBe('Ada')
  })

  it('update() writes nothing when its function throws or is asynchronous', async () => {
    const { browser, sessions } = setUp()
    const one = browser()
    await one.send(write)
    const visit = await sessions.visit(one.facts())
    const fails = async (change: (data: Data) => unknown): Promise<void> => {
      await visit.session.update(change)
    }
    await expect(
      fails(() => {
        throw new RangeError('no')
      }),
    ).rejects.toThrow(RangeError)
    await expect(fails(async (data) => data.count++)).rejects.toThrow(TypeError)
    visit.session.data.name = 'still writable'
    await visit.commit()
    expect(await one.send(({ data }) => [data.count, data.name])).toEqual([1, 'still writable'])
  })

  it('gives up after five tries', async () => {
    const { browser, sessions } = setUp({ store: alwaysInConflict() })
    const one = browser()
    await one.send(write)
    const visit = await sessions.visit(one.facts())
    visit.session.data.name = 'x'
    expect(() => visit.commit()).toThrow(code('SESSION_CONFLICT'))
  })

  it('refuses changes while a slow store is storing', async () => {
    const { browser, sessions } = setUp({ delayMs: 5 })
    const visit = await sessions.visit(browser().facts())
    visit.session.data.count = 1
    const committed = visit.commit()
    expect(() => write(visit.session)).toThrow(code('SESSION_COMMITTED'))
    await committed
    write(visit.session)
    expect(visit.isUnsaved).toBe(true)
  })
})

describe('time', () => {
  it('ends after the idle time, not a millisecond before', async () => {
    const { browser, clock } = setUp()
    const one = browser()
    await one.send((session) => session.login('ada'))
    clock.advance(30 * minuteMs - 1)
    expect(await one.copy().send(({ user }) => user?.id)).toBe('ada')
    clock.advance(30 * minuteMs)
    expect(await one.send(({ user, isNew }) => [user, isNew])).toEqual([undefined, true])
  })

  it('ends after the absolute time, however much it is used', async () => {
    const { browser, clock } = setUp()
    const one = browser()
    await one.send((session) => session.login('ada'))
    for (let minutes = 0; minutes < 720 - 20; minutes += 20) {
      clock.advance(20 * minuteMs)
      expect(await one.send(({ user }) => user?.id)).toBe('ada')
    }
    clock.advance(20 * minuteMs - 1)
    expect(await one.send(({ user }) => user?.id)).toBe('ada')
    clock.advance(1)
    expect(await one.send(({ user }) => user)).toBeUndefined()
  })

  it('lets a visitor start anew after expiry, at once', async () => {
    const { browser, clock } = setUp()
    const one = browser()
    await one.send(write)
    clock.advance(30 * minuteMs)
    await one.send((session) => session.login('ada'))
    expect(await one.send(({ user, data }) => [user?.id, data.count])).toEqual(['ada', 0])
  })

  it('writes a touch at most once per tenth of the idle time', async () => {
    const { browser, clock, calls } = setUp()
    const one = browser()
    await one.send(write)
    clock.advance(3 * minuteMs - 1)
    await one.send(read)
    expect(calls).not.toContain('touch')
    clock.advance(1)
    await one.send(read)
    await one.send(read)
    expect(calls.filter((name) => name === 'touch')).toHaveLength(1)
  })

  it('leaves a session alone that a request did not look at', async () => {
    const { browser, clock, calls } = setUp()
    const one = browser()
    await one.send(write)
    calls.length = 0
    clock.advance(29 * minuteMs)
    await one.send(() => {})
    expect(calls).toEqual([])
    clock.advance(minuteMs)
    expect(await one.send((session) => session.isNew)).toBe(true)
  })

  it('answers a late commit of an expired session with SESSION_ENDED', async () => {
    const { browser, clock, sessions } = setUp()
    const one = browser()
    await one.send(write)
    const visit = await sessions.visit(one.facts())
    write(visit.session)
    clock.advance(30 * minuteMs)
    expect(() => visit.commit()).toThrow(code('SESSION_ENDED'))
  })
})

describe('the platform', () => {
  it('lists, revokes and sweeps, and tells every end', async () => {
    const { browser, clock, sessions } = setUp()
    const [one, two, three] = [browser(), browser(), browser()]
    const ended = vi.fn()
    const stop = sessions.on('end', ended)
    for (const each of [one, two, three]) {
      await each.send((session) => session.login('ada'))
      clock.advance(1)
    }
    const listed = await sessions.listByUser('ada')
    expect(listed).toHaveLength(3)
    expect(JSON.stringify(listed)).not.toContain('bytes')
    const [a = '', b = '', c = ''] = listed.map(({ id }) => id)
    expect([await sessions.revoke(a), await sessions.revoke(a)]).toEqual([true, false])
    expect(await sessions.revokeUser('ada', { except: b })).toBe(1)
    clock.advance(30 * minuteMs)
    expect(await sessions.sweep()).toBe(1)
    expect(ended.mock.calls.map(([{ id, reason }]) => [id, reason])).toEqual([
      [a, 'revoked'],
      [c, 'revoked'],
      [b, 'expired'],
    ])
    stop()
    await one.send((session) => session.login('ada'))
    await sessions.revokeUser('ada')
    expect(ended).toHaveBeenCalledTimes(3)
  })

  it('goes on when a listener throws', async () => {
    const { browser, sessions, lines } = setUp()
    const one = browser()
    await one.send((session) => session.login('ada'))
    const second = vi.fn()
    sessions.on('end', () => {
      throw new Error('no')
    })
    sessions.on('end', second)
    await sessions.revokeUser('ada')
    expect(second).toHaveBeenCalledOnce()
    expect(lines).toContainEqual([expect.anything(), 'a listener of ended sessions threw'])
  })
})

describe('identify', () => {
  it('tells who stands behind a request, and which sessions have ended', async () => {
    const { browser, sessions, calls } = setUp()
    const one = browser()
    expect(await sessions.identify(one.facts())).toBeUndefined()
    expect(calls).toEqual([])
    await one.send((session) => {
      session.login('ada')
      session.data.count = 3
    })
    const visitor = await sessions.identify(one.facts())
    expect(visitor).toMatchObject({ user: { id: 'ada' }, data: { count: 3 } })
    const { id = '' } = visitor ?? {}
    expect(await sessions.isLive(id)).toBe(true)
    expect(await sessions.visitor(id)).toEqual(visitor)
    const replaced = one.copy()
    await one.send((session) => session.login('ada'))
    expect(await sessions.identify(replaced.facts())).toBeUndefined()
    await sessions.revokeUser('ada')
    expect(() => sessions.identify(one.facts())).toThrow(code('SESSION_ENDED'))
    expect(await sessions.isLive(id)).toBe(false)
    expect(await sessions.visitor(id)).toBeUndefined()
  })

  it('keeps a token from whoever requests are handed on to, and forged ones from them', async () => {
    const { browser, sessions } = setUp()
    const one = browser()
    await one.send(write)
    const { headers } = one.facts()
    const cookie = String(headers['cookie'])
    expect(sessions.withoutToken('cookie', `a=1; ${cookie}; b=2`)).toBe('a=1; b=2')
    expect(sessions.withoutToken('set-cookie', `${cookie}; Path=/`)).toBeUndefined()
    const bearer = `Bearer ${cookie.split('=')[1]}`
    expect(sessions.withoutToken('authorization', bearer)).toBeUndefined()
    expect(sessions.withoutToken('x-a', cookie)).toBe(cookie)
    const from = { origin: 'https://evil.example' }
    const forged = (method: string, more: object) =>
      sessions.isForged({ method, headers: { ...more, ...from } })
    expect([forged('POST', headers), forged('GET', headers), forged('POST', {})]).toEqual([
      true,
      false,
      false,
    ])
  })

  it('touches at most once per tenth of the idle time', async () => {
    const { browser, sessions, clock, calls } = setUp()
    const one = browser()
    await one.send(write)
    const { id = '' } = (await sessions.identify(one.facts())) ?? {}
    await sessions.touch(id)
    clock.advance(3 * minuteMs)
    await sessions.touch(id)
    await sessions.touch(id)
    await sessions.touch('s_other')
    expect(calls.filter((name) => name === 'touch')).toHaveLength(1)
    clock.advance(27 * minuteMs)
    expect(await sessions.isLive(id)).toBe(true)
  })
})

describe('carriers', () => {
  it('takes a bearer token of ours and ignores others', async () => {
    const { browser, calls } = setUp()
    const one = browser()
    await one.send(write)
    const token = String(one.cookie).split('=')[1]
    const other = browser()
    const read = (headers: Record<string, string>) =>
      other.send(({ data }) => data.count, { headers })
    expect(await read({ authorization: `Bearer ${token}` })).toBe(1)
    calls.length = 0
    expect(await read({ authorization: 'Bearer eyJhbGciOi' })).toBe(0)
    expect(await read({ authorization: 'Basic abc' })).toBe(0)
    expect(calls).toEqual([])
  })

  it('refuses two different tokens, takes the same one twice', async () => {
    const { browser, sessions } = setUp()
    const [a, b] = [newToken(), newToken()]
    const name = 'sojourn-dev-3000'
    const refused = (headers: Record<string, string>) => () =>
      sessions.visit(browser().facts({ headers }))
    const both = refused({ cookie: `${name}=${a}; other=1; ${name}=${b}` })
    expect(both).toThrow(code('CARRIER_CONFLICT'))
    const mixed = refused({ cookie: `${name}=${a}`, authorization: `Bearer ${b}` })
    expect(mixed).toThrow(code('CARRIER_CONFLICT'))
    const same = refused({ cookie: `${name}=${a}; ${name}=${a}`, authorization: `Bearer ${a}` })
    expect(same).not.toThrow()
  })

  it('refuses a malformed cookie before any look into the store, and removes it', async () => {
    const { browser, sessions, calls } = setUp()
    const one = browser()
    for (const value of ['', 'x', `"${newToken()}"`, `${newToken()}x`, '../../etc']) {
      const visit = () =>
        sessions.visit(one.facts({ headers: { cookie: `sojourn-dev-3000=${value}` } }))
      expect(visit).toThrow(code('COOKIE_MALFORMED'))
    }
    expect(calls).toEqual([])
    expect(sessions.problem(new SojournError('COOKIE_MALFORMED')).headers['set-cookie']).toContain(
      'Max-Age=0',
    )
  })
})

describe('origins', () => {
  const cases: [site: string | undefined, origin: string | undefined, isAllowed: boolean][] = [
    ['same-origin', undefined, true],
    ['none', undefined, true],
    ['cross-site', undefined, false],
    ['same-site', undefined, false],
    ['same-site', 'http://localhost:3000', true],
    ['cross-site', 'http://evil.example', false],
    [undefined, 'http://localhost:3000', true],
    [undefined, 'http://evil.example', false],
    [undefined, 'null', false],
    [undefined, undefined, true],
  ]
  it.each(cases)(
    'an unsafe request with a cookie: site %s, origin %s: %s',
    async (site, origin, isAllowed) => {
      const { browser } = setUp()
      const one = browser()
      await one.send(write)
      const headers = { ...(site && { 'sec-fetch-site': site }), ...(origin && { origin }) }
      await one.send(() => {}, { method: 'GET', headers })
      await browser().send(() => {}, { headers })
      const sent = one.send(() => {}, { headers })
      if (isAllowed) await sent
      else await expect(sent).rejects.toEqual(code('ORIGIN_FOREIGN'))
    },
  )

  it('answers under its own hosts only', () => {
    const { browser, sessions } = setUp()
    const visit = (host: string) => () => sessions.visit(browser().facts({ headers: { host } }))
    for (const host of ['evil.example', 'localhost', 'localhost:3001', ''])
      expect(visit(host)).toThrow(code('HOST_FOREIGN'))
    expect(visit('LOCALHOST:3000')).not.toThrow()
    expect(sessions.isAllowedOrigin('http://127.0.0.1:3000')).toBe(true)
  })
})

describe('production', () => {
  const production: Options = { origins: ['https://example.com'], trustProxy: false }
  const setUpProduction = (options: Options = {}) => {
    const { development: _, ...rest } = { ...production, ...options, development: undefined }
    const clock = virtualClock()
    const store = openSqlite({ data: ':memory:', clock }).sessions()
    return openSessions<Data>({ store, clock, initial, ...(rest as typeof production) })
  }
  const facts = (more: Record<string, string> = {}, isTls = false) => ({
    method: 'GET',
    headers: { host: 'example.com', ...more },
    isTls,
  })

  it('sets a __Host- cookie over TLS', async () => {
    const sessions = setUpProduction()
    const visit = await sessions.visit(facts({}, true))
    write(visit.session)
    await visit.commit()
    expect(visit.start()[0]?.[1]).toMatch(
      /^__Host-sojourn=sjs_\S{43}; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    )
  })

  it('fails loudly over plain http, before it stores anything', async () => {
    const sessions = setUpProduction()
    for (const headers of [{}, { 'x-forwarded-proto': 'https' }]) {
      const visit = await sessions.visit(facts(headers))
      visit.session.login('ada')
      expect(() => visit.commit()).toThrow(code('TLS_REQUIRED'))
    }
    expect(await sessions.listByUser('ada')).toEqual([])
  })

  it('refuses a token that came over plain http, before it asks the store', async () => {
    const sessions = setUpProduction()
    const visit = await sessions.visit(facts({}, true))
    write(visit.session)
    await visit.commit()
    const [cookie = ''] = visit.start()[0]?.[1].split(';') ?? []
    expect(() => sessions.visit(facts({ cookie }))).toThrow(code('TLS_REQUIRED'))
    const again = await sessions.visit(facts({ cookie }, true))
    expect(again.session.data.count).toBe(1)
  })

  it('believes a proxy that it was told to trust', async () => {
    const sessions = setUpProduction({ trustProxy: true })
    const visit = await sessions.visit(facts({ 'x-forwarded-proto': 'https, http' }))
    write(visit.session)
    await visit.commit()
    expect(visit.start()[0]?.[0]).toBe('set-cookie')
    const plain = await sessions.visit(facts({ 'x-forwarded-proto': 'http' }))
    write(plain.session)
    expect(() => plain.commit()).toThrow(code('TLS_REQUIRED'))
  })
})

describe('options', () => {
  const { store } = setUp()
  const bad: [string, object, typeof TypeError | typeof RangeError][] = [
    ['no origins', { trustProxy: true }, TypeError],
    ['no trustProxy', { origins: ['https://a.example'] }, TypeError],
    ['an origin with a path', { origins: ['https://a.example/'], trustProxy: true }, TypeError],
    ['no origin at all', { origins: ['a.example'], trustProxy: true }, TypeError],
    ['a schema without initial', { development: { port: 1 }, schema: z.object({}) }, TypeError],
    ['idle time 0', { development: { port: 1 }, idleAfterMs: 0 }, RangeError],
    ['end time 0', { development: { port: 1 }, endAfterMs: 0 }, RangeError],
    ['an endless end', { development: { port: 1 }, endAfterMs: Infinity }, TypeError],
    ['size -1', { development: { port: 1 }, dataBytesMax: -1 }, RangeError],
    ['port 0', { development: { port: 0 } }, RangeError],
    [
      'plain http beyond this machine',
      { development: { port: 1 }, origins: ['http://192.168.1.2:1'] },
      TypeError,
    ],
  ]
  it.each(bad)('refuses %s', (_, options, kind) => {
    expect(() => openSessions({ store, ...options })).toThrow(kind)
  })

  it('warns once of development', () => {
    const { lines } = setUp()
    expect(lines).toEqual([[{ port: 3000 }, expect.stringContaining('development')]])
  })
})

it('writes no token into the log or an answer', async () => {
  const { browser, sessions, lines, clock, sqlite } = setUp()
  const one = browser()
  await one.send((session) => session.login('ada'))
  await one.send((session) => session.rotate())
  const answers: unknown[] = []
  clock.advance(10 * minuteMs)
  const visit = await sessions.visit(one.facts())
  expect(visit.session.user?.id).toBe('ada')
  sqlite.close()
  await new Promise(setImmediate)
  await visit.commit()
  try {
    await one.send(({ data }) => data.count)
  } catch (error) {
    answers.push(sessions.problem(error))
  }
  expect(answers).toMatchObject([{ status: 503 }])
  expect(lines.length).toBeGreaterThan(2)
  const token = String(one.cookie).split('=')[1]
  for (const text of [printed(lines), printed(answers)]) {
    expect(text).not.toContain(token)
    expect(text).not.toContain('sjs_')
  }
})

function printed(value: unknown): string {
  return JSON.stringify(value, (_, part) =>
    part instanceof Error ? [part.stack, part.message, part.cause] : part,
  )
}

/** A plain copy of tracked data. */
function structuredCloneOf(data: Data): Data {
  const copy = (value: unknown): unknown => {
    if (value === null || typeof value !== 'object') return value
    if (value instanceof Date || value instanceof Uint8Array) return value
    if (value instanceof Map) return new Map([...value].map(([key, each]) => [key, copy(each)]))
    if (Array.isArray(value)) return [...value].map(copy)
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copy(each)]))
  }
  return copy(data) as Data
}

function alwaysInConflict(): SessionStore {
  const real = openSqlite({ data: ':memory:', clock: virtualClock() }).sessions()
  return new Proxy(real, {
    get: (target, name) =>
      name === 'commit'
        ? () => 'conflict'
        : (...args: unknown[]) => Reflect.apply(Reflect.get(target, name), target, args),
  })
}

it('hands out nothing that another request could find changed', async () => {
  const { browser, sessions } = setUp()
  const one = browser()
  await one.send((session) => {
    session.data.cart.push('tea')
    session.data.at = new Date(5)
    session.login('ada', { factors: ['password'], keep: 'all' })
  })
  const known = (await sessions.identify(one.facts())) as { data: Data }
  known.data.cart.push('mine')
  known.data.at?.setTime(9)
  const kept = [1, 'tea', 5]
  const held = () => one.send(({ data }) => [data.cart.length, data.cart[0], data.at?.getTime()])
  expect(await held()).toEqual(kept)
  await one.send(({ data, user }) => {
    data.at?.setTime(9)
    const factors = user?.factors as string[]
    expect(() => factors.push('totp')).toThrow(TypeError)
  })
  expect(await held()).toEqual(kept)
  const updated: string[][] = []
  await one.send((session) => session.update((data) => updated.push(data.cart)))
  updated[0]?.push('late')
  expect(await held()).toEqual(kept)
})

describe('what is remembered', () => {
  const cart = (session: Session<Data>): string[] => [...session.data.cart]
  /** A visit that has looked at the session, and is not over yet. */
  async function slowVisit({ delayMs }: { delayMs?: number } = {}) {
    const all = setUp(delayMs === undefined ? {} : { delayMs })
    const one = all.browser()
    await one.send(({ data }) => {
      data.cart.push('one')
    })
    all.clock.advance(4 * minuteMs)
    const slow = await all.sessions.visit(one.facts())
    expect(slow.session.data.cart).toHaveLength(1)
    return { ...all, one, slow }
  }

  it('is the newest version after a late touch, and after a late rotation', async () => {
    for (const end of ['touch', 'rotate']) {
      const { one, slow } = await slowVisit()
      await one.copy().send(({ data }) => {
        data.cart.push('two')
      })
      if (end === 'rotate') slow.session.rotate()
      await slow.commit()
      one.take(slow.start())
      expect(await one.send(cart), end).toEqual(['one', 'two'])
    }
  })

  it('goes by no token that was rotated while a request was under way', async () => {
    for (const work of ['touch', 'write']) {
      const { one, slow, clock, sessions } = await slowVisit()
      const old = one.copy()
      await one.send((session) => session.rotate())
      if (work === 'write') slow.session.data.cart.push('late')
      await slow.commit()
      clock.advance(11_000)
      expect(await old.send((session) => session.isNew), work).toBe(true)
      expect(await sessions.identify(old.facts()), work).toBeUndefined()
      expect(await one.send((session) => session.isNew), work).toBe(false)
    }
  })

  it('does not change under a commit when the handler fails after its answer', async () => {
    const { one, slow } = await slowVisit({ delayMs: 5 })
    slow.session.data.name = 'paid'
    await one.copy().send(({ data }) => {
      data.cart.push('two')
    })
    const committed = slow.commit()
    slow.discard()
    await committed
    expect(await one.send(({ data }) => [data.name, data.cart.length])).toEqual(['paid', 2])
  })

  it('is not what a schema writes into its input', async () => {
    const schema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate(value: unknown) {
          ;(value as Data).cart.push('planted')
          return { issues: [{ message: 'no' }] }
        },
      },
    } as const
    const shared = setUp()
    const strict = setUp({ store: shared.store, clock: shared.clock, schema })
    const [one, other] = [shared.browser(), strict.browser()]
    await one.send(write)
    other.cookie = one.cookie
    await expect(other.send(write)).rejects.toMatchObject({ code: 'SESSION_INVALID' })
    expect(await other.send(cart)).toEqual(await one.send(cart))
  })

  it('shows copies of its user', async () => {
    const { browser, sessions } = setUp()
    const one = browser()
    await one.send((session) => session.login('ada'))
    const seen = (await sessions.identify(one.facts()))?.user as unknown as {
      id: string
      factors: string[]
    }
    const [listed] = await sessions.listByUser('ada')
    seen.id = 'root'
    for (const factors of [seen.factors, listed?.user?.factors as string[]]) factors.push('totp')
    expect(await one.send(({ user }) => [user?.id, user?.factors])).toEqual(['ada', []])
  })
})
