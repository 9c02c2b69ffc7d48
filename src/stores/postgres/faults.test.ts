/** What the store says while its server is away, silent or unwilling, and that it comes back. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../test/fakes/postgres-server.ts'
import type { SessionRecord, SessionStore } from '../../web/session/index.ts'
import { openPostgres, type PostgresOptions } from './index.ts'

let server: PostgresServer
let count = 0
const closing: (() => Promise<unknown>)[] = []
beforeAll(async () => {
  server = await startPostgres()
})
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})
afterAll(() => server.stop())

const session: SessionRecord = {
  id: 's_1',
  version: 1,
  bytes: Uint8Array.of(1),
  user: undefined,
  createdAtMs: 0,
  touchedAtMs: 0,
  expiresAtMs: 9e15,
  endsAtMs: 9e15,
  device: undefined,
  parentId: undefined,
}
const times = { touchedAtMs: 1, expiresAtMs: 1 }
const tombstone = { reason: 'logout', untilMs: 9e15 } as const

/** What a call says that fails because of the server. */
const unavailable = (cause: object = expect.anything()) => ({ code: 'STORE_UNAVAILABLE', cause })

function open(options: Partial<PostgresOptions> = {}): SessionStore {
  const where = options.sql ? {} : { url: server.url }
  const opened = openPostgres({ ...where, schema: `fault_${count++}`, ...options })
  closing.push(() => opened.close())
  return opened.sessions()
}

function instance(options: postgres.Options<Record<string, never>> = {}, url = server.url) {
  const sql = postgres(url, { fetch_types: false, onnotice: () => {}, ...options })
  closing.push(() => sql.end({ timeout: 0 }))
  return sql
}

/** The first answer after the faults. */
async function answerOf<Result>(call: () => PromiseLike<Result> | Result): Promise<Result> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      expect(error).toMatchObject(unavailable())
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

/** Runs `work` while another transaction holds the row of the session. */
async function whileHeld(schema: string, work: () => Promise<void>): Promise<void> {
  await instance().begin(async (transaction) => {
    await transaction.unsafe(`SELECT FROM ${schema}.sessions FOR UPDATE`)
    await work()
  })
}

describe('a server', () => {
  it('that is killed is unavailable until it is back, and has kept what it had', async () => {
    const store = open()
    await store.create(session, 'h1')
    const creating = Array.from({ length: 30 }, async (_, n) =>
      store.create({ ...session, id: `${n}` }, `${n}`),
    )
    const [, created] = await Promise.all([server.kill(), Promise.allSettled(creating)])
    for (const { status, ...call } of created)
      if (status === 'rejected') expect(call).toMatchObject({ reason: unavailable() })
    for (const call of [
      () => store.read('h1'),
      () => store.read('unknown'),
      () => store.readById('s_1'),
      () => store.commit('s_1', 1, Uint8Array.of(2), times),
      () => store.touch('s_1', times),
      () => store.destroy('s_1', tombstone),
      () => store.listByUser('ada'),
      () => store.ends(0, 1),
      () => store.takeCode('c1'),
    ])
      await expect(call()).rejects.toMatchObject(unavailable())
    await server.start()
    expect(await answerOf(() => store.read('h1'))).toMatchObject({ kind: 'live' })
    expect(await store.commit('s_1', 1, Uint8Array.of(2), times)).toBe('committed')
  })

  it('that ends its connections is unavailable, and then at work again', async () => {
    const schema = `fault_${count++}`
    const store = open({ schema })
    await store.create(session, 'h1')
    await whileHeld(schema, async () => {
      const touched = expect(store.touch('s_1', times)).rejects.toMatchObject(unavailable())
      const sql = instance()
      const ended =
        "pid IN (SELECT pid FROM pg_locks WHERE NOT granted) AND application_name = 'sojourn'"
      for (;;) {
        const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${ended}`
        if ((await sql.unsafe(end)).length > 0) break
      }
      await touched
    })
    expect(await answerOf(() => store.touch('s_1', times))).toBe(true)
  })

  it('that takes too long is unavailable', async () => {
    const schema = `fault_${count++}`
    const store = open({ schema, timeoutMs: 100 })
    await answerOf(() => store.create(session, 'h1'))
    await whileHeld(schema, async () => {
      await expect(store.touch('s_1', times)).rejects.toMatchObject(
        unavailable(expect.objectContaining({ code: '57014' })),
      )
      expect(await store.read('h1')).toMatchObject({ kind: 'live' })
    })
    expect(await answerOf(() => store.touch('s_1', times))).toBe(true)
  })

  it('that may only be read is unavailable to writers', async () => {
    const schema = `fault_${count++}`
    await open({ schema }).create(session, 'h1')
    const sql = instance({ connection: { default_transaction_read_only: true } })
    const store = open({ schema, sql })
    expect(await store.read('h1')).toMatchObject({ kind: 'live' })
    const readOnly = unavailable(expect.objectContaining({ code: '25006' }))
    await expect(store.touch('s_1', times)).rejects.toMatchObject(readOnly)
    await expect(store.destroy('s_1', tombstone)).rejects.toMatchObject(readOnly)
    await expect(store.create({ ...session, id: 's_2' }, 'h2')).rejects.toMatchObject(readOnly)
  })

  it('that nobody has started, that refuses the user, or has no such database', async () => {
    const closed = createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const { port } = closed.address() as AddressInfo
    closed.close()
    const urls = [
      server.url.replace(String(server.port), String(port)),
      server.url.replace('sojourn@', 'nobody@'),
      server.url.replace('/postgres', '/nothing'),
    ]
    for (const url of urls)
      await expect(open({ url }).read('h1')).rejects.toMatchObject(unavailable())
  })

  it('on whose connections nothing comes back any more is reached by new ones', async () => {
    const sockets: Socket[] = []
    let isSilent = false
    const proxy = createServer((client) => {
      const upstream = connect(server.port, '127.0.0.1')
      const pass = (from: Socket, to: Socket) => {
        from.on('data', (chunk) => isSilent || to.write(chunk))
        from.on('error', () => {})
      }
      pass(client, upstream)
      pass(upstream, client)
      sockets.push(client, upstream)
    }).listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const { port } = proxy.address() as AddressInfo
    closing.push(async () => {
      for (const socket of sockets) socket.destroy()
      proxy.close()
    })
    const url = server.url.replace(String(server.port), String(port))
    const store = open({ url, timeoutMs: 500 })
    await answerOf(() => store.create(session, 'h1'))
    // More than there are connections, so that each of them is in use.
    const readOften = () =>
      Promise.allSettled(Array.from({ length: 30 }, async () => store.read('h1')))
    await readOften()
    isSilent = true
    const old = sockets.length
    for (const call of await readOften())
      expect(call).toMatchObject({ status: 'rejected', reason: unavailable() })
    for (const socket of sockets.slice(0, old)) socket.pause()
    isSilent = false
    expect(await answerOf(() => store.read('h1'))).toMatchObject({ kind: 'live' })
    expect(sockets.length).toBeGreaterThan(old)
  })
})

describe('calls', () => {
  it('that wait for the server are limited, and all settle', async () => {
    const silent = (): Promise<never> => new Promise(() => {})
    const sql = {
      options: {},
      unsafe: () => Object.assign(silent(), { raw: silent }),
      begin: silent,
      end: silent,
    }
    const store = open({ sql, timeoutMs: 1 })
    const calls = Array.from({ length: 10_000 }, async () => store.read('h1'))
    const settled = Promise.allSettled(calls)
    await expect(store.read('h1')).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      detail: '10000 calls wait for the server.',
    })
    for (const call of await settled)
      expect(call).toMatchObject({ status: 'rejected', reason: unavailable() })
  })
})

describe('openPostgres', () => {
  it('leaves an instance that was handed in to its owner', async () => {
    const sql = instance({ max: 1 })
    const opened = openPostgres({ sql, schema: `fault_${count++}` })
    await opened.sessions().create(session, 'h1')
    await opened.close()
    await expect(opened.sessions().read('h1')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect([...(await sql`SELECT 1 AS one`)]).toEqual([{ one: 1 }])
  })

  it('is unavailable on an instance that its owner has ended', async () => {
    const sql = instance()
    const store = open({ sql })
    await sql.end()
    await expect(store.read('h1')).rejects.toMatchObject(unavailable())
  })

  it('refuses an instance whose transactions don’t see what others commit', async () => {
    const sql = instance({ connection: { default_transaction_isolation: 'repeatable read' } })
    await expect(open({ sql }).read('h1')).rejects.toThrow(
      new TypeError('Transactions of `sql` must be READ COMMITTED, they are repeatable read'),
    )
  })

  it('closes what was never used, and twice', async () => {
    const opened = openPostgres({ url: server.url })
    await opened.close()
    await opened.close()
  })

  it('refuses what it can do nothing with, without showing a password', () => {
    const sql = instance()
    expect(() => openPostgres({})).toThrow(TypeError)
    expect(() => openPostgres({ url: server.url, sql })).toThrow(TypeError)
    expect(() => openPostgres({ url: 'mysql://me:hunter2@here' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    )
    for (const schema of ['', 'a"b', 'Upper', 'a b', 'a'.repeat(64)])
      expect(() => openPostgres({ sql, schema })).toThrow(RangeError)
    for (const timeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => openPostgres({ sql, timeoutMs })).toThrow(RangeError)
  })

  it('shows no password of an address that is none', async () => {
    const store = open({ url: 'postgres://me:hunter2@here:99999/x' })
    const failure = await Promise.resolve(store.read('h1')).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(TypeError)
    expect(JSON.stringify(Object.entries(failure as object)) + String(failure)).not.toMatch(
      'hunter2',
    )
  })

  it('says what is missing when the package isn’t installed', () => {
    const code = `
      import { registerHooks } from 'node:module'
      registerHooks({
        resolve(name, context, next) {
          if (name !== 'postgres') return next(name, context)
          throw Object.assign(new Error('no postgres'), { code: 'ERR_MODULE_NOT_FOUND' })
        },
      })
      const { openPostgres } = await import(process.argv[1])
      const opened = openPostgres({ url: 'postgres://127.0.0.1/none' })
      const failure = await opened.sessions().read('h1').catch((error) => error)
      process.stdout.write(failure.name + ': ' + failure.message)
      await opened.close()`
    const entry = new URL('./index.ts', import.meta.url).href
    const args = ['--input-type=module', '-e', code, entry]
    const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    expect(stdout).toBe(
      'TypeError: openPostgres({ url }) needs the package "postgres": npm install postgres',
    )
  })
})
