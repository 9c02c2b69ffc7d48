import type { Server } from 'node:http'
import { type Clock, type Log, type Random, systemClock, systemRandom } from '../base/core/index.ts'
import { Gateway } from '../live/gateway/gateway.ts'
import { openSqlite } from '../stores/sqlite/index.ts'
import {
  type DataByInitial,
  type DataBySchema,
  openSessions,
  type SessionOptions,
  type Sessions,
  type Visitor,
} from '../web/index.ts'
import { attachDoor } from './attach.ts'
import { every } from './every.ts'
import { HostProcess } from './host-process.ts'
import { consoleLog } from './log.ts'
import { plansOf, type SojournOptions } from './options.ts'

/** A running Sojourn: web sessions, session backends, and the joint between them. */
export interface Sojourn<Data extends object> {
  readonly sessions: Sessions<Data>
  /**
   * Serves `/live/` on a server of node:http, beside whatever it serves already.
   *
   * @throws TypeError for a TLS server: let a proxy in front end TLS
   */
  attach(server: Server): void
  /** Ends all instances in good order and closes the stores. */
  close(): Promise<void>
}

/** Expired sessions are looked for this often, so that their connections close in time. */
const sweepEveryMs = 1_000

/**
 * Starts Sojourn on a data folder.
 *
 * @throws TypeError, RangeError at once for options that can't work
 * @throws SojournError `DATA_IN_USE` when another process owns the folder, `STORE_UNAVAILABLE`
 */
export function sojourn<Data extends object>(
  options: Place & { readonly session: Times & DataBySchema<Data> } & Backends<NoInfer<Data>>,
): Promise<Sojourn<Data>>
export function sojourn<Data extends object = Record<string, unknown>>(
  options: Place & { readonly session?: Times & DataByInitial<Data> } & Backends<NoInfer<Data>>,
): Promise<Sojourn<Data>>
export async function sojourn<Data extends object>(
  options: Place & {
    readonly session?: Times & (DataBySchema<Data> | DataByInitial<Data>)
  } & Backends<NoInfer<Data>>,
): Promise<Sojourn<Data>> {
  return start(options as SojournOptions<Data>)
}

async function start<Data extends object>(options: SojournOptions<Data>): Promise<Sojourn<Data>> {
  const { data, session, backends = {}, log = consoleLog, ...place } = options
  const tools = { clock: systemClock, random: systemRandom, log }
  const plans = plansOf(backends)
  const store = openSqlite({ data })
  const sessions = openSessions<Data>({ ...place, ...session, ...tools, store: store.sessions() })
  const rules = Object.fromEntries(
    Object.entries(backends).map(([name, { authorize }]) => [name, authorize]),
  )
  const live = joinLive({ data, plans, rules, sessions, ...tools })
  try {
    if (Object.keys(plans).length > 0) await live.host.start()
  } catch (error) {
    store.close()
    throw error
  }
  const stopSweeping = every(
    systemClock,
    sweepEveryMs,
    () => sessions.sweep(),
    (error) => log.error({ err: error }, 'expired sessions could not be looked for'),
  )
  return {
    sessions,
    attach: (server) => attachDoor(server, live.gateway),
    async close() {
      stopSweeping()
      await live.host.stop()
      store.close()
    },
  }
}

type Place = Omit<SojournOptions<object>, 'session' | 'backends'>
type Times = Omit<SessionOptions, 'schema' | 'initial'>
type Backends<Data extends object> = Pick<SojournOptions<Data>, 'backends'>

interface LiveParts<Data extends object> {
  readonly data: string
  readonly plans: ReturnType<typeof plansOf>
  readonly rules: ConstructorParameters<typeof Gateway<Visitor<Data>>>[0]['rules']
  readonly sessions: Sessions<Data>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** The joint: the door asks the sessions who comes, and the end of a session reaches the door. */
function joinLive<Data extends object>({
  data,
  plans,
  ...parts
}: LiveParts<Data>): {
  gateway: Gateway<Visitor<Data>>
  host: HostProcess
} {
  const host = new HostProcess({
    data,
    backends: plans,
    clock: parts.clock,
    log: parts.log,
    onWord: (word) => gateway.hear(word),
    onLost: () => gateway.hostLost(),
  })
  const gateway = new Gateway<Visitor<Data>>({ ...parts, host })
  parts.sessions.on('end', ({ id }) => gateway.endSession(id))
  return { gateway, host }
}
