import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Checkpoints } from './checkpoints.ts'
import { openDatabase } from './open.ts'

const manyPages = 100_000
const migrations = ['CREATE TABLE notes (bytes BLOB NOT NULL) STRICT']
const opened: { close(): void }[] = []
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sojourn-checkpoints-'))
})
afterEach(() => {
  for (const one of opened.splice(0)) one.close()
  rmSync(folder, { recursive: true, force: true })
})

function open(name: string): DatabaseSync {
  const db = openDatabase(join(folder, name), { migrations, synchronous: 'NORMAL' })
  db.exec('PRAGMA wal_autocheckpoint = 0')
  opened.push(db)
  return db
}

/** Checkpoints of a file, and the faults that they told of. */
function checkpointsOf(name: string, db: DatabaseSync) {
  const faults: unknown[] = []
  const checkpoints = new Checkpoints(join(folder, name), db, (fault) => faults.push(fault))
  opened.unshift(checkpoints)
  return { checkpoints, faults }
}

it('move the log into the file once it is long, beside the one that writes', async () => {
  const db = open('whole.db')
  const { checkpoints, faults } = checkpointsOf('whole.db', db)
  db.prepare('INSERT INTO notes VALUES (zeroblob(1000000))').run()
  checkpoints.wrote(1)
  checkpoints.wrote(manyPages)
  await expect.poll(() => statSync(join(folder, 'whole.db')).size).toBeGreaterThan(1_000_000)
  expect(faults).toEqual([])
})

it.each([
  ['is no database', 'other.db'],
  ['is not there', 'missing/other.db'],
])('tell when the file %s', async (_, name) => {
  const db = open('whole.db')
  writeFileSync(join(folder, 'other.db'), 'x'.repeat(8_192))
  const { checkpoints, faults } = checkpointsOf(name, db)
  checkpoints.wrote(manyPages)
  await expect.poll(() => faults.length).toBe(1)
})
