import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startPostgres } from '../../test/fakes/postgres-server.ts'
import type { SocketFacts } from '../base/protocol/index.ts'
import type { HostLink } from '../live/gateway/gateway.ts'
import { openPostgres } from '../stores/postgres/index.ts'
import type { Session } from '../web/index.ts'
import { ConnectionEvents } from './analytics.ts'
import { createAnalytics, createSessions, type Sessions, sojourn } from './index.ts'

const development = { port: 3000 }

/** A visitor: each request comes with the cookie of the one before. */
function visitor(sessionsOf: () => Pick<Sessions<Record<string, unknown>>, 'visit'>) {
  let headers: Record<string, string> = { host: 'localhost:3000' }
  return async (handle: (session: Session) => void): Promise<void> => {
    const visit = await sessionsOf().visit({ method: 'POST', headers, isTls: false })
    handle(visit.session)
    await visit.commit()
    const cookie = visit.start().find(([name]) => name === 'set-cookie')?.[1]
    if (cookie) headers = { ...headers, cookie: cookie.split(';')[0] ?? '' }
  }
}

describe('events of connections', () => {
  const setUp = () => {
    const told: unknown[] = []
    const events = new ConnectionEvents((...event) => told.push(event))
    const calls: unknown[] = []
    const host: HostLink = {
      connect: ({ key }) => calls.push(['connect', key]),
      locate: () => Promise.reject(),
      close: (...close) => calls.push(['close', ...close]),
    }
    const link = events.upon(host)
    const connect = (connection: string, session?: string, user?: string): void => {
      const caller = { connection, grant: true, ...(session && { session }), ...(user && { user }) }
      const facts: SocketFacts = { caller, url: '/', headers: {}, head: new Uint8Array() }
      link.connect({ backend: 'board', key: 'one' }, facts, {})
    }
    return { told, events, calls, link, connect }
  }

  it('tell when an instance has adopted one of a session, and when it closed', () => {
    const { told, events, calls, link, connect } = setUp()
    connect('c_1', 's_1', 'ada')
    expect([told, calls]).toEqual([[], [['connect', 'one']]])
    events.hear('adopted', 'c_1')
    link.close(['c_1'], 'SESSION_ENDED')
    events.hear('closed', 'c_1')
    events.hear('closed', 'c_1')
    expect(told).toEqual([
      ['connection-opened', 's_1', 'ada'],
      ['connection-closed', 's_1', 'ada'],
    ])
    expect(calls[1]).toEqual(['close', ['c_1'], 'SESSION_ENDED'])
  })

  it('tell nothing of those that were refused or belong to no session', () => {
    const { told, events, connect } = setUp()
    connect('c_1', 's_1')
    events.hear('refused', 'c_1')
    connect('c_2')
    events.hear('adopted', 'c_2')
    events.hear('closed', 'c_2')
    expect(told).toEqual([])
  })

  it('tell that all have closed when the host is lost', () => {
    const { told, events, connect } = setUp()
    connect('c_1', 's_1')
    connect('c_2', 's_2')
    events.hear('adopted', 'c_2')
    events.hostLost()
    events.hear('closed', 'c_2')
    expect(told).toEqual([
      ['connection-opened', 's_2', undefined],
      ['connection-closed', 's_2', undefined],
    ])
  })
})

describe('analytics of the platform', () => {
  it('know what sessions did, after a restart too', async () => {
    const data = mkdtempSync(join(tmpdir(), 'sojourn-analytics-'))
    let app = await sojourn({ data, development, analytics: true })
    const send = visitor(() => app.sessions)
    await send((session) => {
      session.data['cart'] = ['tea']
      session.track('cart filled', { product: 'tea' })
    })
    await send((session) => session.login('ada'))
    await send((session) => {
      session.track('paid')
      session.logout()
    })
    await app.close()
    app = await sojourn({ data, development, analytics: { retentionMs: 3600e3 } })
    const span = { from: Date.now() - 60e3, to: Date.now() + 60e3 }
    expect(await app.analytics.figures(span)).toMatchObject({
      activeNow: 0,
      sessions: 1,
      logins: 1,
      lengths: { count: 1 },
    })
    const funnel = await app.analytics.funnel(['started', 'cart filled', 'paid'], span)
    expect(funnel.map(({ sessions }) => sessions)).toEqual([1, 1, 1])
    const events = await app.analytics.list()
    expect(events.map(({ name }) => name).sort()).toEqual(
      ['started', 'cart filled', 'login', 'paid', 'logout'].sort(),
    )
    await app.close()
    rmSync(data, { recursive: true })
  })

  it('are off unless asked for, and say so', async () => {
    const app = await sojourn({ data: ':memory:', development })
    expect(() => app.analytics).toThrow('analytics is off, see sojourn({ analytics: true })')
    await app.close()
  })
})

describe('analytics of sessions in PostgreSQL', () => {
  it('know what they did, as the guide joins them', async () => {
    const server = await startPostgres()
    const postgres = openPostgres({ url: server.url })
    const analytics = createAnalytics({ store: postgres.events() })
    const store = postgres.sessions()
    const sessions = createSessions({ store, events: analytics.sink, development })
    sessions.on('end', ({ id, reason }) => {
      if (reason !== 'login') analytics.sink.add({ atMs: Date.now(), session: id, name: reason })
    })
    const send = visitor(() => sessions)
    await send((session) => session.track('cart filled', { product: 'tea' }))
    await send((session) => {
      session.data['cart'] = ['tea']
      session.track('cart filled', { product: 'tea' })
    })
    await send((session) => session.login('ada'))
    await send((session) => session.logout())
    await analytics.close()
    const span = { from: Date.now() - 60e3, to: Date.now() + 60e3 }
    expect(await analytics.figures(span)).toMatchObject({
      activeNow: 0,
      sessions: 1,
      logins: 1,
      lengths: { count: 1 },
    })
    const funnel = await analytics.funnel(['started', 'cart filled', 'login', 'logout'], span)
    expect(funnel.map(({ sessions: reached }) => reached)).toEqual([1, 1, 1, 1])
    await postgres.close()
    await server.stop()
  })
})
