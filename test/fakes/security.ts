/** A shop in production, over TLS, and what the checklists of security look at. */
import { expect } from 'vitest'
import { openSqlite } from '../../src/stores/sqlite/index.ts'
import { virtualClock } from '../../src/testing/index.ts'
import * as fetchAdapter from '../../src/web/adapters/fetch.ts'
import { type CreateSessionsOptions, openSessions, type Session } from '../../src/web/index.ts'
import { Browser, type Data, initial, setUp } from './sessions.ts'

export const site = 'https://shop.example'
export const cookieName = '__Host-sojourn'
export const secondMs = 1_000
export const hourMs = 3600e3
export const dayMs = 24 * hourMs

/** An error of the table with this code. */
export const code = (name: string) => expect.objectContaining({ code: name })
export const write = ({ data }: Session<Data>): void => {
  data.count++
}
export const login = (session: Session<Data>): void =>
  session.login('ada', { factors: ['password'], keep: 'all' })
export const userOf = ({ user }: Session<Data>) => user?.id

/** The token that a browser holds. */
export const tokenOf = ({ cookie }: Browser): string => String(cookie).split('=')[1] ?? ''

/** The attributes of a `Set-Cookie`, their names in lower case. */
export function attributesOf(setCookie: string | undefined): Map<string, string> {
  const [, ...parts] = String(setCookie).split('; ')
  return new Map(
    parts.map((part) => {
      const [name = '', value = ''] = part.split('=')
      return [name.toLowerCase(), value]
    }),
  )
}

/** Sends what a browser sends that is on the shop, over TLS. */
class SecureBrowser extends Browser {
  override facts({ headers, ...facts }: Parameters<Browser['facts']>[0] = {}) {
    const host = new URL(site).host
    return super.facts({ isTls: true, ...facts, headers: { host, ...headers } })
  }
}

/** Sessions as they are in production. */
export function setUpProduction(options: Partial<CreateSessionsOptions<Data>> = {}) {
  const clock = virtualClock()
  const store = openSqlite({ data: ':memory:', clock }).sessions()
  const origins = [site]
  const sessions = openSessions<Data>({
    store,
    clock,
    initial,
    origins,
    trustProxy: false,
    ...options,
  })
  const serve = (
    handle: (session: Session<Data>, request: Request) => Response | Promise<Response>,
  ) => fetchAdapter.sessions(sessions, (request, session) => handle(session, request))
  return { clock, store, sessions, serve, browser: () => new SecureBrowser(sessions) }
}

/** Two servers on one store, and the browsers of each. */
export function setUpTwoServers() {
  const first = setUp()
  const second = setUp({ store: first.store, clock: first.clock })
  const onSecond = (browser: Browser): Browser =>
    Object.assign(second.browser(), { cookie: browser.cookie })
  return { first, second, onSecond }
}

/** Everything that a value shows, the insides of errors included. */
export function printed(value: unknown): string {
  return JSON.stringify(value, (_, part) =>
    part instanceof Error ? [part.stack, part.message, part.cause] : part,
  )
}
