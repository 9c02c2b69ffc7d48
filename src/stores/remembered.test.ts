/** What one process remembers of sessions while others change them: two nodes on each database. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countedStore } from '../../test/fakes/counted-store.ts'
import { type PostgresServer, startPostgres } from '../../test/fakes/postgres-server.ts'
import { RedisServer } from '../../test/fakes/redis-server.ts'
import { Browser, type Data, initial } from '../../test/fakes/sessions.ts'
import { openSessions, type Session } from '../web/index.ts'
import type { SessionStore } from '../web/session/index.ts'
import { openPostgres } from './postgres/index.ts'
import { openSqlite } from './sqlite/index.ts'
import { openValkey } from './valkey/index.ts'

interface Node {
  sessions(): SessionStore
  close(): unknown
}

/** A change by others is seen this late at most. */
const staleMs = 1_000
const folder = mkdtempSync(join(tmpdir(), 'sojourn-remembered-'))
let redis: RedisServer
let database: PostgresServer

beforeAll(async () => {
  redis = await RedisServer.start()
  database = await startPostgres()
})
afterAll(async () => {
  await redis?.stop()
  await database?.stop()
  rmSync(folder, { recursive: true })
})

const stores: Readonly<Record<string, () => Node | Promise<Node>>> = {
  sqlite: () => openSqlite({ data: folder }),
  postgres: () => openPostgres({ url: database.url }),
  valkey: () => openValkey({ url: redis.url }),
}

function nodeOf({ sessions: open }: Node) {
  const calls: string[] = []
  const real = open()
  const { store } = countedStore(real, {
    delayMs: real.answersAtOnce ? undefined : 0,
    note: (name) => calls.push(name),
  })
  const sessions = openSessions<Data>({ store, initial, development: { port: 3000 } })
  return { calls, sessions, browser: new Browser(sessions) }
}

/** As somebody does who has had enough of all sessions. */
const empty: Readonly<Record<string, () => Promise<unknown>>> = {
  async sqlite() {
    const db = new DatabaseSync(join(folder, 'sessions.db'))
    db.exec('DELETE FROM sessions; DELETE FROM tokens')
    db.close()
  },
  async postgres() {
    const sql = postgres(database.url)
    await sql.unsafe('TRUNCATE sojourn.sessions, sojourn.tokens')
    await sql.end()
  },
  async valkey() {
    const client = new Redis(redis.url)
    await client.flushall()
    client.disconnect()
  },
}

const read = ({ data, user }: Session<Data>) => ({ count: data.count, user: user?.id })

describe.each(Object.entries(stores))('%s', (name, open) => {
  let nodes: Node[] = []
  beforeAll(async () => {
    nodes = [await open(), await open()]
  })
  afterAll(async () => {
    for (const node of nodes) await node.close()
  })

  /** A visitor of one node, who is remembered there, and the same one at the other node. */
  async function visitor() {
    const [here, there] = nodes.map(nodeOf) as [
      ReturnType<typeof nodeOf>,
      ReturnType<typeof nodeOf>,
    ]
    await here.browser.send((session) => session.login('ada'))
    there.browser.cookie = here.browser.cookie
    for (let tries = 0; tries < 100; tries++) {
      here.calls.length = 0
      await here.browser.send(read)
      if (here.calls.length === 0) return { here, there }
      await sleep(50)
    }
    throw new Error(`${name} never got to know what is current`)
  }

  it('makes no call for a session that it knows', async () => {
    const { here } = await visitor()
    for (let times = 0; times < 30; times++)
      expect(await here.browser.send(read)).toEqual({ count: 0, user: 'ada' })
    expect(here.calls).toEqual([])
  })

  it('makes one call for a session that it does not know, and one for a write', async () => {
    const { here, there } = await visitor()
    const stranger = nodeOf(nodes[1] as Node)
    stranger.browser.cookie = here.browser.cookie
    await stranger.browser.send(read)
    expect(stranger.calls).toEqual(['read'])
    here.calls.length = 0
    await here.browser.send(({ data }) => {
      data.count = 1
    })
    expect(here.calls).toEqual(['commit'])
    await there.browser.send(({ data }) => {
      data.count = 2
    })
    expect(there.calls).toEqual(['read', 'commit'])
  })

  it('sees at once what it wrote itself', async () => {
    const { here } = await visitor()
    for (let count = 1; count <= 20; count++) {
      await here.browser.send(({ data }) => {
        data.count = count
      })
      expect(await here.browser.send(read)).toMatchObject({ count })
    }
    await here.browser.send((session) => session.logout())
    expect(await here.browser.send(read)).toEqual({ count: 0, user: undefined })
  })

  it.each<[string, (session: Session<Data>) => unknown, object]>([
    ['a write', ({ data }) => Object.assign(data, { count: 7 }), { count: 7, user: 'ada' }],
    ['a logout', (session) => session.logout(), { count: 0, user: undefined }],
    ['a login', (session) => session.login('bob'), { count: 0, user: undefined }],
  ])('sees %s at another node within a second', async (_, change, expected) => {
    const { here, there } = await visitor()
    await there.browser.send(change)
    await sleep(staleMs)
    expect(await here.browser.copy().send(read)).toEqual(expected)
  })

  it('sees a revocation by another node within a second', async () => {
    const { here, there } = await visitor()
    expect(await there.sessions.revokeUser('ada')).toBeGreaterThan(0)
    await sleep(staleMs)
    expect(await here.browser.send(read)).toEqual({ count: 0, user: undefined })
  })

  it('sees that the database was emptied', async () => {
    const { here } = await visitor()
    const { sessions: _, browser } = nodeOf(nodes[1] as Node)
    await browser.send((session) => session.login('bob'))
    await empty[name]?.()
    await sleep(staleMs + 500)
    expect(await here.browser.send(read)).toEqual({ count: 0, user: undefined })
  })

  it('does not outlive the grace of a token that another node rotated', async () => {
    const { here, there } = await visitor()
    await there.browser.send((session) => session.rotate())
    await sleep(staleMs)
    const old = here.browser.copy()
    here.calls.length = 0
    for (let times = 0; times < 3; times++) await old.send(read)
    // Accepted for a while: asked for each time.
    expect(here.calls).toEqual(['read', 'read', 'read'])
  })
})

describe('a Valkey where one of the nodes may not publish', () => {
  it('is remembered by nobody, as long as something was changed in silence', async () => {
    const admin = new Redis(redis.url)
    await admin.call('ACL', 'SETUSER', 'mute', 'on', '>secret', '~*', '+@all', 'resetchannels')
    const url = new URL(redis.url)
    url.username = 'mute'
    url.password = 'secret'
    const [open, mute] = [await openValkey({ url: redis.url }), await openValkey({ url: url.href })]
    const [here, there] = [nodeOf(open), nodeOf(mute)]
    try {
      await here.browser.send((session) => session.login('ada'))
      await expect
        .poll(async () => {
          here.calls.length = 0
          await here.browser.send(read)
          return here.calls
        })
        .toEqual([])
      there.browser.cookie = here.browser.cookie
      await there.browser.send((session) => session.logout())
      await sleep(staleMs)
      expect(await here.browser.send(read)).toEqual({ count: 0, user: undefined })
    } finally {
      for (const node of [open, mute]) await node.close()
      await admin.call('ACL', 'DELUSER', 'mute')
      await admin.del('{sojourn}:silent')
      admin.disconnect()
    }
  })
})

it('nothing is asked for by a Valkey that is closed', async () => {
  const valkey = await openValkey({ url: redis.url })
  const watch = valkey.sessions().watch(() => {})
  await valkey.close()
  expect(watch.isCurrent()).toBe(false)
})
