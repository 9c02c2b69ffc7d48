/** What `sojourn()` is given, and the checks of it. */
import type { Log } from '../base/core/index.ts'
import { isBackendName } from '../base/core/index.ts'
import type { BackendPlan } from '../base/protocol/index.ts'
import type { Authorize } from '../live/gateway/gateway.ts'
import type { SessionOptions, Visitor } from '../web/index.ts'

/** How one backend is run and who may enter it. */
export interface BackendOptions<Data extends object> {
  /** The module whose default export is made by `backend()`; loaded in each instance's process. */
  readonly module: URL | string
  /**
   * Decides who enters, before any process starts: what it returns is the connection's grant;
   * anything falsy refuses (401 for a visitor who isn't logged in, 403 otherwise).
   */
  readonly authorize: Authorize<Visitor<Data>>
  /** Without a connection for so long the process ends, its state stays. Default 30 s. */
  readonly idleAfterMs?: number
  /** Processes that are kept ready, with the module loaded. Default 1; 0 starts each when needed. */
  readonly warm?: number
  /**
   * Instances that share one process, for many small ones: cheaper, but one that crashes or blocks
   * takes the others along. Default 1.
   */
  readonly perProcess?: number
  /** What a process may use before it is ended as `out-of-memory`. Default: no limit of ours. */
  readonly memoryBytesMax?: number
  /** An instance ends after so long, however busy; its clients come back to a new one. Default never. */
  readonly lifetimeMs?: number
  /** Variables for the processes; they inherit only PATH, HOME, LANG, TZ and the like. */
  readonly env?: Readonly<Record<string, string>>
}

/** What `sojourn()` is given. */
export interface SojournOptions<Data extends object> {
  /** Folder of the embedded SQLite files; made if missing. `':memory:'` keeps nothing. */
  readonly data: string
  /**
   * Plain http on loopback: an unprefixed cookie named after the port, and `origins` default to
   * this port on localhost. Leave it out in production.
   */
  readonly development?: { readonly port: number }
  /** Exact origins of the pages that may use this server. Required in production. */
  readonly origins?: readonly string[]
  /** Whether `x-forwarded-proto` of a proxy in front is believed. Required in production. */
  readonly trustProxy?: boolean
  /** What a session holds and how long it lives. */
  readonly session?: SessionOptions<Data>
  /** Session backends by name (`/live/<name>/<key>`). */
  readonly backends?: Readonly<Record<string, BackendOptions<Data>>>
  /**
   * Keeps account of what sessions do, in `events.db`. Default: off, and `session.track()` does
   * nothing. `retentionMs`: how long events are kept, an hour to 400 days, default 90 days.
   */
  readonly analytics?: boolean | { readonly retentionMs?: number }
  /**
   * Lets whoever sends this key as `Authorization: Bearer <key>` see and stop instances below
   * `/live/-/`. At least 32 characters. Default: nobody, and the paths answer 404.
   */
  readonly admin?: { readonly key: string }
  /** Where facts and sentences go, shaped like pino. Default: warnings and errors to stderr. */
  readonly log?: Log
}

const defaults = { idleAfterMs: 30_000, warm: 1, perProcess: 1, memoryBytesMax: 0, lifetimeMs: 0 }
const timerMsMax = 2 ** 31 - 1
const bounds = {
  idleAfterMs: [1, timerMsMax],
  warm: [0, 100],
  perProcess: [1, 1_000],
  /** A process of Node with nothing in it needs more than half of the least. */
  memoryBytesMax: [64 * 2 ** 20, Number.MAX_SAFE_INTEGER],
  lifetimeMs: [1_000, timerMsMax],
} as const satisfies Record<keyof typeof defaults, readonly [number, number]>

/**
 * What the host process has to know of the backends.
 *
 * @throws TypeError for a name, module or rule that can't work; RangeError for a number out of bounds
 */
export function plansOf(
  backends: Readonly<Record<string, BackendOptions<never>>>,
): Readonly<Record<string, BackendPlan>> {
  return Object.fromEntries(
    Object.entries(backends).map(([name, given]) => [name, planOf(name, given)]),
  )
}

function planOf(name: string, given: BackendOptions<never>): BackendPlan {
  const { module, authorize, env = {} } = given
  if (!isBackendName(name))
    throw new TypeError(`backends: ${name} must be lower-case letters, digits and dashes`)
  if (!URL.canParse(String(module)))
    throw new TypeError(`backends.${name}.module must be a URL, got ${module}`)
  if (typeof authorize !== 'function')
    throw new TypeError(`backends.${name}.authorize must be a function`)
  return { module: String(module), env, ...numbersOf(name, given) }
}

function numbersOf(name: string, given: BackendOptions<never>): typeof defaults {
  const numbers = { ...defaults }
  for (const option of Object.keys(defaults) as (keyof typeof defaults)[]) {
    const value = given[option]
    if (value === undefined) continue
    const [min, max] = bounds[option]
    if (!(Number.isInteger(value) && value >= min && value <= max))
      throw new RangeError(`backends.${name}.${option}: ${value} is not within ${min} and ${max}`)
    numbers[option] = value
  }
  return numbers
}
