/** Parallel requests on each store; two platforms share it where it can be shared. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { type PostgresServer, startPostgres } from '../../test/fakes/postgres-server.ts'
import { RedisServer } from '../../test/fakes/redis-server.ts'
import { testRaces } from '../../test/fakes/session-races.ts'
import { openMemory } from './memory/index.ts'
import { openPostgres, type Postgres } from './postgres/index.ts'
import { openSqlite } from './sqlite/index.ts'
import { openValkey, type Valkey } from './valkey/index.ts'

describe('parallel requests', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-races-'))
  const sqlite = openSqlite({ data: folder })
  let server: RedisServer
  let valkey: Valkey
  let database: PostgresServer
  let postgres: Postgres

  beforeAll(async () => {
    server = await RedisServer.start()
    valkey = await openValkey({ url: server.url })
    database = await startPostgres()
    postgres = openPostgres({ url: database.url })
  })
  afterAll(async () => {
    await valkey?.close()
    await postgres?.close()
    await database?.stop()
    await server?.stop()
    sqlite.close()
    rmSync(folder, { recursive: true })
  })

  testRaces('memory', () => openMemory().sessions())
  testRaces('sqlite', () => sqlite.sessions())
  testRaces('valkey', () => valkey.sessions())
  testRaces('postgres', () => postgres.sessions())
})
