import { Cluster, Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { RedisServer, startCluster } from '../../../test/fakes/redis-server.ts'
import { describeSessionStore, type VirtualClock, virtualClock } from '../../testing/index.ts'
import { recordAt, sessionOf, timesOf, tombstone } from '../../testing/session-store-fixtures.ts'
import { openValkey, type Valkey } from './index.ts'

let server: RedisServer
let admin: Redis
beforeAll(async () => {
  server = await RedisServer.start()
  admin = new Redis(server.url)
})
afterAll(async () => {
  admin?.disconnect()
  await server?.stop()
})

let count = 0
const freshPrefix = (): string => `test-${count++}:{sojourn}`

const opened: Valkey[] = []
afterEach(async () => {
  for (const valkey of opened.splice(0)) await valkey.close()
})
async function open(clock: VirtualClock, prefix = freshPrefix()): Promise<Valkey> {
  const valkey = await openValkey({ url: server.url, prefix, clock })
  opened.push(valkey)
  return valkey
}

describeSessionStore(
  'valkey',
  async (clock) => {
    const valkey = await openValkey({ url: server.url, prefix: freshPrefix(), clock })
    return { store: valkey.sessions(), close: () => valkey.close() }
  },
  { describe, it },
)

describe('the keys in the server', () => {
  it('lets one of two processes commit upon a version, always', async () => {
    const clock = virtualClock()
    const prefix = freshPrefix()
    const [one, other] = [await open(clock, prefix), await open(clock, prefix)]
    await one.sessions().create(recordAt(clock), 'h1')
    for (let version = 1; version <= 200; version++) {
      const outcomes = await Promise.all(
        [one, other].map((valkey, index) =>
          valkey.sessions().commit('s_1', version, Uint8Array.of(index), timesOf(clock)),
        ),
      )
      expect(outcomes.sort()).toEqual(['committed', 'conflict'])
    }
    expect(await other.sessions().readById('s_1')).toMatchObject({ version: 201 })
  })

  it('holds any bytes', async () => {
    const clock = virtualClock()
    const store = (await open(clock)).sessions()
    const bytes = Uint8Array.from({ length: 65_536 }, (_, index) => (index * 31) >> 3)
    // A view into a larger buffer, as an encoder hands it over.
    const view = new Uint8Array(bytes.buffer, 1, 50_000)
    await store.create(recordAt(clock, { bytes: view }), 'h1')
    expect(Buffer.compare((await store.readById('s_1'))?.bytes ?? bytes, view)).toBe(0)
    await store.commit('s_1', 1, bytes, timesOf(clock))
    expect(Buffer.compare((await store.readById('s_1'))?.bytes ?? view, bytes)).toBe(0)
  })

  it('are forgotten by the engine long after their time, whatever the clock says', async () => {
    for (const startMs of [0, Date.UTC(2030, 0)]) {
      const clock = virtualClock(startMs)
      const prefix = freshPrefix()
      const store = (await open(clock, prefix)).sessions()
      await store.create(sessionOf(clock, 'ada', 's_1'), 'h1')
      await store.create({ ...sessionOf(clock, 'ada', 's_2'), parentId: 's_1' }, 'h2')
      await store.rotate('s_1', 'h1', 'h3', { graceUntilMs: startMs + 50, untilMs: startMs + 300 })
      await store.putCode('c1', Uint8Array.of(1), startMs + 100)
      await store.create(recordAt(clock, { id: 's_4' }), 'h4')
      await store.destroy('s_4', tombstone(clock))
      const lasting = ['due', 'ids', 'ends', 'position']
      const keys = await admin.keys(`${prefix}:*`)
      expect(keys).toHaveLength(15)
      for (const key of keys) {
        const ttl = await admin.pttl(key)
        if (lasting.includes(key.slice(prefix.length + 1))) expect(ttl).toBe(-1)
        else expect(Math.round(ttl / 60e3)).toBe(60)
      }
    }
  })

  it('of a user stay as long as the longest of their sessions', async () => {
    const clock = virtualClock()
    const prefix = freshPrefix()
    const store = (await open(clock, prefix)).sessions()
    const long = { endsAtMs: clock.nowMs() + 36e6 }
    await store.create({ ...sessionOf(clock, 'ada', 's_1'), ...long }, 'h1')
    await store.create(sessionOf(clock, 'ada', 's_2'), 'h2')
    expect(await admin.pttl(`${prefix}:user:=ada`)).toBeGreaterThan(36e6)
  })

  it('are gone when all has ended and its tombstones are forgotten', async () => {
    const clock = virtualClock()
    const prefix = freshPrefix()
    const store = (await open(clock, prefix)).sessions()
    await store.create(sessionOf(clock, 'ada', 's_1'), 'h1')
    await store.create({ ...sessionOf(clock, 'ada', 's_2'), parentId: 's_1' }, 'h2')
    await store.destroy('s_1', tombstone(clock))
    const tokens = ['token:h1', 'token:h2']
    const rest = [...tokens, 'ends', 'position'].map((name) => `${prefix}:${name}`)
    expect((await admin.keys(`${prefix}:*`)).sort()).toEqual(rest.sort())
  })

  it('stay when a session would replace what it is handed over from', async () => {
    const clock = virtualClock()
    const store = (await open(clock)).sessions()
    await store.create(recordAt(clock), 'h1')
    await store.create(recordAt(clock, { id: 's_2', parentId: 's_1' }), 'h2')
    const orphan = recordAt(clock, { id: 's_3', parentId: 's_2' })
    const replacing = store.replace('s_1', 1, orphan, 'h3', tombstone(clock))
    await expect(replacing).rejects.toThrow('not live')
    expect(await store.ends(0, 10)).toEqual([])
    expect(await store.read('h2')).toMatchObject({ kind: 'live' })
  })

  it('end and leave their user also when the engine forgot them first', async () => {
    const clock = virtualClock()
    const prefix = freshPrefix()
    const store = (await open(clock, prefix)).sessions()
    await store.create(sessionOf(clock, 'ada', 's_1'), 'h1')
    await store.create(sessionOf(clock, 'ada', 's_2'), 'h2')
    await admin.del(`${prefix}:session:s_1`, `${prefix}:token:h1`)
    expect(await store.listByUser('ada')).toMatchObject([{ id: 's_2' }])
    expect(await admin.zcard(`${prefix}:user:=ada`)).toBe(1)
    clock.advance(1_000)
    const swept = await store.sweep(clock.nowMs(), 10, clock.nowMs() + 100)
    expect([...swept].sort()).toEqual(['s_1', 's_2'])
    expect(await store.read('h1')).toEqual({ kind: 'ended', reason: 'expired' })
  })

  it('are stepped over by a scan, however many are past their times', async () => {
    const clock = virtualClock()
    const store = (await open(clock)).sessions()
    const ids = Array.from({ length: 2_500 }, (_, n) => `s_${10_000 + n}`)
    await Promise.all(ids.map((id) => store.create(recordAt(clock, { id }), `h_${id}`)))
    clock.advance(1_000)
    for (const id of ['s_9', 's_91', 's_92']) await store.create(recordAt(clock, { id }), `h_${id}`)
    expect(await store.scan(undefined, 2)).toMatchObject([{ id: 's_9' }, { id: 's_91' }])
    expect(await store.scan('s_91', 2)).toMatchObject([{ id: 's_92' }])
  })
})

describe('the feed of ends', () => {
  const endOne = async (valkey: Valkey, clock: VirtualClock, id: string): Promise<void> => {
    await valkey.sessions().create(recordAt(clock, { id }), `h_${id}`)
    await valkey.sessions().destroy(id, tombstone(clock))
  }

  it('goes on above what it said before when the server forgot everything', async () => {
    const clock = virtualClock()
    const prefix = freshPrefix()
    const valkey = await open(clock, prefix)
    await endOne(valkey, clock, 's_1')
    await endOne(valkey, clock, 's_2')
    const [, last] = await valkey.sessions().ends(0, 10)
    await admin.del(await admin.keys(`${prefix}:*`))
    clock.advance(1)
    await endOne(valkey, clock, 's_3')
    const [next] = await valkey.sessions().ends(last?.position ?? 0, 10)
    expect(next).toMatchObject({ id: 's_3', reason: 'logout' })
  })

  it('keeps an hour, and forgets at most so many at once', async () => {
    const clock = virtualClock()
    const valkey = await open(clock)
    const store = valkey.sessions()
    for (const id of ['s_1', 's_2', 's_3']) await endOne(valkey, clock, id)
    clock.advance(3600e3 - 1)
    await endOne(valkey, clock, 's_4')
    const sweep = () => store.sweep(clock.nowMs(), 2, clock.nowMs())
    await sweep()
    expect(await store.ends(0, 10)).toHaveLength(4)
    clock.advance(1)
    await sweep()
    expect(await store.ends(0, 10)).toMatchObject([{ id: 's_3' }, { id: 's_4' }])
    await sweep()
    expect(await store.ends(0, 10)).toMatchObject([{ id: 's_4' }])
  })
})

describe('opening', () => {
  it('leaves a client open that was handed in', async () => {
    const client = new Redis(server.url, { maxRetriesPerRequest: 0 })
    const valkey = await openValkey({ client, prefix: freshPrefix() })
    expect(await valkey.sessions().read('h1')).toBeUndefined()
    await valkey.close()
    await expect(valkey.sessions().read('h1')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(await client.ping()).toBe('PONG')
    client.disconnect()
  })

  it('refuses a client that sends commands twice, a prefix without a tag, and no time', async () => {
    const redis = new Redis(server.url)
    await expect(openValkey({ client: redis })).rejects.toThrow('maxRetriesPerRequest: 0, not 20')
    redis.disconnect()
    const cluster = new Cluster([{ port: server.port }], { lazyConnect: true })
    await expect(openValkey({ client: cluster })).rejects.toThrow(
      'retryDelayOnFailover: 0, not 100',
    )
    const { url } = server
    for (const prefix of ['sojourn', '{}', 'a}{b'])
      await expect(openValkey({ url, prefix })).rejects.toThrow(RangeError)
    for (const commandTimeoutMs of [0, -1, Number.NaN])
      await expect(openValkey({ url, commandTimeoutMs })).rejects.toThrow(RangeError)
  })
})

describe('a Cluster of three', () => {
  let nodes: RedisServer[] = []
  beforeAll(async () => {
    nodes = await startCluster(3)
  })
  afterAll(async () => {
    for (const node of nodes) await node.stop()
  })
  const connect = (): Cluster =>
    new Cluster(
      nodes.map(({ port }) => ({ host: '127.0.0.1', port })),
      { retryDelayOnFailover: 0, clusterRetryStrategy: () => 50 },
    )

  describeSessionStore(
    'valkey, Cluster',
    async (clock) => {
      const client = connect()
      const valkey = await openValkey({ client, prefix: freshPrefix(), clock })
      return {
        store: valkey.sessions(),
        async close() {
          await valkey.close()
          client.disconnect()
        },
      }
    },
    { describe, it },
  )

  it('has prefixes on different nodes', async () => {
    const client = connect()
    for (let n = 0; n < 20; n++) {
      const valkey = await openValkey({ client, prefix: `{sojourn-${n}}` })
      const clock = virtualClock(Date.now())
      await valkey.sessions().create(recordAt(clock), 'h1')
    }
    const sizes = await Promise.all(client.nodes('master').map((node) => node.dbsize()))
    expect(Math.min(...sizes)).toBeGreaterThan(0)
    client.disconnect()
  })
})
