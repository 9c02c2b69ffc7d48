import { type SigningKeys, sign } from '../../base/secrets/index.ts'
import type { Commitment } from '../session/index.ts'
import { ask } from './answer.ts'
import { Cookie, serialiseCookie } from './cookie.ts'
import { debug } from './notes.ts'
import type { Settings } from './options.ts'
import { cookieIdOf, isSecure } from './requests.ts'
import { type Host, Session } from './session.ts'
import { Store } from './store.ts'
import type { SessionRequest, StoredSession } from './types.ts'

/** A session as it was at some time; the cookie is left out, it changes with every request. */
interface Image {
  readonly id: string
  readonly text: string
}

/** One request and its session: what it found, and what has to be stored and said in the end. */
export class Exchange implements Commitment, Host {
  readonly #settings: Settings
  readonly #req: SessionRequest
  readonly #secrets: SigningKeys
  readonly #cookieId: string | undefined
  /** What the request started with. */
  #original: Image | undefined
  /** What the store holds, or will hold once what is pending is done. */
  #saved: Image | undefined
  #pending: Promise<unknown> = Promise.resolve()
  #isPending = false
  #isUnsetDone = false
  #setCookie: string | undefined

  constructor(settings: Settings, req: SessionRequest, secrets: SigningKeys) {
    this.#settings = settings
    this.#req = req
    this.#secrets = secrets
    this.#cookieId = cookieIdOf(req, settings.name, secrets)
    if (this.#cookieId !== undefined) req.sessionID = this.#cookieId
    req.sessionStore = settings.store
  }

  /** Reads the session that the cookie names, or begins one; only the former has to wait. */
  open(): Promise<void> | undefined {
    if (this.#cookieId) return this.#read(this.#cookieId)
    debug('no session id came along')
    this.#begin()
    return undefined
  }

  generate(): void {
    generate(this.#settings, this.#req)
  }

  inflate(data: StoredSession): void {
    const { store } = this.#settings
    // A store made for the other package would make a session of that package.
    const base = store instanceof Store ? store : Store.prototype
    base.createSession.call(store, this.#req, data)
  }

  saving(session: Session, saving: Promise<unknown>): void {
    debug('saving %s', session.id)
    const saved = imageOf(session)
    this.#saved = saved
    saving.catch(() => {
      if (this.#saved === saved) this.#saved = undefined
    })
    this.track(saving)
  }

  track(work: Promise<unknown>): void {
    const pending = Promise.allSettled([this.#pending, work]).then(() => {
      if (this.#pending === pending) this.#isPending = false
    })
    this.#pending = pending
    this.#isPending = true
  }

  commit(): Promise<void> | undefined {
    const isIdle = !this.#isPending && !this.#req.session && !this.#isUnset()
    return isIdle ? undefined : this.#commit()
  }

  start(): ReturnType<Commitment['start']> {
    return this.#setCookie === undefined ? [] : [['set-cookie', this.#setCookie]]
  }

  finish(): Promise<void> | undefined {
    const { session } = this.#req
    const isDue = this.#isPending || this.#isUnset() || (session && this.#isSaveDue(session))
    return isDue ? this.#write() : undefined
  }

  async #read(id: string): Promise<void> {
    const { store, resave } = this.#settings
    debug('fetching %s', id)
    let data: StoredSession | null | undefined
    try {
      data = await ask<StoredSession | null>((done) => store.get(id, done))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    if (!data) {
      debug('no session found')
      this.#begin()
      return
    }
    this.inflate(data)
    this.#original = imageOf(this.#req.session as Session)
    if (!resave) this.#saved = this.#original
  }

  #begin(): void {
    this.generate()
    this.#original = imageOf(this.#req.session as Session)
  }

  async #commit(): Promise<void> {
    while (this.#isPending) await this.#pending
    const { session } = this.#req
    if (!session) {
      await this.#write()
      return
    }
    session.touch()
    if (this.#owesCookie(session)) this.#setCookie = this.#cookieOf(session)
    const isTouchDue = this.#cookieId === this.#req.sessionID && !this.#isSaveDue(session)
    if (isTouchDue) await this.#touch(session)
    else await this.#write()
  }

  async #write(): Promise<void> {
    while (this.#isPending) await this.#pending
    const { session, sessionID = '' } = this.#req
    if (this.#isUnset()) {
      debug('destroying %s', sessionID)
      this.#isUnsetDone = true
      await ask((done) => this.#settings.store.destroy(sessionID, done))
    } else if (session && this.#isSaveDue(session)) await session.save()
  }

  async #touch(session: Session): Promise<void> {
    const { store } = this.#settings
    if (typeof store.touch !== 'function') return
    debug('touching %s', session.id)
    await ask((done) => store.touch?.(session.id, session, done))
  }

  #cookieOf(session: Session): string | undefined {
    const { name, proxy } = this.#settings
    if (session.cookie.secure && !isSecure(this.#req, proxy)) {
      debug('no cookie: it is for TLS only, and this request came without')
      return undefined
    }
    const value = `s:${sign(this.#req.sessionID ?? '', this.#secrets)}`
    return serialiseCookie(name, value, session.cookie.data)
  }

  #isUnset(): boolean {
    const { sessionID, session } = this.#req
    const isWanted = this.#settings.unset === 'destroy' && !this.#isUnsetDone
    return isWanted && Boolean(sessionID) && !session
  }

  #owesCookie(session: Session): boolean {
    if (!this.#hasId()) return false
    const isChanged = !isSame(this.#original, session)
    if (this.#cookieId !== this.#req.sessionID) return this.#settings.saveUninitialized || isChanged
    return this.#settings.rolling || (Boolean(session.cookie.expires) && isChanged)
  }

  #isSaveDue(session: Session): boolean {
    if (!this.#hasId()) return false
    const isUninitialized = !this.#saved && this.#cookieId !== this.#req.sessionID
    const isLazy = isUninitialized && !this.#settings.saveUninitialized
    return !isSame(isLazy ? this.#original : this.#saved, session)
  }

  #hasId(): boolean {
    const { sessionID } = this.#req
    if (typeof sessionID !== 'string') debug('session ignored, its id is no text: %o', sessionID)
    return typeof sessionID === 'string'
  }
}

/** Begins a new session of a request. */
export function generate(settings: Settings, req: SessionRequest): void {
  req.sessionID = settings.genid(req)
  const options = settings.cookieFor(req)
  const session = new Session(req) as NonNullable<SessionRequest['session']>
  const cookie = new Cookie(options)
  session.cookie = cookie
  if (cookie.secure === 'auto') cookie.secure = isSecure(req, settings.proxy)
  if (cookie.sameSite === 'auto') cookie.sameSite = isSecure(req, settings.proxy) ? 'none' : 'lax'
  req.session = session
}

function imageOf(session: Session): Image {
  const text = JSON.stringify({ ...session, cookie: undefined })
  return { id: session.id, text }
}

function isSame(image: Image | undefined, session: Session): boolean {
  return image?.id === session.id && image.text === imageOf(session).text
}
