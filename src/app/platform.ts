import type { Server } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import {
  type Clock,
  type Log,
  type Random,
  SojournError,
  systemClock,
  systemRandom,
} from '../base/core/index.ts'
import { Gateway } from '../live/gateway/gateway.ts'
import { type Instances, InstanceTable } from '../live/gateway/instances.ts'
import { Tickets } from '../live/gateway/tickets.ts'
import { openSqlite, type Sqlite } from '../stores/sqlite/index.ts'
import { type Analytics, createAnalytics } from '../web/analytics/index.ts'
import {
  type DataByInitial,
  type DataBySchema,
  openSessions,
  type SessionOptions,
  type Sessions,
  type Visitor,
} from '../web/index.ts'
import { AdminDoor, checkAdminKey, isAdminRequest } from './admin.ts'
import { ConnectionEvents, tellEnds, teller } from './analytics.ts'
import { attachDoor, type ServerDoor } from './attach.ts'
import { every } from './every.ts'
import { followEnds } from './follow.ts'
import { HostProcess } from './host-process.ts'
import { consoleLog } from './log.ts'
import { plansOf, type SojournOptions } from './options.ts'

/** A running Sojourn: web sessions, session backends, and the joint between them. */
export interface Sojourn<Data extends object> {
  readonly sessions: Sessions<Data>
  /**
   * What sessions did.
   *
   * @throws TypeError when it is off, see the option of this name
   */
  readonly analytics: Analytics
  /** Rights to open one connection, for clients that can't bring a cookie. */
  readonly tickets: Pick<Tickets, 'issue'>
  /** What runs, and the means to end it. */
  readonly instances: Instances
  /**
   * Serves `/live/` on a server of node:http or node:https, beside whatever it serves already.
   *
   * @throws RangeError for a server whose `headersTimeout` is off or above Node's default of 60 s
   */
  attach(server: Server | TlsServer): void
  /**
   * Lets nobody new in, ends all instances in good order and closes the stores. Clients are told to
   * come back (1012). What does not end within 5 s is killed, and all is over within 10 s; what was
   * acknowledged is there at the next start. The second call waits for the first.
   */
  close(): Promise<void>
}

/** Expired sessions are looked for this often, so that their connections close in time. */
const sweepEveryMs = 1_000
/** Old events are forgotten in steps this far apart. */
const eventsSweepEveryMs = 60_000

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
  const { data, session, backends = {}, log = consoleLog, ...others } = options
  const { analytics: account, admin, ...place } = others
  const adminKey = admin && checkAdminKey(admin.key)
  const tools = { clock: systemClock, random: systemRandom, log }
  const plans = plansOf(backends, data)
  const store = openSqlite({ data })
  const analytics = account ? openAnalytics(store, account, tools) : undefined
  const sessions = openSessions<Data>({
    ...place,
    ...session,
    ...tools,
    ...(analytics && { events: analytics.sink }),
    store: store.sessions(),
  })
  const rules = Object.fromEntries(
    Object.entries(backends).map(([name, { authorize }]) => [name, authorize]),
  )
  const isBackend = (name: string): boolean => Object.hasOwn(rules, name)
  const tickets = new Tickets({ store: store.tickets(), isBackend, ...tools })
  const trustProxy = place.trustProxy ?? false
  const live = joinLive({ tickets, trustProxy, data, plans, rules, sessions, analytics, ...tools })
  try {
    if (Object.keys(plans).length > 0) await live.host.start()
  } catch (error) {
    store.close()
    throw error
  }
  await sessions.followEnds()
  const stopFollowing = followEnds({ sessions, door: live.gateway, ...tools })
  const stopSweeping = sweepOften({ sessions, tickets, analytics, log })
  const door = new AdminDoor({ key: adminKey, instances: live.instances, ...tools })
  const close = async (): Promise<void> => {
    stopFollowing()
    stopSweeping()
    live.gateway.refuseAll(new SojournError('HOST_STOPPED'))
    await live.host.stop()
    door.close()
    await analytics?.close()
    store.close()
  }
  let closing: Promise<void> | undefined
  return {
    sessions,
    instances: live.instances,
    get analytics() {
      if (!analytics) throw new TypeError('analytics is off, see sojourn({ analytics: true })')
      return analytics
    },
    tickets,
    attach: (server) => attachDoor(server, withAdmin(live.gateway, door)),
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

/** The door of the visitors, and beside it that of the operators. */
function withAdmin(visitors: ServerDoor, operators: Pick<AdminDoor, 'request'>): ServerDoor {
  return {
    upgrade: (...upgrade) => visitors.upgrade(...upgrade),
    request: async (request, response) => {
      if (isAdminRequest(request)) operators.request(request, response)
      else await visitors.request(request, response)
    },
  }
}

function openAnalytics(
  store: Sqlite,
  account: true | { readonly retentionMs?: number },
  tools: { readonly clock: Clock; readonly random: Random; readonly log: Log },
): Analytics {
  return createAnalytics({ ...(account === true ? {} : account), ...tools, store: store.events() })
}

function sweepOften({
  sessions,
  tickets,
  analytics,
  log,
}: {
  readonly sessions: Pick<Sessions, 'sweep'>
  readonly tickets: Tickets
  readonly analytics: Analytics | undefined
  readonly log: Log
}): () => void {
  const stops = [
    every(
      systemClock,
      sweepEveryMs,
      () => sessions.sweep(),
      (error) => log.error({ err: error }, 'expired sessions could not be looked for'),
    ),
    every(
      systemClock,
      sweepEveryMs,
      () => tickets.sweep(),
      (error) => log.error({ err: error }, 'old tickets could not be forgotten'),
    ),
    every(
      systemClock,
      eventsSweepEveryMs,
      () => analytics?.sweep(),
      (error) => log.error({ err: error }, 'old events could not be forgotten'),
    ),
  ]
  return () => {
    for (const stop of stops) stop()
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
  readonly tickets: Tickets
  readonly trustProxy: boolean
  readonly analytics: Analytics | undefined
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** The joint: the door asks the sessions who comes, and the end of a session reaches the door. */
function joinLive<Data extends object>({
  data,
  plans,
  analytics,
  ...parts
}: LiveParts<Data>): {
  gateway: Gateway<Visitor<Data>>
  host: HostProcess
  instances: Instances
} {
  const host = new HostProcess({
    data,
    backends: plans,
    clock: parts.clock,
    log: parts.log,
    onWord: (word) => {
      if (word.type !== 'active') connections?.hear(word.type, word.connection)
      gateway.hear(word)
    },
    onStatus: (change) => instances.take(change),
    onLost: () => {
      connections?.hostLost()
      gateway.hostLost()
      instances.hostLost()
    },
  })
  const tell = analytics && teller(analytics, parts.clock)
  const connections = tell && new ConnectionEvents(tell)
  const commands = new Set(Object.keys(plans).filter((name) => plans[name]?.kind === 'command'))
  const gateway = new Gateway<Visitor<Data>>({
    ...parts,
    commands,
    host: connections?.upon(host) ?? host,
  })
  const instances = new InstanceTable({
    ...parts,
    isBackend: (name) => Object.hasOwn(plans, name),
    connections: () => gateway.connectionsByInstance(),
    ask: (what, name) => host.ask(what, name),
  })
  parts.sessions.on('end', ({ id }) => gateway.endSession(id))
  if (tell) parts.sessions.on('end', tellEnds(tell))
  return { gateway, host, instances }
}
