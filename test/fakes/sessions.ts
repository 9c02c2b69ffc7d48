/** Sessions upon a store whose calls are counted and may be slow, and browsers that keep a cookie. */
import type { Log } from '../../src/base/core/index.ts'
import { openSqlite } from '../../src/stores/sqlite/index.ts'
import { virtualClock } from '../../src/testing/index.ts'
import {
  type CreateSessionsOptions,
  openSessions,
  type Session,
  type Sessions,
} from '../../src/web/index.ts'
import { countedStore } from './counted-store.ts'

export interface Data extends Record<string, unknown> {
  count: number
  cart: string[]
  name?: string
  at?: Date
}
type Facts = { method?: string; headers?: Record<string, string>; isTls?: boolean }
export type Options = Partial<CreateSessionsOptions<Data>> & { delayMs?: number }

export const initial = (): Data => ({ count: 0, cart: [] })
export const minuteMs = 60e3

/** Everything of one test: sessions upon a store whose calls are counted and may be slow. */
export function setUp({ delayMs, ...options }: Options = {}) {
  const clock = virtualClock()
  const calls: string[] = []
  const sqlite = openSqlite({ data: ':memory:', clock })
  const real = sqlite.sessions()
  const { store, forget } = countedStore(real, { delayMs, note: (name) => calls.push(name) })
  const lines: unknown[] = []
  const note = (facts: object, message: string): void => {
    lines.push([facts, message])
  }
  const log: Log = { debug: note, info: note, warn: note, error: note }
  const sessions = openSessions<Data>({
    store,
    clock,
    log,
    initial,
    development: { port: 3000 },
    ...options,
  })
  const browser = (): Browser => new Browser(sessions)
  return { clock, calls, forget, sqlite, store: real, sessions, lines, browser }
}

/** Keeps a cookie from answer to answer, as a browser does. */
export class Browser {
  cookie: string | undefined
  setCookie: string | undefined
  cacheControl: string | undefined
  readonly #sessions: Sessions<Data>
  constructor(sessions: Sessions<Data>) {
    this.#sessions = sessions
  }

  facts({ method = 'POST', headers = {}, isTls = false }: Facts = {}) {
    const cookie = this.cookie === undefined ? {} : { cookie: this.cookie }
    return { method, headers: { host: 'localhost:3000', ...cookie, ...headers }, isTls }
  }

  /** One request: `handle` runs between the load and the commit. */
  async send<Result>(
    handle: (session: Session<Data>) => Result | Promise<Result>,
    facts?: Facts,
  ): Promise<Result> {
    const visit = await this.#sessions.visit(this.facts(facts))
    const result = await handle(visit.session)
    await visit.commit()
    this.take(visit.start())
    return result
  }

  take(headers: readonly (readonly [string, string])[]): void {
    const { 'set-cookie': setCookie, 'cache-control': cacheControl } = Object.fromEntries(headers)
    this.setCookie = setCookie
    this.cacheControl = cacheControl
    if (setCookie)
      this.cookie = setCookie.includes('Max-Age=0') ? undefined : setCookie.split(';')[0]
  }

  copy(): Browser {
    return Object.assign(new Browser(this.#sessions), { cookie: this.cookie })
  }
}
