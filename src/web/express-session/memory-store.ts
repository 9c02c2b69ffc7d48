import { systemClock } from '../../base/core/index.ts'
import type { Callback } from './answer.ts'
import type { Session } from './session.ts'
import { Store } from './store.ts'
import type { StoredSession } from './types.ts'

/** Sessions kept at once; the one written longest ago makes room. */
const sessionsMax = 100_000

/** Sessions in the memory of this process: for development, lost with it. */
export class MemoryStore extends Store {
  readonly #texts = new Map<string, string>()

  override get(sid: string, callback: Callback<StoredSession | null>): void {
    const session = this.#read(sid)
    setImmediate(() => callback(null, session))
  }

  override set(sid: string, session: Session | StoredSession, callback?: Callback): void {
    this.#write(sid, session)
    if (callback) setImmediate(callback)
  }

  override destroy(sid: string, callback?: Callback): void {
    this.#texts.delete(sid)
    if (callback) setImmediate(callback)
  }

  override touch(sid: string, { cookie }: Session | StoredSession, callback?: Callback): void {
    const session = this.#read(sid)
    if (session) this.#write(sid, { ...session, cookie } as StoredSession)
    if (callback) setImmediate(callback)
  }

  override all(callback: Callback<Record<string, StoredSession>>): void {
    const live = [...this.#texts.keys()].map((sid) => [sid, this.#read(sid)] as const)
    const all = Object.fromEntries(live.filter(([, session]) => session))
    setImmediate(() => callback(null, all as Record<string, StoredSession>))
  }

  override clear(callback?: Callback): void {
    this.#texts.clear()
    if (callback) setImmediate(callback)
  }

  override length(callback: Callback<number>): void {
    this.all((_, all = {}) => callback(null, Object.keys(all).length))
  }

  #read(sid: string): StoredSession | undefined {
    const text = this.#texts.get(sid)
    if (text === undefined) return undefined
    const session = JSON.parse(text) as StoredSession
    const expires = session.cookie?.expires
    if (!expires || new Date(expires).valueOf() > systemClock.nowMs()) return session
    this.#texts.delete(sid)
    return undefined
  }

  #write(sid: string, session: object): void {
    const text = JSON.stringify(session)
    this.#texts.delete(sid)
    this.#texts.set(sid, text)
    const [oldest] = this.#texts.keys()
    if (this.#texts.size > sessionsMax && oldest !== undefined) this.#texts.delete(oldest)
  }
}
