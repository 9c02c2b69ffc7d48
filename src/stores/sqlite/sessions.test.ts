import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, it } from 'vitest'
import { describeSessionStore, virtualClock } from '../../testing/index.ts'
import { openSqlite } from './index.ts'
import { openDatabase, transaction } from './open.ts'
import { queries } from './sessions-queries.ts'

const folder = mkdtempSync(join(tmpdir(), 'sojourn-sessions-'))
afterAll(() => rmSync(folder, { recursive: true }))
let count = 0
const fresh = (): string => join(folder, String(count++), 'data')

describeSessionStore(
  'sqlite, in memory',
  (clock) => {
    const sqlite = openSqlite({ data: ':memory:', clock })
    return { store: sqlite.sessions(), close: () => sqlite.close() }
  },
  { describe, it },
)

describeSessionStore(
  'sqlite, on disk',
  (clock) => {
    const sqlite = openSqlite({ data: fresh(), clock })
    return { store: sqlite.sessions(), close: () => sqlite.close() }
  },
  { describe, it },
)

const record = {
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

describe('the file', () => {
  it('survives a restart and belongs to this user only', () => {
    const data = fresh()
    const first = openSqlite({ data })
    first.sessions().create(record, 'h1')
    expect(statSync(data).mode & 0o777).toBe(0o700)
    for (const name of ['sessions.db', 'sessions.db-wal'])
      expect(statSync(join(data, name)).mode & 0o777).toBe(0o600)
    first.close()
    const second = openSqlite({ data })
    expect(second.sessions().read('h1')).toMatchObject({ kind: 'live' })
    second.close()
  })

  it('is opened when it is first needed', () => {
    const data = fresh()
    openSqlite({ data }).close()
    expect(existsSync(data)).toBe(false)
  })

  it('finds what has expired by its index', () => {
    const data = fresh()
    const sqlite = openSqlite({ data })
    sqlite.sessions()
    const db = new DatabaseSync(join(data, 'sessions.db'))
    const plan = (sql: string): string =>
      JSON.stringify(db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all())
    expect(plan(queries.due)).toContain('sessions_by_sweep')
    expect(plan("SELECT * FROM sessions WHERE user_id = 'a'")).toContain('sessions_by_user')
    expect(plan('SELECT hash FROM tokens WHERE kept_until <= 5')).toContain('tokens_by_age')
    db.close()
    sqlite.close()
  })

  it('holds no token that was given as its hash', () => {
    const data = fresh()
    const sqlite = openSqlite({ data, clock: virtualClock() })
    sqlite.sessions().create(record, 'the-hash')
    sqlite.close()
    expect(readFileSync(join(data, 'sessions.db')).includes('sjs_')).toBe(false)
  })
})

describe('opening', () => {
  const unavailable = expect.objectContaining({
    code: 'STORE_UNAVAILABLE',
    cause: expect.anything(),
  })

  it('migrates each version once', () => {
    const path = join(fresh(), 'a.db')
    const one = 'CREATE TABLE a (x); INSERT INTO a VALUES (1);'
    openDatabase(path, { migrations: [one], synchronous: 'FULL' }).close()
    const two = 'INSERT INTO a VALUES (2);'
    const db = openDatabase(path, { migrations: [one, two], synchronous: 'FULL' })
    expect(db.prepare('SELECT x FROM a').all()).toEqual([{ x: 1 }, { x: 2 }])
    db.close()
    expect(() => openDatabase(path, { migrations: [one], synchronous: 'FULL' })).toThrow(
      expect.objectContaining({ code: 'STORE_UNAVAILABLE' }),
    )
  })

  it('leaves nothing of a migration that fails', () => {
    const path = join(fresh(), 'a.db')
    const broken = ['CREATE TABLE a (x); CREATE TABLE a (x);']
    expect(() => openDatabase(path, { migrations: broken, synchronous: 'NORMAL' })).toThrow(
      unavailable,
    )
    const db = openDatabase(path, { migrations: ['CREATE TABLE a (x)'], synchronous: 'NORMAL' })
    db.close()
  })

  it('says STORE_UNAVAILABLE for a folder that is none and a file that is no database', () => {
    const options = { migrations: [], synchronous: 'NORMAL' } as const
    const file = join(folder, 'text')
    writeFileSync(
      file,
      'this is no database, and long enough to be read as the head of one\n'.repeat(20),
    )
    expect(() => openDatabase(file, options)).toThrow(unavailable)
    expect(() => openDatabase(join(file, 'a.db'), options)).toThrow(unavailable)
  })

  it('rolls a transaction back when its work throws', () => {
    const db = openDatabase(':memory:', {
      migrations: ['CREATE TABLE a (x)'],
      synchronous: 'NORMAL',
    })
    const work = (): void => {
      db.exec('INSERT INTO a VALUES (1)')
      throw new TypeError('no')
    }
    expect(() => transaction(db, work)).toThrow(TypeError)
    expect(db.prepare('SELECT * FROM a').all()).toEqual([])
    db.close()
  })
})
