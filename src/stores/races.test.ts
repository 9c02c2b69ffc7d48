/** Parallel requests on each store; two platforms share it where it can be shared. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { RedisServer } from '../../test/fakes/redis-server.ts'
import { testRaces } from '../../test/fakes/session-races.ts'
import { openMemory } from './memory/index.ts'
import { openSqlite } from './sqlite/index.ts'
import { openValkey, type Valkey } from './valkey/index.ts'

describe('parallel requests', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-races-'))
  const sqlite = openSqlite({ data: folder })
  let server: RedisServer
  let valkey: Valkey

  beforeAll(async () => {
    server = await RedisServer.start()
    valkey = await openValkey({ url: server.url })
  })
  afterAll(async () => {
    await valkey?.close()
    await server?.stop()
    sqlite.close()
    rmSync(folder, { recursive: true })
  })

  testRaces('memory', () => openMemory().sessions())
  testRaces('sqlite', () => sqlite.sessions())
  testRaces('valkey', () => valkey.sessions())
})
