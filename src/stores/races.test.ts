/** Parallel requests on each store; two platforms share it where it can be shared. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { type PostgresServer, startPostgres } from '../../test/fakes/postgres-server.ts'
import { RedisServer } from '../../test/fakes/redis-server.ts'
import { testRaces } from '../../test/fakes/session-races.ts'
import type { SessionStore } from '../web/session/index.ts'
import { openMemory } from './memory/index.ts'
import { openPostgres, type Postgres } from './postgres/index.ts'
import { openSqlite } from './sqlite/index.ts'
import { openValkey, type Valkey } from './valkey/index.ts'

describe('parallel requests', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-races-'))
  const sqlites = [1, 2].map(() => openSqlite({ data: folder }))
  let server: RedisServer
  let valkeys: Valkey[] = []
  let database: PostgresServer
  let postgreses: Postgres[] = []

  beforeAll(async () => {
    server = await RedisServer.start()
    valkeys = [await openValkey({ url: server.url }), await openValkey({ url: server.url })]
    database = await startPostgres()
    postgreses = [1, 2].map(() => openPostgres({ url: database.url }))
  })
  afterAll(async () => {
    for (const one of [...valkeys, ...postgreses, ...sqlites]) await one.close()
    await database?.stop()
    await server?.stop()
    rmSync(folder, { recursive: true })
  })

  let count = 0
  /** Of the two by turns, as of two processes. */
  const oneOf = (stores: readonly { sessions(): SessionStore }[]): SessionStore => {
    count += 1
    return (stores[count % 2] as { sessions(): SessionStore }).sessions()
  }

  testRaces('memory', () => openMemory().sessions())
  testRaces('sqlite', () => oneOf(sqlites))
  testRaces('valkey', () => oneOf(valkeys))
  testRaces('postgres', () => oneOf(postgreses))
})
