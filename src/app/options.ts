/** What `sojourn()` is given, and the checks of it. */
import { fileURLToPath } from 'node:url'
import type { Log } from '../base/core/index.ts'
import { isBackendName } from '../base/core/index.ts'
import type { BackendPlan, CommandPlan } from '../base/protocol/index.ts'
import type { Authorize } from '../live/gateway/gateway.ts'
import { hasSandbox, wayTo } from '../live/host/sandbox.ts'
import type { SessionOptions, Visitor } from '../web/index.ts'

/** Who may enter a backend, and how long it runs. */
interface AnyBackendOptions<Data extends object> {
  /**
   * Decides who enters, before any process starts: what it returns is the connection's grant;
   * anything falsy refuses (401 for a visitor who isn't logged in, 403 otherwise).
   */
  readonly authorize: Authorize<Visitor<Data>>
  /**
   * Without activity for so long the process ends. An instance keeps its state and its quiet
   * clients; what they say next wakes it, and so does an alarm. Default 30 s.
   */
  readonly idleAfterMs?: number
  /** It ends after so long, however busy; its clients come back to a new one. Default never. */
  readonly lifetimeMs?: number
  /**
   * Runs each process in a box of its own: it sees the system's programs and its own code, writes
   * to its own folder only, and has no network unless that is asked for. One process per key, none
   * kept warm. Needs Linux with bubblewrap 0.8, and a folder as `data`. A program is also shown what
   * its command names by absolute path. Default false.
   */
  readonly sandbox?: boolean | { readonly network: boolean }
  /** Variables for the processes; they inherit only PATH, HOME, LANG, TZ and the like. */
  readonly env?: Readonly<Record<string, string>>
}

/** A backend written with `backend()`. */
export interface ModuleBackendOptions<Data extends object> extends AnyBackendOptions<Data> {
  /** The module whose default export is made by `backend()`; loaded in each instance's process. */
  readonly module: URL | string
  readonly command?: never
  /** Processes that are kept ready, with the module loaded. Default 1; 0 starts each when needed. */
  readonly warm?: number
  /**
   * Instances that share one process, for many small ones: cheaper, but one that crashes or blocks
   * takes the others along. Default 1.
   */
  readonly perProcess?: number
  /** What a process may use before it is ended as `out-of-memory`. Default: no limit of ours. */
  readonly memoryBytesMax?: number
}

/**
 * Any program that serves HTTP or WebSocket on `$PORT` of loopback, one process per key. It finds
 * `$SOJOURN_KEY`, `$SOJOURN_BACKEND` and `$SOJOURN_USER` (whose visit started it), and runs in a
 * folder of its own, kept between runs. Requests come with headers that say who asks. Guarantees
 * of state and ownership don't cover it: what it keeps is its own affair.
 */
export interface CommandBackendOptions<Data extends object> extends AnyBackendOptions<Data> {
  /** The program and its arguments; no shell is involved. `{port}` and `{key}` are filled in. */
  readonly command: readonly [program: string, ...args: string[]]
  readonly module?: never
  /** It is ready when this path is answered. Default: when the port is open. */
  readonly readyPath?: string
}

/** How one backend is run and who may enter it. */
export type BackendOptions<Data extends object> =
  | ModuleBackendOptions<Data>
  | CommandBackendOptions<Data>

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
  data: string,
): Readonly<Record<string, BackendPlan>> {
  return Object.fromEntries(
    Object.entries(backends).map(([name, given]) => [name, planOf(name, given, data)]),
  )
}

function planOf(name: string, given: BackendOptions<never>, data: string): BackendPlan {
  const { authorize, env = {} } = given
  if (!isBackendName(name))
    throw new TypeError(`backends: ${name} must be lower-case letters, digits and dashes`)
  if (typeof authorize !== 'function')
    throw new TypeError(`backends.${name}.authorize must be a function`)
  const { idleAfterMs, lifetimeMs, ...forModules } = numbersOf(name, given)
  const plan = { env, idleAfterMs, lifetimeMs, ...sandboxOf(name, given, data) }
  if (given.command) return { ...plan, ...commandOf(name, given) }
  const { module } = given
  if (!URL.canParse(String(module)))
    throw new TypeError(`backends.${name}.module must be a URL, got ${module}`)
  const alone = plan.sandbox ? { warm: 0, perProcess: 1 } : {}
  return { ...plan, ...forModules, ...alone, kind: 'module', module: String(module) }
}

function sandboxOf(
  name: string,
  { sandbox, module }: BackendOptions<never>,
  data: string,
): Pick<BackendPlan, 'sandbox'> {
  if (!sandbox) return {}
  if (data === ':memory:')
    throw new TypeError(`backends.${name}.sandbox needs a data folder, not ':memory:'`)
  if (!hasSandbox())
    throw new TypeError(
      `backends.${name}.sandbox needs bubblewrap 0.8 or newer, and a kernel that lets it work`,
    )
  if (module && isIn(data, String(module)))
    throw new TypeError(`backends.${name}.sandbox: its module must not lie in the data folder`)
  return { sandbox: { network: sandbox !== true && sandbox.network } }
}

const isIn = (folder: string, module: string): boolean =>
  module.startsWith('file:') && wayTo(fileURLToPath(module), folder) !== undefined

function commandOf(
  name: string,
  { command, readyPath }: CommandBackendOptions<never>,
): Pick<CommandPlan, 'kind' | 'command' | 'readyPath'> {
  const isCommand = command.length > 0 && command.every((part) => typeof part === 'string')
  if (!isCommand)
    throw new TypeError(`backends.${name}.command must be a program and its arguments`)
  if (readyPath !== undefined && !/^\/[\x21-\x7e]*$/.test(readyPath))
    throw new TypeError(`backends.${name}.readyPath must begin with a slash`)
  return { kind: 'command', command, ...(readyPath !== undefined && { readyPath }) }
}

function numbersOf(name: string, given: BackendOptions<never>): typeof defaults {
  const numbers = { ...defaults }
  for (const option of Object.keys(defaults) as (keyof typeof defaults)[]) {
    const value = (given as Partial<typeof defaults>)[option]
    if (value === undefined) continue
    const [min, max] = bounds[option]
    if (!(Number.isInteger(value) && value >= min && value <= max))
      throw new RangeError(`backends.${name}.${option}: ${value} is not within ${min} and ${max}`)
    numbers[option] = value
  }
  return numbers
}
