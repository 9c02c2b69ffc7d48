import { systemRandom } from '../../base/core/index.ts'
import type { SigningKey, SigningKeys } from '../../base/secrets/index.ts'
import type { CookieOptions } from './cookie.ts'
import { MemoryStore } from './memory-store.ts'
import { deprecate } from './notes.ts'
import type { Store } from './store.ts'
import type { SessionRequest } from './types.ts'

/** The options of `session()`: those of `express-session`, with its defaults. */
export interface SessionOptions {
  /** What the cookie says, or a function that finds it for a request. */
  readonly cookie?: CookieOptions | ((req: SessionRequest) => CookieOptions) | undefined
  /** Makes the id of a session, which is its secret. Default: 192 random bits. */
  readonly genid?: ((req: SessionRequest) => string) | undefined
  /** Name of the cookie. Default `connect.sid`. */
  readonly name?: string | undefined
  /** Another word for `name`. */
  readonly key?: string | undefined
  /**
   * Whether `x-forwarded-proto` says how the request came. Default: Express decides by its setting
   * `trust proxy`.
   */
  readonly proxy?: boolean | undefined
  /** Writes sessions that did not change, too. Default true, with a warning: say which. */
  readonly resave?: boolean | undefined
  /** Sets the cookie with every response. Default false. */
  readonly rolling?: boolean | undefined
  /** Stores new sessions that hold nothing. Default true, with a warning: say which. */
  readonly saveUninitialized?: boolean | undefined
  /** Signs the cookie; of several the first one signs and all verify. */
  readonly secret?: SigningKey | readonly SigningKey[] | undefined
  /** Default: a new `MemoryStore`. */
  readonly store?: Store | undefined
  /** What becomes of a session when `req.session` is removed. Default `keep`. */
  readonly unset?: 'keep' | 'destroy' | undefined
}

/** The options, checked and complete. */
export interface Settings {
  readonly cookieFor: (req: SessionRequest) => CookieOptions
  readonly genid: (req: SessionRequest) => string
  readonly name: string
  readonly proxy: boolean | undefined
  readonly resave: boolean
  readonly rolling: boolean
  readonly saveUninitialized: boolean
  readonly secrets: SigningKeys | undefined
  readonly store: Store
  readonly unset: 'keep' | 'destroy'
}

/** @throws TypeError for options that can't work */
export function settingsOf(options: SessionOptions = {}): Settings {
  const { cookie = {}, genid = randomId, store = new MemoryStore(), unset = 'keep' } = options
  const { resave, saveUninitialized, secret } = options
  if (typeof genid !== 'function') throw new TypeError(`genid must be a function, got ${genid}`)
  if (unset && unset !== 'keep' && unset !== 'destroy')
    throw new TypeError(`unset must be 'keep' or 'destroy', got ${unset}`)
  const secrets = secret ? [secret].flat() : undefined
  if (secrets?.length === 0) throw new TypeError('secret must name at least one, got none')
  if (resave === undefined) deprecate('say whether to `resave`; the default is true')
  if (saveUninitialized === undefined)
    deprecate('say whether to `saveUninitialized`; the default is true')
  if (!secrets) deprecate('give a `secret`, do not leave it to req.secret')
  if (process.env['NODE_ENV'] === 'production' && store instanceof MemoryStore)
    process.emitWarning('express-session: MemoryStore forgets all sessions with its process')
  return {
    cookieFor: typeof cookie === 'function' ? cookie : () => cookie ?? {},
    genid,
    name: options.name || options.key || 'connect.sid',
    proxy: options.proxy,
    resave: resave ?? true,
    rolling: Boolean(options.rolling),
    saveUninitialized: saveUninitialized ?? true,
    secrets: secrets as SigningKeys | undefined,
    store,
    unset: unset || 'keep',
  }
}

function randomId(): string {
  return Buffer.from(systemRandom(24)).toString('base64url')
}
