/** `sojourn/stores/valkey`: sessions in Valkey or Redis, shared by all processes of a server. */
import type { Cluster, Redis, RedisOptions } from 'ioredis'
import { type Clock, SojournError, systemClock } from '../../base/core/index.ts'
import type { SessionStore } from '../../web/session/index.ts'
import { Changes } from './changes.ts'
import { checkClient, connect, type Runner, runnerOn, within } from './client.ts'
import { scripts } from './scripts.ts'
import { ValkeySessions } from './sessions.ts'

interface CommonOptions {
  /**
   * What all keys start with. It holds a hash tag, so that all of them lie in one slot of a
   * Cluster: that is what makes each method one step. So all sessions of a prefix live on one of
   * its nodes and their number is bounded by that node's memory: from a Cluster they get the
   * fail-over, not the capacity. While that very slot moves to another node, calls may fail with
   * `STORE_UNAVAILABLE` half done; move it when nobody is there. Nor is what was read remembered:
   * a Cluster moves its subscribers without telling what got lost. Default `{sojourn}`.
   */
  readonly prefix?: string
  /** Decides which sessions have expired. Default: the machine's. */
  readonly clock?: Clock
  /** A call without an answer for so long fails with `STORE_UNAVAILABLE`. Default 2,000. */
  readonly commandTimeoutMs?: number
}

/** Where the server is: an address, the options of ioredis, or a client that is there already. */
export type ValkeyOptions = CommonOptions &
  (
    | {
        /** `redis://` or `rediss://`. */
        readonly url: string
        /** Of ioredis, beside the address; `maxRetriesPerRequest` is always 0. */
        readonly options?: RedisOptions
        readonly client?: never
      }
    | {
        /** Of ioredis: host and port, a path, or `sentinels` and `name`. */
        readonly options: RedisOptions
        readonly url?: never
        readonly client?: never
      }
    | {
        /**
         * Made with `maxRetriesPerRequest: 0`, or, when it is a `Cluster`, with
         * `retryDelayOnFailover: 0`: otherwise ioredis sends a command again whose answer got
         * lost, and a write would be carried out twice.
         */
        readonly client: Redis | Cluster
        readonly url?: never
        readonly options?: never
      }
  )

/**
 * The server needs Redis 6.2 or any Valkey, and `maxmemory-policy noeviction`: with another policy
 * it drops sessions when it is full, which then look expired. What survives its crash is up to its
 * own settings (`appendonly`); what was acknowledged just before a fail-over may be lost, since
 * replicas follow behind.
 */
export interface Valkey {
  /**
   * Expired sessions end when they are swept. Where nobody sweeps, the server forgets them an hour
   * after their absolute limit, without an end in the feed.
   */
  sessions(): SessionStore
  /** Every later call fails with `STORE_UNAVAILABLE`. A client that was handed in stays open. */
  close(): Promise<void>
}

/**
 * Connects in the background, and again whenever the connection is lost; meanwhile calls fail with
 * `STORE_UNAVAILABLE`.
 *
 * @throws TypeError when ioredis is not installed, or the client sends commands twice
 * @throws RangeError when the prefix has no hash tag, or the time-out is no number above 0
 */
export async function openValkey({
  prefix = '{sojourn}',
  clock = systemClock,
  commandTimeoutMs = 2_000,
  ...where
}: ValkeyOptions): Promise<Valkey> {
  if (!/^[^{]*\{[^}]+\}/.test(prefix))
    throw new RangeError(`prefix must hold a hash tag such as {sojourn}, not ${prefix}`)
  if (!(commandTimeoutMs > 0))
    throw new RangeError(`commandTimeoutMs must be above 0, not ${commandTimeoutMs}`)
  if (where.client) checkClient(where.client)
  const own = where.client
    ? undefined
    : await connect(where.url, where.options ?? {}, commandTimeoutMs)
  const client = where.client ?? own
  if (!client) throw new TypeError('openValkey() needs url, options or client')
  let isClosed = false
  const runner = runnerOn(client, prefix, commandTimeoutMs)
  const open: Runner = {
    run(script, ...values) {
      if (!isClosed) return runner.run(script, ...values)
      return Promise.reject(new SojournError('STORE_UNAVAILABLE', 'The store is closed.'))
    },
  }
  const changes = new Changes(client, prefix, systemClock, (text) =>
    open.run(scripts.beat, systemClock.nowMs(), text),
  )
  const sessions = new ValkeySessions(open, clock, changes)
  return {
    sessions: () => sessions,
    async close() {
      isClosed = true
      changes.close()
      if (own) await end(own, commandTimeoutMs)
    },
  }
}

/** Lets what was sent be answered, if there is anybody who answers. */
async function end(client: Redis, timeoutMs: number): Promise<void> {
  try {
    if (client.status === 'ready') await within(timeoutMs, client.quit())
  } catch {
    // It is gone, which is what was wanted.
  } finally {
    client.disconnect()
  }
}
