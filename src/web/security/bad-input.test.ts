/** Bad input: each kind has its code, nothing is lost, nothing secret is logged. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { code, login, printed, tokenOf, userOf, write } from '../../../test/fakes/security.ts'
import { type Browser, type Data, minuteMs, setUp } from '../../../test/fakes/sessions.ts'
import { SojournError } from '../../base/core/index.ts'
import { newToken, sign } from '../../base/secrets/index.ts'
import type { Session } from '../index.ts'

const name = 'sojourn-dev-3000'

/** A visitor with something to lose, and a check that it is still there and unseen. */
async function world(options: Parameters<typeof setUp>[0] = {}) {
  const all = setUp(options)
  const one = all.browser()
  await one.send((session) => {
    session.data.cart.push('tea')
    login(session)
  })
  const send = (headers: Record<string, string>) => {
    try {
      return all.sessions.visit(all.browser().facts({ headers }))
    } catch (error) {
      return (error as SojournError).code
    }
  }
  const unharmed = async () => {
    expect(await one.send(({ data, user }) => [[...data.cart], user?.id])).toEqual([['tea'], 'ada'])
    expect(printed(all.lines)).not.toContain(tokenOf(one).slice(4))
  }
  const fails = async (change: (session: Session<Data>) => unknown, expected: string) => {
    const sent = one
      .copy()
      .send(change)
      .catch((error: unknown) => error)
    const error = await sent
    expect(error).toEqual(code(expected))
    expect(printed(all.sessions.problem(error))).not.toContain('sjs_')
    await unharmed()
  }
  return { ...all, one, send, fails, unharmed }
}

describe('cookies', () => {
  const spoil: [string, (token: string) => string][] = [
    ['B1 refuses one that was cut off', (token) => token.slice(0, -1)],
    ['B2 refuses one of a megabyte', (token) => token + 'x'.repeat(1_000_000)],
    ['B3 refuses one that is percent-encoded', (token) => token.replace('_', '%5F')],
    ['B4 refuses one in quotes', (token) => `"${token}"`],
    ['B5 refuses one with bytes that are no letters', (token) => `${token}\u00ff\u0000`],
    [
      'B6 refuses one with another last letter, whose bits no token has',
      (token) => `${token.slice(0, -1)}B`,
    ],
    ['B7 refuses one that is empty', () => ''],
  ]
  it.each(spoil)('%s', async (_, change) => {
    const { one, send, sessions, calls, unharmed, lines } = await world()
    calls.length = 0
    const before = lines.length
    expect(send({ cookie: `${name}=${change(tokenOf(one))}` })).toBe('COOKIE_MALFORMED')
    expect([calls, lines.length]).toEqual([[], before])
    const { status, headers } = sessions.problem(new SojournError('COOKIE_MALFORMED'))
    expect([status, headers['set-cookie']]).toEqual([400, expect.stringMatching(/=;.*Max-Age=0$/)])
    await unharmed()
  })
  it('B8 refuses two different ones, takes the same one twice', async () => {
    const { one, send, unharmed } = await world()
    const mine = `${name}=${tokenOf(one)}`
    expect(send({ cookie: `${mine}; ${name}=${newToken()}` })).toBe('CARRIER_CONFLICT')
    expect(send({ cookie: `${mine}; ${mine}` })).toMatchObject({ session: { user: { id: 'ada' } } })
    await unharmed()
  })
  it('B9 finds the one among 1,000, and refuses 1,000 of its name', async () => {
    const { one, send, unharmed } = await world()
    const others = Array.from({ length: 1_000 }, (_, n) => `c${n}=${newToken()}`)
    const cookie = [...others.slice(0, 500), one.cookie, ...others.slice(500)].join('; ')
    expect(send({ cookie })).toMatchObject({ session: { user: { id: 'ada' } } })
    const flood = Array.from({ length: 1_000 }, () => `${name}=${newToken()}`).join('; ')
    expect(send({ cookie: flood })).toBe('CARRIER_CONFLICT')
    await unharmed()
  })
  it('B10 takes headers that are no cookies for none', async () => {
    const { send, unharmed } = await world()
    for (const cookie of [';;;', '=', `=${name}=x`, `;${name}`, '\u0000', 'a'.repeat(100_000)])
      expect(send({ cookie })).toMatchObject({ session: { isNew: true } })
    await unharmed()
  })
})

describe('what is not one’s own', () => {
  it('B11 knows no signature, forged or true: a token has none', async () => {
    const { one, send, unharmed } = await world()
    const token = tokenOf(one)
    for (const text of [`s:${token}.forged`, sign(token, ['k'.repeat(32)]), `s%3A${token}.x`])
      expect(send({ cookie: `${name}=${text}` })).toBe('COOKIE_MALFORMED')
    await unharmed()
  })
  it('B12 takes the id of somebody else’s session for no token', async () => {
    const { one, send, unharmed, sessions } = await world()
    const id = await one.send((session) => session.id)
    expect(send({ cookie: `${name}=${id}` })).toBe('COOKIE_MALFORMED')
    expect(send({ authorization: `Bearer ${id}` })).toMatchObject({ session: { isNew: true } })
    for (const other of ['', 's_', '__proto__', `${id}' --`, 'x'.repeat(10_000)]) {
      expect(await sessions.find(other)).toBeUndefined()
      expect(await sessions.revoke(other)).toBe(false)
    }
    await unharmed()
  })
  it('B13 redeems no code that was guessed, and leaves the visitor where they are', async () => {
    const { fails } = await world()
    for (const guess of [
      '',
      'sjc_',
      `sjc_${'A'.repeat(43)}`,
      '__proto__',
      7,
      null,
      {},
      'x'.repeat(1e6),
    ])
      await fails((session) => session.takeOver(guess, { isConfirmed: true }), 'HANDOVER_INVALID')
  })
})

describe('times', () => {
  it('B14 refuses an absurd limit at once', () => {
    for (const option of ['idleAfterMs', 'endAfterMs', 'rememberForMs', 'freshForMs'])
      for (const ms of [-1, 0, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 1e300, 2 ** 53])
        expect(() => setUp({ [option]: ms })).toThrow(option)
  })
  it('B15 takes no login for fresh by an absurd time', async () => {
    const { fails, clock } = await world()
    clock.advance(1)
    for (const withinMs of [-1, 0, Number.NaN, Number.NEGATIVE_INFINITY])
      await fails((session) => session.requireFresh({ withinMs }), 'FRESH_LOGIN_REQUIRED')
  })
  it('B16 gives no code an absurd time', async () => {
    const { one, unharmed } = await world()
    const audience = 'http://localhost:3000'
    for (const forMs of [-1, 0, Number.NaN, Number.POSITIVE_INFINITY, 1e300])
      await expect(
        one.send((session) => session.handOver({ audience, forMs })),
      ).rejects.toBeInstanceOf(RangeError)
    await unharmed()
  })
})

describe('data', () => {
  const schema = z.object({
    count: z.number().max(3),
    cart: z.array(z.string()),
  })
  it('B17 refuses what does not fit the schema, and keeps the details from the client', async () => {
    const { fails, sessions } = await world({ schema })
    await fails(({ data }) => Object.assign(data, { count: 4 }), 'SESSION_INVALID')
    await fails((session) => session.update((data) => (data.count = 4)), 'SESSION_INVALID')
    const { body } = sessions.problem(new SojournError('SESSION_INVALID', 'count: 4'))
    expect(body).not.toContain('count')
  })
  it('B18 refuses a document of more than 64 KiB, in all ways in', async () => {
    const { fails } = await world()
    const huge = 'x'.repeat(64 * 1024)
    await fails(({ data }) => data.cart.push(huge), 'SESSION_TOO_LARGE')
    await fails((session) => session.update(({ cart }) => cart.push(huge)), 'SESSION_TOO_LARGE')
    await fails((session) => session.flash('notice', huge), 'SESSION_TOO_LARGE')
    await fails((session) => {
      session.login('ada', { keep: 'all' })
      session.data.cart.push(huge)
    }, 'SESSION_TOO_LARGE')
  })
  it('B19 refuses keys named __proto__ and changes no prototype', async () => {
    const { fails, one } = await world()
    const evil = (): object => JSON.parse('{"__proto__":{"isAdmin":true}}')
    await fails(({ data }) => Reflect.set(data, '__proto__', {}), 'STATE_UNSUPPORTED')
    await fails(({ data }) => Reflect.set(data, 'x', evil()), 'STATE_UNSUPPORTED')
    await fails(
      (session) =>
        session.update((data) =>
          Object.defineProperty(data, '__proto__', { value: 1, enumerable: true }),
        ),
      'STATE_UNSUPPORTED',
    )
    await fails((session) => session.flash('notice', evil()), 'STATE_UNSUPPORTED')
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
    expect(await one.send(({ data }) => [Object.keys(data), data['isAdmin']])).toEqual([
      ['count', 'cart'],
      undefined,
    ])
  })
  it('B20 treats names of every object as plain names', async () => {
    const { one } = await world()
    for (const key of ['constructor', 'toString', 'hasOwnProperty', 'prototype'])
      await one.send(({ data }) => {
        expect(Object.hasOwn(data, key)).toBe(false)
        data[key] = 'mine'
      })
    expect(await one.send(({ data }) => data['constructor'])).toBe('mine')
    await one.send((session) => session.login('__proto__', { keep: ['__proto__', 'cart'] }))
    expect(await one.send(({ data, user }) => [[...data.cart], user?.id])).toEqual([
      ['tea'],
      '__proto__',
    ])
  })
  it('B21 refuses values that no store could give back', async () => {
    const { fails } = await world()
    const loop: Record<string, unknown> = {}
    loop['self'] = loop
    for (const value of [() => 1, Symbol('x'), new URL('http://x'), loop])
      await fails(({ data }) => Reflect.set(data, 'x', value), 'STATE_UNSUPPORTED')
  })
  it('B22 answers damaged bytes as a fault of the store, never as a fresh session', async () => {
    const { one, store, clock, sessions, lines } = await world()
    const [record] = await store.listByUser('ada')
    const times = { touchedAtMs: clock.nowMs(), expiresAtMs: record!.expiresAtMs }
    for (const [n, bytes] of [
      new Uint8Array(),
      Uint8Array.of(9, 0, 1),
      record!.bytes.subarray(0, 5),
      Uint8Array.of(3, ...record!.bytes.subarray(1)),
    ].entries()) {
      await store.commit(record!.id, record!.version + n, bytes, times)
      const error = await one.send(({ data }) => data.count).catch((thrown: unknown) => thrown)
      expect(error).toEqual(code('STORE_UNAVAILABLE'))
      expect(sessions.problem(error).status).toBe(503)
    }
    expect(printed(lines)).not.toMatch(/sjs_|tea/)
    expect(await sessions.isLive(record!.id)).toBe(true)
  })
})

describe('requests', () => {
  it('B23 refuses user ids and factors that are no short texts', async () => {
    const { one, unharmed } = await world()
    for (const id of ['', 'x'.repeat(257), 7, null, {}] as string[])
      for (const args of [[id], ['ada', { factors: [id] }]] as [string, { factors: string[] }][])
        await expect(one.copy().send((session) => session.login(...args))).rejects.toBeInstanceOf(
          TypeError,
        )
    await unharmed()
  })
  it('B24 refuses hosts that are not its own, and two at once', async () => {
    const { send, unharmed, sessions, browser } = await world()
    for (const host of ['', 'evil.example', 'localhost:3000.evil.example', 'localhost:3000, x'])
      expect(send({ host })).toBe('HOST_FOREIGN')
    const facts = browser().facts()
    const host = ['localhost:3000', 'evil.example']
    expect(() => sessions.visit({ ...facts, headers: { ...facts.headers, host } })).toThrow(
      code('HOST_FOREIGN'),
    )
    await unharmed()
  })
  it('B25 keeps what a failed request had changed out of the next', async () => {
    const { one, sessions, unharmed } = await world({ dataBytesMax: 500 })
    const late: Browser = one.copy()
    const visit = await sessions.visit(late.facts())
    visit.session.data.cart.push('x'.repeat(500))
    expect(() => visit.commit()).toThrow(code('SESSION_TOO_LARGE'))
    visit.discard()
    write(visit.session)
    await visit.commit()
    expect(await one.send(({ data }) => data.count)).toBe(1)
    await unharmed()
  })
  it('B26 goes on with an odd user agent, and keeps nothing of it', async () => {
    const { sessions, browser, clock } = await world()
    clock.advance(minuteMs)
    const odd = browser()
    const headers = { 'user-agent': `<script>${'\u0000'.repeat(9_999)}sjs_` }
    await odd.send((session) => session.login('bob'), { headers })
    expect((await sessions.listByUser('bob'))[0]?.device).toBeUndefined()
    expect(await odd.send(userOf)).toBe('bob')
  })
})
