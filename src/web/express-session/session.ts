import { answered, ask, type Callback } from './answer.ts'
import { Cookie } from './cookie.ts'
import type { SessionData, SessionRequest, StoredSession } from './types.ts'

/** Who watches over a request: what its session does to the store is reported there. */
export interface Host {
  /** The session is being written as it is now. */
  saving(session: Session, saved: Promise<unknown>): void
  /** The response has to wait for this too. */
  track(work: Promise<unknown>): void
  /** Gives the request a new session, with a new id. */
  generate(): void
  /** Gives the request the session that was read. */
  inflate(data: StoredSession): void
}

/** On the request: a WeakMap of requests is what a collector of garbage is slowest at. */
const host = Symbol('host')

/** Puts a host in charge of a request. */
export function setHost(req: object, one: Host): void {
  Object.defineProperty(req, host, { value: one, configurable: true })
}

/** Who watches over a request. */
export function hostOf(req: object): Host | undefined {
  return (req as { [host]?: Host })[host]
}

/**
 * The session of a request: its enumerable properties are stored. The methods that reach the store
 * take a callback, or return a promise when there is none.
 */
export class Session {
  /** The secret that its cookie carries: keep it out of logs. */
  declare readonly id: string
  declare readonly req: SessionRequest
  declare cookie: Cookie

  constructor(req: Pick<SessionRequest, 'sessionID' | 'sessionStore'>, data?: object | null) {
    Object.defineProperty(this, 'req', { value: req })
    Object.defineProperty(this, 'id', { value: req.sessionID })
    for (const [name, value] of Object.entries(data ?? {})) {
      // No stored word takes the place of a method.
      if (!(name in this)) Object.assign(this, { [name]: value })
    }
  }

  /** Starts the lifetime of the cookie anew. Done by itself at the end of every request. */
  touch(): this {
    return this.resetMaxAge()
  }

  /** Gives the cookie its original lifetime again. */
  resetMaxAge(): this {
    this.cookie.maxAge = this.cookie.originalMaxAge
    return this
  }

  /** Writes the session now. Rejects, as all methods here, with what the store reports. */
  save(): Promise<void>
  save(callback: Callback | undefined): this
  save(callback?: Callback): this | Promise<void> {
    const saved = ask<void>((done) => storeOf(this).set(this.id, this, done))
    hostOf(this.req)?.saving(this, saved)
    return answered(this, saved, callback)
  }

  /** Reads the session again: `req.session` is another object afterwards. */
  reload(): Promise<void>
  reload(callback: Callback | undefined): this
  reload(callback?: Callback): this | Promise<void> {
    return answered(this, reload(this), callback)
  }

  /** Ends the session; the request is without one from here on. */
  destroy(): Promise<void>
  destroy(callback: Callback | undefined): this
  destroy(callback?: Callback): this | Promise<void> {
    delete this.req.session
    const destroyed = ask<void>((done) => storeOf(this).destroy(this.id, done))
    hostOf(this.req)?.track(destroyed)
    return answered(this, destroyed, callback)
  }

  /** Ends the session and begins another with a new id: what a login has to do. */
  regenerate(): Promise<void>
  regenerate(callback: Callback | undefined): this
  regenerate(callback?: Callback): this | Promise<void> {
    const generated = ask<void>((done) => storeOf(this).regenerate(this.req, done))
    hostOf(this.req)?.track(generated)
    return answered(this, generated, callback)
  }
}

async function reload(session: Session): Promise<void> {
  const { req, id } = session
  const store = storeOf(session)
  const data = await ask<StoredSession | null>((done) => store.get(id, done))
  if (!data) throw new Error('the session is no longer in the store')
  const host = hostOf(req)
  if (host) host.inflate(data)
  else store.createSession(req, data)
}

/** Makes the session of a request from what a store handed out. */
export function revive(
  req: Pick<SessionRequest, 'session' | 'sessionID' | 'sessionStore'>,
  data: StoredSession,
): Session & Partial<SessionData> {
  const { expires, originalMaxAge } = data.cookie
  const cookie = new Cookie(data.cookie)
  if (typeof expires === 'string') cookie.expires = new Date(expires)
  cookie.originalMaxAge = originalMaxAge
  const session = new Session(req, { ...data, cookie }) as Session & Partial<SessionData>
  req.session = session
  return session
}

function storeOf({ req }: Session): NonNullable<SessionRequest['sessionStore']> {
  if (!req.sessionStore) throw new TypeError('this session has no store')
  return req.sessionStore
}
