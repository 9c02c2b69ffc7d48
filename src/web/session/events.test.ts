import { describe, expect, it } from 'vitest'
import { openSqlite } from '../../stores/sqlite/index.ts'
import { virtualClock } from '../../testing/index.ts'
import { createAnalytics } from '../analytics/index.ts'
import { openSessions, type Session, type SessionEvent } from '../index.ts'

type Data = Record<string, unknown>

/** Sessions whose events are noted at once, and a browser that keeps its cookie. */
function setUp({ isOn = true } = {}) {
  const clock = virtualClock()
  const sqlite = openSqlite({ data: ':memory:', clock })
  const seen: SessionEvent[] = []
  const { sink } = createAnalytics({ store: sqlite.events(), clock })
  const events = { check: sink.check, add: (event: SessionEvent): unknown => seen.push(event) }
  const sessions = openSessions<Data>({
    store: sqlite.sessions(),
    clock,
    development: { port: 3000 },
    ...(isOn && { events: events as typeof sink }),
  })
  let cookie = {}
  const visit = async () =>
    sessions.visit({ method: 'POST', headers: { host: 'localhost:3000', ...cookie }, isTls: false })
  const send = async (handle: (session: Session<Data>) => unknown): Promise<string | undefined> => {
    const one = await visit()
    await handle(one.session)
    await one.commit()
    const set = one.start().find(([name]) => name === 'set-cookie')?.[1]
    if (set) cookie = set.includes('Max-Age=0') ? {} : { cookie: set.split(';')[0] }
    one.seal()
    return one.session.id
  }
  const told = (): unknown[] =>
    seen.splice(0).map(({ name, session, user, from }) => [name, session, user, from])
  return { clock, sessions, visit, send, seen, told }
}

describe('session.track()', () => {
  it('counts once the session is stored, with its id, not before the session began', async () => {
    const { visit, seen, clock } = setUp()
    const one = await visit()
    one.session.track('viewed', { product: 'tea' })
    one.session.data['cart'] = ['tea']
    clock.advance(5)
    expect(seen).toEqual([])
    await one.commit()
    const { id } = one.session
    const atMs = clock.nowMs()
    expect(seen).toEqual([
      { atMs, session: id, user: undefined, name: 'started' },
      { atMs, session: id, user: undefined, name: 'viewed', props: { product: 'tea' } },
    ])
    one.start()
    one.session.track('streamed')
    await one.commit()
    expect(seen.map(({ name }) => name)).toEqual(['started', 'viewed', 'streamed'])
  })

  it('creates no session, and counts nothing without one', async () => {
    const { send, seen } = setUp()
    expect(await send((session) => session.track('viewed'))).toBeUndefined()
    expect(seen).toEqual([])
  })

  it('counts nothing of a request that failed', async () => {
    const { send, visit, sessions, told } = setUp()
    const id = await send(({ data }) => Object.assign(data, { a: 1 }))
    told()
    const failed = await visit()
    failed.session.track('viewed')
    failed.discard()
    await failed.commit()
    expect(told()).toEqual([])
    const late = await visit()
    late.session.data['a'] = 2
    late.session.track('viewed')
    await sessions.revoke(id ?? '')
    await expect(async () => late.commit()).rejects.toMatchObject({ code: 'SESSION_ENDED' })
    expect(told()).toEqual([])
  })

  it('belongs to the session before or after a login, and says which followed which', async () => {
    const { send, told } = setUp()
    const first = await send(({ data }) => Object.assign(data, { a: 1 }))
    told()
    const second = await send((session) => {
      session.track('clicked')
      session.login('ada')
      session.track('welcomed')
    })
    expect(told()).toEqual([
      ['login', second, 'ada', first],
      ['clicked', first, undefined, undefined],
      ['welcomed', second, 'ada', undefined],
    ])
    await send((session) => {
      session.track('bye')
      session.logout()
      session.track('nobody')
    })
    expect(told()).toEqual([['bye', second, 'ada', undefined]])
  })

  it('tells a start and a login of a visitor who had no session, and none of a rotation', async () => {
    const { send, told } = setUp()
    const id = await send((session) => session.login('ada'))
    expect(told()).toEqual([
      ['started', id, 'ada', undefined],
      ['login', id, 'ada', undefined],
    ])
    await send((session) => session.rotate())
    const next = await send((session) => {
      session.logout()
      session.data['theme'] = 'dark'
    })
    expect(told()).toEqual([['started', next, undefined, undefined]])
  })

  it('refuses misuse at the call, and more than 100 events of a request', async () => {
    const { visit } = setUp()
    const { session } = await visit()
    expect(() => session.track('login')).toThrow(TypeError)
    expect(() => session.track('x'.repeat(65))).toThrow(RangeError)
    for (let count = 0; count < 100; count++) session.track('viewed')
    expect(() => session.track('viewed')).toThrow(RangeError)
  })

  it('does nothing where analytics are off', async () => {
    const { send, seen } = setUp({ isOn: false })
    await send((session) => {
      session.track('viewed')
      session.data['a'] = 1
    })
    expect(seen).toEqual([])
  })
})
