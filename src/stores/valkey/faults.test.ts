/** What the store says when its server is killed, frozen, full, read-only or forgetful. */
import { type AddressInfo, createServer, type Server, type Socket, connect as tcp } from 'node:net'
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RedisServer, startCluster } from '../../../test/fakes/redis-server.ts'
import { virtualClock } from '../../testing/index.ts'
import { recordAt, timesOf, tombstone } from '../../testing/session-store-fixtures.ts'
import type { SessionStore } from '../../web/session/index.ts'
import { openValkey } from './index.ts'

const clock = virtualClock()
/** Servers that agree among themselves take their time. */
const slow = { timeout: 60_000 }
const unavailable = { code: 'STORE_UNAVAILABLE', cause: expect.any(Error) }
let server: RedisServer
let admin: Redis
const closing: (() => Promise<void> | void)[] = []

beforeEach(async () => {
  server = await RedisServer.start()
  admin = new Redis(server.url)
  admin.on('error', () => {})
})
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
  admin.disconnect()
  await server.stop()
})

async function open(options: RedisOptions = {}, commandTimeoutMs = 2_000): Promise<SessionStore> {
  const valkey = await openValkey({ url: server.url, options, clock, commandTimeoutMs })
  closing.push(() => valkey.close())
  return valkey.sessions()
}

const commit = (store: SessionStore, version: number): Promise<string> =>
  Promise.resolve(store.commit('s_1', version, Uint8Array.of(version), timesOf(clock)))

/** Until it answers again: the client comes back in its own time. */
async function works(store: SessionStore): Promise<void> {
  await expect.poll(() => settled(store), { timeout: 40_000 }).toBe('answered')
}
async function settled(store: SessionStore): Promise<string> {
  try {
    await store.read('h1')
    return 'answered'
  } catch (error) {
    expect(error).toMatchObject(unavailable)
    return 'unavailable'
  }
}

describe('the store in Valkey', () => {
  it('says STORE_UNAVAILABLE while the server is dead, and works again with the next', async () => {
    const store = await open()
    await store.create(recordAt(clock), 'h1')
    await server.signal('SIGSTOP')
    const inFlight = [commit(store, 1), store.read('h1'), store.ends(0, 10)]
    const seen = Promise.allSettled(inFlight)
    await server.signal('SIGKILL')
    for (const one of await seen)
      expect(one).toMatchObject({ status: 'rejected', reason: unavailable })
    await expect(store.read('h1')).rejects.toMatchObject(unavailable)
    await expect(store.create(recordAt(clock), 'h1')).rejects.toMatchObject(unavailable)
    await server.restart()
    await works(store)
    await store.create(recordAt(clock), 'h1')
    expect(await commit(store, 1)).toBe('committed')
  })

  it('says STORE_UNAVAILABLE when no server was ever there, and works once it is', async () => {
    await server.signal('SIGKILL')
    const store = await open()
    await expect(store.read('h1')).rejects.toMatchObject(unavailable)
    await server.restart()
    await works(store)
  })

  it('gives up on a server that froze, and works again when it thaws', async () => {
    const store = await open({}, 200)
    await store.create(recordAt(clock), 'h1')
    await server.signal('SIGSTOP')
    await expect(store.read('h1')).rejects.toMatchObject(unavailable)
    await expect(commit(store, 1)).rejects.toMatchObject(unavailable)
    await server.signal('SIGCONT')
    await works(store)
    expect(await store.read('h1')).toMatchObject({ kind: 'live' })
  })

  it('gives up on a server that froze also through a client that would wait for ever', async () => {
    const client = new Redis(server.url, { maxRetriesPerRequest: 0 })
    closing.push(() => client.disconnect())
    const valkey = await openValkey({ client, clock, commandTimeoutMs: 100 })
    await valkey.sessions().create(recordAt(clock), 'h1')
    await server.signal('SIGSTOP')
    await expect(valkey.sessions().read('h1')).rejects.toMatchObject({
      ...unavailable,
      cause: { message: 'No answer within 100 ms' },
    })
    await server.signal('SIGCONT')
    await works(valkey.sessions())
  })

  it('hands its scripts over again when the server forgot them', async () => {
    const store = await open()
    await store.create(recordAt(clock), 'h1')
    expect(await commit(store, 1)).toBe('committed')
    await admin.script('FLUSH')
    expect(await commit(store, 2)).toBe('committed')
    expect(await store.read('h1')).toMatchObject({ kind: 'live', record: { version: 3 } })
  })

  it('refuses writes on a replica, still reads, and writes once it is promoted', async () => {
    const store = await open()
    await store.create(recordAt(clock), 'h1')
    await admin.replicaof('127.0.0.1', 1)
    const refused = { ...unavailable, cause: { message: expect.stringMatching('READONLY') } }
    await expect(commit(store, 1)).rejects.toMatchObject(refused)
    await admin.replicaof('NO', 'ONE')
    await works(store)
    expect(await commit(store, 1)).toBe('committed')
  })

  it('stores nothing by halves in a server that is full, and still logs out', async () => {
    const store = await open()
    await store.create(recordAt(clock), 'h1')
    const size = await admin.dbsize()
    await admin.config('SET', 'maxmemory', '1')
    const refused = { ...unavailable, cause: { message: expect.stringMatching('OOM') } }
    const next = recordAt(clock, { id: 's_2' })
    await expect(store.create(next, 'h2')).rejects.toMatchObject(refused)
    await expect(commit(store, 1)).rejects.toMatchObject(refused)
    expect(await admin.dbsize()).toBe(size)
    expect(await store.read('h1')).toMatchObject({ kind: 'live', record: { version: 1 } })
    expect(await store.destroy('s_1', tombstone(clock))).toEqual(['s_1'])
    await admin.config('SET', 'maxmemory', '0')
    expect(await store.read('h1')).toEqual({ kind: 'ended', reason: 'logout' })
    expect(await store.create(next, 'h2')).toEqual([])
  })

  it('follows a Sentinel to the replica that takes over', slow, async () => {
    // By default a master waits five seconds for more replicas before it sends the first copy.
    await admin.config('SET', 'repl-diskless-sync-delay', '0')
    const replica = await RedisServer.start('--replicaof', '127.0.0.1', String(server.port))
    closing.push(() => replica.stop())
    const sentinel = await RedisServer.sentinel('sojourn', server)
    closing.push(() => sentinel.stop())
    const sentinels = [{ host: '127.0.0.1', port: sentinel.port }]
    const valkey = await openValkey({ options: { sentinels, name: 'sojourn' }, clock })
    closing.push(() => valkey.close())
    const store = valkey.sessions()
    await store.create(recordAt(clock), 'h1')
    expect(await admin.wait(1, 20_000)).toBe(1)
    await server.signal('SIGKILL')
    await expect(commit(store, 1)).rejects.toMatchObject(unavailable)
    await works(store)
    expect(await commit(store, 1)).toBe('committed')
    expect(await store.read('h1')).toMatchObject({ kind: 'live', record: { version: 2 } })
  })

  it(
    'says STORE_UNAVAILABLE while its node of a Cluster is dead, and works again',
    slow,
    async () => {
      const nodes = await startCluster(3)
      closing.push(...nodes.map((node) => () => node.stop()))
      const client = new Cluster(
        nodes.map(({ port }) => ({ host: '127.0.0.1', port })),
        { retryDelayOnFailover: 0 },
      )
      client.on('error', () => {})
      closing.push(() => client.disconnect())
      const valkey = await openValkey({ client, clock })
      await valkey.sessions().create(recordAt(clock), 'h1')
      const home = await Promise.all(nodes.map(isHome))
      const node = nodes[home.indexOf(true)] as RedisServer
      await node.signal('SIGKILL')
      await expect(commit(valkey.sessions(), 1)).rejects.toMatchObject(unavailable)
      await node.restart()
      await works(valkey.sessions())
      await valkey.sessions().create(recordAt(clock), 'h1')
      expect(await commit(valkey.sessions(), 1)).toBe('committed')
    },
  )

  it('carries a write out once when its answer gets lost with the connection', async () => {
    const proxy = await lossyProxy(server.port)
    closing.push(() => proxy.close())
    const port = (proxy.server.address() as AddressInfo).port
    const valkey = await openValkey({ url: `redis://127.0.0.1:${port}`, clock })
    closing.push(() => valkey.close())
    const store = valkey.sessions()
    await store.create(recordAt(clock), 'h1')
    expect(await commit(store, 1)).toBe('committed')
    proxy.loseNextAnswer()
    await expect(commit(store, 2)).rejects.toMatchObject(unavailable)
    await works(store)
    expect(await store.read('h1')).toMatchObject({ kind: 'live', record: { version: 3 } })
  })
})

async function isHome(node: RedisServer): Promise<boolean> {
  const client = new Redis(node.url)
  const size = await client.dbsize()
  client.disconnect()
  return size > 0
}

interface LossyProxy {
  readonly server: Server
  /** The server hears the next command; the client only the end of the connection. */
  loseNextAnswer(): void
  close(): void
}

async function lossyProxy(port: number): Promise<LossyProxy> {
  const sockets = new Set<Socket>()
  let isLosing = false
  const server = createServer((client) => {
    const upstream = tcp(port, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    client.pipe(upstream)
    upstream.on('data', (chunk) => {
      if (!isLosing) return client.write(chunk)
      isLosing = false
      return client.destroy()
    })
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    server,
    loseNextAnswer: () => {
      isLosing = true
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
