import { hash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Browser, minuteMs, setUp } from '../../../test/fakes/sessions.ts'

const code = (name: string) => expect.objectContaining({ code: name })
const audience = 'http://localhost:3000'
const verifier = 'v'.repeat(43)
const challenge = hash('sha256', verifier, 'base64url')

async function world() {
  const all = setUp()
  const one = all.browser()
  await one.send((session) => {
    session.data.count = 5
    session.data.cart.push('tea')
    session.login('ada', { factors: ['password'], keep: ['count', 'cart'] })
  })
  const handOver = (options: object = {}) =>
    one.send((session) => session.handOver({ audience, ...options }))
  const userOf = (browser: Browser) => browser.send(({ user }) => user?.id)
  return { ...all, one, handOver, userOf }
}

describe('a hand-over', () => {
  it('goes on elsewhere with user and login, in a session of its own', async () => {
    const { browser, handOver, one, clock, sessions } = await world()
    const text = await handOver({ challenge, keep: ['cart'] })
    expect(text).toMatch(/^sjc_[\w-]{43}$/)
    clock.advance(30_000)
    const two = browser()
    await two.send((session) => session.takeOver(text, { verifier }))
    const [mine, theirs] = await Promise.all(
      [one, two].map((each) => each.send(({ id, user, data }) => ({ id, user, cart: data.cart }))),
    )
    expect(theirs?.id).not.toBe(mine?.id)
    expect([theirs?.user, theirs?.cart]).toEqual([mine?.user, ['tea']])
    expect(await two.send(({ data }) => data.count)).toBe(0)
    expect((await sessions.find(theirs!.id!))?.parentId).toBe(mine?.id)
  })
  it('ends with the session that it came from, and not the other way round', async () => {
    const { browser, handOver, one, userOf } = await world()
    const [two, three] = [browser(), browser()]
    for (const each of [two, three]) {
      const text = await handOver({ challenge })
      await each.send((session) => session.takeOver(text, { verifier }))
    }
    await two.send((session) => session.logout())
    expect([await userOf(two), await userOf(three), await userOf(one)]).toEqual([
      undefined,
      'ada',
      'ada',
    ])
    await one.send((session) => session.logout())
    expect(await userOf(three)).toBeUndefined()
  })
  it('works for one of a hundred', async () => {
    const { browser, handOver } = await world()
    const text = await handOver({ challenge })
    const tries = await Promise.allSettled(
      Array.from({ length: 100 }, () =>
        browser().send((session) => session.takeOver(text, { verifier })),
      ),
    )
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const one of tries)
      if (one.status === 'rejected') expect(one.reason).toEqual(code('HANDOVER_INVALID'))
  })
  it('is over after its time, with its session, and for another audience', async () => {
    const { browser, handOver, clock, one } = await world()
    const redeem = (text: string) =>
      browser().send((session) => session.takeOver(text, { verifier }))
    const late = await handOver({ challenge, forMs: minuteMs })
    clock.advance(minuteMs)
    await expect(redeem(late)).rejects.toEqual(code('HANDOVER_INVALID'))
    const foreign = await handOver({ challenge, audience: 'https://other.example' })
    await expect(redeem(foreign)).rejects.toEqual(code('HANDOVER_INVALID'))
    const orphan = await handOver({ challenge })
    await one.send((session) => session.logout())
    await expect(redeem(orphan)).rejects.toEqual(code('HANDOVER_INVALID'))
    for (const text of ['', 'x', undefined, {}])
      await expect(redeem(text as string)).rejects.toEqual(code('HANDOVER_INVALID'))
  })
  it('never outlives the absolute time of its session', async () => {
    const { browser, handOver, clock, one, userOf } = await world()
    for (let n = 0; n < 23; n++) {
      clock.advance(29 * minuteMs)
      await userOf(one)
    }
    const text = await handOver({ challenge })
    const two = browser()
    await two.send((session) => session.takeOver(text, { verifier }))
    clock.advance(29 * minuteMs)
    expect(await userOf(two)).toBe('ada')
    clock.advance(29 * minuteMs)
    expect([await userOf(one), await userOf(two)]).toEqual([undefined, undefined])
  })
  it('wants the right verifier', async () => {
    const { browser, handOver } = await world()
    for (const wrong of [undefined, '', 'w'.repeat(43)]) {
      const text = await handOver({ challenge })
      const options = { isConfirmed: true, ...(wrong !== undefined && { verifier: wrong }) }
      await expect(browser().send((session) => session.takeOver(text, options))).rejects.toEqual(
        code('HANDOVER_INVALID'),
      )
    }
  })
  it('asks first, where nothing proves that the visitor asked for it', async () => {
    const { browser, handOver, userOf } = await world()
    const text = await handOver()
    const two = browser()
    await expect(two.send((session) => session.takeOver(text))).rejects.toEqual(
      code('HANDOVER_UNCONFIRMED'),
    )
    const offer = await two.send((session) => session.lookAtHandOver(text), { method: 'GET' })
    expect(two.cacheControl).toBe('no-store')
    expect(offer).toMatchObject({ user: { id: 'ada' } })
    await two.send((session) => session.takeOver(text, { isConfirmed: true }))
    expect(await userOf(two)).toBe('ada')
  })
  it('does not slip somebody who is logged in into another account', async () => {
    const { browser, handOver, userOf } = await world()
    const victim = browser()
    await victim.send((session) => session.login('bob'))
    const text = await handOver({ challenge })
    await expect(victim.send((session) => session.takeOver(text, { verifier }))).rejects.toEqual(
      code('HANDOVER_UNCONFIRMED'),
    )
    expect(await userOf(victim)).toBe('bob')
    await victim.send((session) => session.takeOver(text, { verifier, isConfirmed: true }))
    expect(await userOf(victim)).toBe('ada')
  })
  it('goes back to the browser that asked for it without a question', async () => {
    const { browser, handOver, userOf } = await world()
    const [asking, other] = [browser(), browser()]
    const starter = await asking.send((session) => {
      session.data.count = 1
      return session.commit()
    })
    expect(starter).toBeUndefined()
    const id = await asking.send((session) => session.id)
    const text = await handOver({ starter: id, forMs: 15 * minuteMs })
    await expect(other.send((session) => session.takeOver(text))).rejects.toEqual(
      code('HANDOVER_UNCONFIRMED'),
    )
    await asking.send((session) => session.takeOver(text))
    expect(await userOf(asking)).toBe('ada')
  })
  it('happens in answer to a POST only, from our own pages only', async () => {
    const { browser, handOver } = await world()
    const text = await handOver({ challenge })
    const redeem = (facts: object) =>
      browser().send((session) => session.takeOver(text, { verifier }), facts)
    await expect(redeem({ method: 'GET' })).rejects.toBeInstanceOf(TypeError)
    const origin = { headers: { origin: 'https://evil.example' } }
    await expect(redeem(origin)).rejects.toEqual(code('ORIGIN_FOREIGN'))
  })
  it('refuses options that can not work, and a session that is not stored', async () => {
    const { browser, handOver } = await world()
    for (const options of [{ audience: 'example.com' }, { audience: `${audience}/` }])
      await expect(handOver(options)).rejects.toBeInstanceOf(TypeError)
    for (const forMs of [0, -1, 16 * minuteMs, Number.NaN])
      await expect(handOver({ forMs })).rejects.toBeInstanceOf(RangeError)
    await expect(handOver({ challenge: 'short' })).rejects.toBeInstanceOf(TypeError)
    await expect(
      browser().send((session) => session.handOver({ audience })),
    ).rejects.toBeInstanceOf(TypeError)
  })
  it('stores no code in the clear, and takes no token for one', async () => {
    const { handOver, sqlite, one, browser } = await world()
    const text = await handOver()
    expect(JSON.stringify(sqlite.sessions())).not.toContain(text)
    const token = one.cookie?.split('=')[1]
    await expect(
      browser().send((session) => session.takeOver(token, { isConfirmed: true })),
    ).rejects.toEqual(code('HANDOVER_INVALID'))
    const bearer = { headers: { authorization: `Bearer ${text}` } }
    expect(await browser().send(({ user }) => user, bearer)).toBeUndefined()
  })
})

describe('a client without cookies', () => {
  const withToken = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

  it('is told that its session ended, rather than given one that it can not find again', async () => {
    const { browser, clock, store } = setUp()
    const app = browser()
    const token = await app.send((session) => {
      session.login('ada')
      return session.bearerToken()
    })
    clock.advance(30 * minuteMs)
    const write = app.send(({ data }) => data.cart.push('tea'), withToken(token))
    await expect(write).rejects.toEqual(code('SESSION_ENDED'))
    expect(await store.scan(undefined, 10)).toEqual([])
    expect(await app.send(({ user }) => user, withToken(token))).toBeUndefined()
    const next = await app.send((session) => {
      session.login('ada')
      return session.bearerToken()
    }, withToken(token))
    expect(await app.send(({ user }) => user?.id, withToken(next))).toBe('ada')
  })

  it('gets its token from the application and no cookie', async () => {
    const { browser } = setUp()
    const app = browser()
    const first = await app.send((session) => {
      session.login('ada')
      return session.bearerToken()
    })
    expect(app.setCookie).toBeUndefined()
    expect(await app.send(({ user }) => user?.id, withToken(first))).toBe('ada')
    const same = await app.send((session) => session.bearerToken(), withToken(first))
    expect(same).toBe(first)
    const next = await app.send((session) => {
      session.rotate()
      return session.bearerToken()
    }, withToken(first))
    expect([next === first, app.setCookie]).toEqual([false, undefined])
    await app.send((session) => session.logout(), withToken(next))
    expect(app.setCookie).toBeUndefined()
    expect(await app.send(({ user }) => user, withToken(next))).toBeUndefined()
  })
})
