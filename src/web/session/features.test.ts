import { describe, expect, it } from 'vitest'
import { type Data, minuteMs, setUp } from '../../../test/fakes/sessions.ts'
import type { Session } from '../index.ts'
import { deviceOf } from './device.ts'

const code = (name: string) => expect.objectContaining({ code: name })
const dayMs = 24 * 60 * minuteMs
const login = (session: Session<Data>): void => session.login('ada', { keep: 'all' })

describe('flash messages', () => {
  it('wait for the page that asks for their name, and are gone then', async () => {
    const { browser } = setUp()
    const one = browser()
    await one.send((session) => {
      session.flash('notice', 'saved')
      session.flash('notice', { count: 2 })
      session.flash('error', 'none')
    })
    expect(await one.send((session) => session.flash('notice'))).toEqual(['saved', { count: 2 }])
    expect(await one.send((session) => session.flash('notice'))).toEqual([])
    expect(await one.send((session) => session.flash('error'))).toEqual(['none'])
  })
  it('go along with a login, not with a logout', async () => {
    const { browser } = setUp()
    const one = browser()
    await one.send((session) => {
      session.flash('notice', 'welcome')
      session.login('ada')
    })
    expect(await one.send((session) => session.flash('notice'))).toEqual(['welcome'])
    await one.send((session) => {
      session.flash('notice', 'lost')
      session.logout()
      session.flash('notice', 'bye')
    })
    expect(await one.send((session) => session.flash('notice'))).toEqual(['bye'])
  })
  it('never conflict: parallel requests take each once and lose none', async () => {
    const { browser } = setUp({ delayMs: 1 })
    const one = browser()
    await one.send((session) => session.flash('n', 0))
    const pages = await Promise.all(
      [1, 2, 3].map((n) =>
        one.copy().send((session) => {
          session.flash('m', n)
          return session.flash('n')
        }),
      ),
    )
    expect(pages.flat()).toContain(0)
    expect([...(await one.send((session) => session.flash('m')))].sort()).toEqual([1, 2, 3])
    expect(await one.send((session) => session.flash('n'))).toEqual([])
  })
  it('are bounded, and asking for none writes nothing', async () => {
    const { browser, calls } = setUp()
    const one = browser()
    await one.send((session) => {
      for (let n = 0; n < 50; n++) session.flash('n', n)
    })
    const found = await one.send((session) => session.flash('n'))
    expect([found.length, found[0]]).toEqual([32, 18])
    calls.length = 0
    await one.send((session) => session.flash('n'))
    expect(calls).toEqual([])
  })
})

describe('requireFresh', () => {
  it('counts the factors of the login only, which nobody can add to', async () => {
    const one = setUp().browser()
    await one.send((session) => session.login('ada', { factors: ['password'] }))
    await one.send(({ user }) =>
      expect(() => (user!.factors as string[]).push('totp')).toThrow(TypeError),
    )
  })
  it('wants a login that is young enough and had the factors', async () => {
    const { browser, clock } = setUp()
    const one = browser()
    await expect(one.send((session) => session.requireFresh())).rejects.toEqual(
      code('UNAUTHENTICATED'),
    )
    await one.send((session) => session.login('ada', { factors: ['password'] }))
    await one.send((session) => session.requireFresh({ factors: ['password'] }))
    await expect(
      one.send((session) => session.requireFresh({ factors: ['totp'] })),
    ).rejects.toEqual(code('FRESH_LOGIN_REQUIRED'))
    clock.advance(10 * minuteMs)
    await one.send((session) => session.requireFresh())
    await expect(
      one.send((session) => session.requireFresh({ withinMs: minuteMs })),
    ).rejects.toEqual(code('FRESH_LOGIN_REQUIRED'))
    clock.advance(1)
    await expect(one.send((session) => session.requireFresh())).rejects.toEqual(
      code('FRESH_LOGIN_REQUIRED'),
    )
    await one.send((session) => {
      session.data.count = 3
      session.login('ada', { keep: 'all' })
    })
    expect(
      await one.send((session) => {
        session.requireFresh()
        return session.data.count
      }),
    ).toBe(3)
  })
})

describe('remember', () => {
  it('keeps the cookie beyond the browser, and the session without a request', async () => {
    const { browser, clock } = setUp()
    const one = browser()
    await one.send((session) => session.login('ada', { remember: true }))
    expect(one.setCookie).toContain(`; Max-Age=${30 * 24 * 3600}`)
    clock.advance(29 * dayMs)
    expect(await one.send(({ user }) => user?.id)).toBe('ada')
    await one.send((session) => {
      session.data.count++
      session.rotate()
    })
    expect(one.setCookie).toContain(`; Max-Age=${24 * 3600}`)
    clock.advance(dayMs)
    expect(await one.send(({ user }) => user)).toBeUndefined()
  })
  it('goes on with a login that keeps all, and ends with one that says so', async () => {
    const { browser, clock } = setUp()
    const one = browser()
    await one.send((session) => session.login('ada', { remember: true }))
    await one.send(login)
    expect(one.setCookie).toContain('Max-Age')
    await one.send((session) => session.login('ada', { keep: 'all', remember: false }))
    expect(one.setCookie).not.toContain('Max-Age')
    clock.advance(30 * minuteMs)
    expect(await one.send(({ user }) => user)).toBeUndefined()
  })
})

describe('the CSRF token', () => {
  it('proves that a form was made for this session', async () => {
    const { browser } = setUp()
    const [one, two] = [browser(), browser()]
    const token = await one.send((session) => session.csrfToken())
    expect(one.cookie).toBeDefined()
    await one.send((session) => session.checkCsrfToken(token))
    expect(await one.send((session) => session.csrfToken())).toBe(token)
    const other = await two.send((session) => session.csrfToken())
    for (const wrong of [other, '', undefined, 5, `${token}x`, token.slice(1)])
      await expect(one.send((session) => session.checkCsrfToken(wrong))).rejects.toEqual(
        code('ORIGIN_FOREIGN'),
      )
    expect(one.cookie).not.toContain(token)
  })
  it('is of the new token after a login or a rotation', async () => {
    const { browser } = setUp()
    const one = browser()
    const before = await one.send((session) => session.csrfToken())
    for (const change of [login, (session: Session<Data>) => session.rotate()]) {
      const after = await one.send((session) => {
        change(session)
        return session.csrfToken()
      })
      await one.send((session) => session.checkCsrfToken(after))
      await expect(one.send((session) => session.checkCsrfToken(before))).rejects.toEqual(
        code('ORIGIN_FOREIGN'),
      )
    }
  })
  it('is nothing that a stranger without a session could have', async () => {
    const { browser } = setUp()
    await expect(browser().send((session) => session.checkCsrfToken(''))).rejects.toEqual(
      code('ORIGIN_FOREIGN'),
    )
  })
})

describe('data of an earlier version', () => {
  const upgrade = {
    version: 3,
    migrate: (data: { n?: number } & Data, from: number): Data => ({
      count: (data.n ?? data.count) * 10 + from,
      cart: [],
    }),
  }
  it('is migrated whenever it is read, and stored with the next change', async () => {
    const old = setUp()
    const one = old.browser()
    await one.send((session) => {
      session.data.count = 4
    })
    const { sessions } = setUp({ ...upgrade, store: old.store, clock: old.clock })
    const two = Object.assign(one.copy(), { cookie: one.cookie })
    const visit = await sessions.visit(two.facts())
    expect(visit.session.data.count).toBe(41)
    await visit.commit()
    const again = await sessions.visit(two.facts())
    again.session.data.cart.push('x')
    await again.commit()
    const last = await sessions.visit(two.facts())
    expect(last.session.data).toEqual({ count: 41, cart: ['x'] })
    const behind = await old.sessions.visit(two.facts())
    expect(() => behind.session.data).toThrow(code('SESSION_INVALID'))
  })
  it('is refused without a migration', async () => {
    const old = setUp()
    const one = old.browser()
    await one.send((session) => {
      session.data.count = 4
    })
    const { sessions } = setUp({ version: 2, store: old.store, clock: old.clock })
    const visit = await sessions.visit(one.facts())
    expect(() => visit.session.data).toThrow(code('SESSION_INVALID'))
    for (const version of [0, 1.5, -1]) expect(() => setUp({ version })).toThrow()
  })
})

describe('sealed data', () => {
  const [older, newer] = ['o'.repeat(32), 'n'.repeat(32)] as [string, string]
  const name = 'somebody with a long name'
  async function stored(secrets: string[] | undefined) {
    const world = setUp(secrets && { secrets })
    const one = world.browser()
    await one.send((session) => {
      session.data.name = name
      session.login('ada', { keep: 'all', remember: true })
    })
    const [record] = await world.store.listByUser('ada')
    return { ...world, one, record: record! }
  }
  const readWith = async (world: Awaited<ReturnType<typeof stored>>, secrets?: string[]) => {
    const { sessions } = setUp({
      store: world.store,
      clock: world.clock,
      ...(secrets && { secrets }),
    })
    const visit = await sessions.visit(world.one.facts())
    return visit.session.data.name
  }

  it('shows nothing at rest and opens with old secrets and new ones', async () => {
    const plain = await stored(undefined)
    expect(Buffer.from(plain.record.bytes).includes(name)).toBe(true)
    const sealed = await stored([older])
    expect(Buffer.from(sealed.record.bytes).includes(name)).toBe(false)
    expect(await readWith(sealed, [newer, older])).toBe(name)
    expect(await readWith(plain, [newer])).toBe(name)
    await expect(readWith(sealed, [newer])).rejects.toEqual(code('STORE_UNAVAILABLE'))
    await expect(readWith(sealed)).rejects.toEqual(code('STORE_UNAVAILABLE'))
  })
  it('belongs to its session, and its flags can not be changed', async () => {
    const { store, record, clock, sessions, one } = await stored([older])
    for (const [id, change] of [
      [record.id, (bytes: Uint8Array) => bytes.with(1, 0)],
      ['s_other', (bytes: Uint8Array) => bytes],
    ] as const) {
      const times = { touchedAtMs: clock.nowMs(), expiresAtMs: record.expiresAtMs }
      if (id === record.id) await store.commit(id, record.version, change(record.bytes), times)
      else await store.create({ ...record, id }, 'h-other')
      const read = async () => (await sessions.visit(one.facts())).session.data
      if (id === record.id) await expect(read()).rejects.toEqual(code('STORE_UNAVAILABLE'))
      else expect(() => sessions.identify({ headers: one.facts().headers })).toThrow()
    }
  })
})

describe('the sessions of a user', () => {
  it('are as many as allowed: a login beyond ends the one used longest ago', async () => {
    const { browser, sessions, clock } = setUp({ userSessionsMax: 2 })
    const ended: unknown[] = []
    sessions.on('end', (end) => ended.push(end.reason))
    const browsers = [browser(), browser(), browser()]
    for (const one of browsers) {
      await one.send((session) => session.login('ada'))
      clock.advance(1)
    }
    const users = await Promise.all(browsers.map((one) => one.send(({ user }) => user?.id)))
    expect(users).toEqual([undefined, 'ada', 'ada'])
    expect(ended).toEqual(['revoked'])
  })
  it('are listed with the devices, found, and ended one by one or all others', async () => {
    const { browser, sessions } = setUp()
    const agents = [
      'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
      'curl/8',
    ]
    for (const agent of agents)
      await browser().send((session) => session.login('ada'), { headers: { 'user-agent': agent } })
    const listed = await sessions.listByUser('ada')
    expect(listed.map(({ device }) => device).sort()).toEqual(['Firefox on Linux', 'curl'])
    expect(JSON.stringify(listed)).not.toMatch(/140|sjs_|bytes/)
    const [first] = listed
    expect(await sessions.find(first!.id)).toEqual(first)
    expect(await sessions.revokeUser('ada', { except: first!.id })).toBe(1)
    expect(await sessions.revoke(first!.id)).toBe(true)
    expect(await sessions.find(first!.id)).toBeUndefined()
  })
  it('of everyone end at once when it must be', async () => {
    const { browser, sessions } = setUp()
    const browsers = Array.from({ length: 7 }, () => browser())
    for (const one of browsers) await one.send((session) => session.flash('n', 1))
    expect(await sessions.revokeEveryone()).toBe(7)
    const left = await Promise.all(browsers.map((one) => one.send(({ id }) => id)))
    expect(left.filter((id) => id !== undefined)).toEqual([])
  })
})

describe('ends made elsewhere', () => {
  it('reach the listeners once, and those made here not twice', async () => {
    const here = setUp()
    const elsewhere = setUp({ store: here.store, clock: here.clock })
    const told: string[] = []
    here.sessions.on('end', ({ id, reason }) => told.push(`${id} ${reason}`))
    const login = async () => {
      const one = here.browser()
      await one.send((session) => session.login('ada'))
      return (await one.send(({ id }) => id)) as string
    }
    const before = await login()
    await elsewhere.sessions.revoke(before)
    expect(await here.sessions.followEnds()).toBe(0)
    const [mine, theirs] = [await login(), await login()]
    await here.sessions.revoke(mine)
    await elsewhere.sessions.revoke(theirs)
    expect(await here.sessions.followEnds()).toBe(1)
    expect(await here.sessions.followEnds()).toBe(0)
    expect(told).toEqual([`${mine} revoked`, `${theirs} revoked`])
  })
  it('are found however many there are', async () => {
    const here = setUp({ userSessionsMax: 2_000 })
    const elsewhere = setUp({ store: here.store, clock: here.clock })
    await here.sessions.followEnds()
    for (let n = 0; n < 1_200; n++) await here.browser().send((session) => session.login('ada'))
    await elsewhere.sessions.revokeUser('ada')
    expect(await here.sessions.followEnds()).toBe(1_200)
  })
})

describe('the name of a device', () => {
  it.each([
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0',
      'Edge on Windows',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
      'Safari on iPhone',
    ],
    [
      'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36',
      'Chrome on Android',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15',
      'Safari on macOS',
    ],
    ['okhttp/4.12', 'okhttp'],
    ['', undefined],
    ['<script>', undefined],
    [`x${'\u0000'.repeat(9_999)}`, 'x'],
  ])('of %s is %s', (agent, name) => {
    expect(deviceOf(agent)).toBe(name)
  })
})

describe('headers that hold the token', () => {
  const setUpHeader = () => setUp({ carriers: { bearer: false, header: 'X-Session' } })

  it('carry a session without a cookie', async () => {
    const { browser } = setUpHeader()
    const app = browser()
    const token = await app.send((session) => {
      session.data.count = 7
      return session.bearerToken()
    })
    expect(app.cookie).toBeUndefined()
    const count = (headers: Record<string, string>) =>
      app.send(({ data }) => data.count, { headers })
    expect(await count({ 'x-session': token })).toBe(7)
    expect(await count({ authorization: `Bearer ${token}` })).toBe(0)
    expect(await count({})).toBe(0)
  })

  it('are refused beside another one', async () => {
    const { browser } = setUpHeader()
    const [one, other] = [browser(), browser()]
    await one.send(({ data }) => {
      data.count = 1
    })
    const token = await other.send((session) => session.bearerToken())
    await expect(one.send(() => {}, { headers: { 'x-session': token } })).rejects.toMatchObject({
      code: 'CARRIER_CONFLICT',
    })
  })

  it.each(['', 'cookie', 'Authorization', 'sec-websocket-key', 'x-forwarded-for', 'te', 'a b', 7])(
    'are not called %s',
    (header) => {
      expect(() => setUp({ carriers: { header: header as string } })).toThrow(TypeError)
    },
  )

  it('may be called like what every object has', async () => {
    for (const header of ['constructor', '__proto__']) {
      const { browser } = setUp({ carriers: { header } })
      expect(await browser().send((session) => session.isNew)).toBe(true)
    }
  })
})
