import type { Cluster, Redis, RedisOptions } from 'ioredis'
import { SojournError, systemClock } from '../../base/core/index.ts'
import type { Script } from './scripts.ts'

/** What a script takes and gives: all text, but for the data of sessions. */
export type Argument = string | number | Uint8Array
export type Reply = Buffer | number | null | readonly Reply[]

/** Runs scripts on one connection, under one prefix. */
export interface Runner {
  /** @throws SojournError `STORE_UNAVAILABLE` with the cause, for whatever goes wrong */
  run(script: Script, ...values: readonly Argument[]): Promise<Reply>
}

/** How the store's own connection behaves, unless the options say otherwise. */
const defaults: RedisOptions = {
  retryStrategy: (times) => Math.min(times * 50, 1_000),
  // Behind an address that moves to another server, this one has become a replica.
  reconnectOnError: (error) => error.message.startsWith('READONLY'),
}

export async function connect(
  url: string | undefined,
  options: RedisOptions,
  commandTimeoutMs: number,
): Promise<Redis> {
  const Client = await load()
  const all = {
    ...defaults,
    connectTimeout: commandTimeoutMs,
    // The connection to a server that froze is given up, with the commands that it holds.
    socketTimeout: 2 * commandTimeoutMs,
    ...options,
    maxRetriesPerRequest: 0,
    replyMapping: 'legacy',
  } as const
  const client = url === undefined ? new Client(all) : new Client(url, all)
  // Each call says what is wrong; without a listener it would be printed besides.
  client.on('error', () => {})
  return client
}

async function load(): Promise<typeof Redis> {
  try {
    return (await import('ioredis')).Redis
  } catch (cause) {
    throw new TypeError('openValkey() needs ioredis: run `npm install ioredis@6`', { cause })
  }
}

/**
 * A command that was carried out, but whose answer got lost with the connection, must not be sent
 * again: a commit would find its own version and call it a conflict. With 0 retries ioredis fails
 * it at once; with `autoResendUnfulfilledCommands: false` alone it would never settle.
 *
 * @throws TypeError when the client would send it again
 */
export function checkClient(client: Redis | Cluster): void {
  const [name, value] =
    'nodes' in client
      ? ['retryDelayOnFailover', client.options.retryDelayOnFailover]
      : ['maxRetriesPerRequest', client.options.maxRetriesPerRequest]
  if (value === 0) return
  throw new TypeError(
    `The client of openValkey() must be made with ${name}: 0, not ${value}, which sends a command again when the connection is lost`,
  )
}

/** @param commandTimeoutMs after so long a call has failed, and its outcome is unknown */
export function runnerOn(
  client: Redis | Cluster,
  prefix: string,
  commandTimeoutMs: number,
): Runner {
  const send = async ({ lua, sha }: Script, values: (string | Buffer)[]): Promise<Reply> => {
    try {
      return (await client.callBuffer('evalsha', sha, 1, prefix, ...values)) as Reply
    } catch (error) {
      // The server forgets scripts when it restarts.
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      return (await client.callBuffer('eval', lua, 1, prefix, ...values)) as Reply
    }
  }
  return {
    async run(script, ...values) {
      try {
        return await within(commandTimeoutMs, send(script, values.map(wire)))
      } catch (cause) {
        throw new SojournError('STORE_UNAVAILABLE', undefined, { cause })
      }
    },
  }
}

function wire(value: Argument): string | Buffer {
  if (!(value instanceof Uint8Array)) return String(value)
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}

/** A client's own time-out doesn't cover all of its queues. */
export function within<Value>(ms: number, work: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const cancel = systemClock.after(ms, () => reject(new Error(`No answer within ${ms} ms`)))
    work.then(resolve, reject).finally(cancel)
  })
}
