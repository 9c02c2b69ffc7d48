import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock, systemRandom } from '../../base/core/index.ts'
import type { Claim } from '../../base/protocol/index.ts'
import type { JournalWrite } from '../../live/host/journal.ts'
import { openDirectory } from './directory.ts'
import { openSqlite } from './index.ts'
import { claimKey, journalMigrations, SqliteJournal } from './journal.ts'
import { JournalFile } from './journal-file.ts'
import { openDatabase } from './open.ts'

const bytes = (...values: number[]) => new Uint8Array(values)
const write = (claim: Claim, type: JournalWrite['type'], seq: number): JournalWrite => ({
  claim,
  type,
  entry: { seq, envelope: bytes(0, seq), section: bytes(1, seq, 9) },
})

/** Two keys with a snapshot and records of two owners each; what is stored may then be harmed. */
function openTwo() {
  const file = new JournalFile(':memory:', journalMigrations)
  const journal = new SqliteJournal(file)
  const claims = ['x', 'y'].map((key) => {
    const first = claimKey(file.db, { backend: 'board', key }, 'n1')
    journal.write([1, 2].map((seq) => write(first, 'append', seq)))
    journal.write([write(first, 'snapshot', 2), write(first, 'append', 3)])
    const second = claimKey(file.db, { backend: 'board', key }, 'n2')
    journal.write([write(second, 'append', 4), write(second, 'snapshot', 4)])
    journal.write([write(second, 'append', 5)])
    return second
  })
  return { db: file.db, journal, x: claims[0] as Claim, y: claims[1] as Claim }
}

/** Everything in the file, to show that nothing was touched. */
function dump(db: DatabaseSync): unknown {
  return ['owners', 'records', 'snapshots'].map((table) =>
    db.prepare(`SELECT * FROM ${table}`).all(),
  )
}

function flipped(value: unknown): unknown[] {
  if (value instanceof Uint8Array)
    return [...value.keys()].map((at) =>
      value.map((byte, index) => (index === at ? byte ^ 1 : byte)),
    )
  if (typeof value === 'string')
    return [...value].map((_, at) => `${value.slice(0, at)}!${value.slice(at + 1)}`)
  return [Number(value) + 1, Number(value) - 1, Number(value) ^ 0x4000_0000]
}

/** Each way to change one value of the key `x` (owner 1), except those that are named. */
function* harms(db: DatabaseSync, table: string, except: readonly string[]) {
  const owner = table === 'owners' ? 'id' : 'owner'
  const rows = db.prepare(`SELECT rowid AS row, * FROM ${table} WHERE ${owner} = 1`).all()
  for (const { row, ...columns } of rows)
    for (const [column, value] of Object.entries(columns))
      for (const changed of except.includes(column) ? [] : flipped(value))
        yield { row: Number(row), column, changed, value }
}

describe('a journal in SQLite that was harmed', () => {
  it.each([
    ['records', ['owner']],
    ['snapshots', ['owner']],
    // A later claim may be seen as such; the names are what the row is found by.
    ['owners', ['id', 'backend', 'key', 'epoch']],
  ])('F38, I14: is refused, whichever byte of its %s it was', (table, except) => {
    const { db, journal, x, y } = openTwo()
    const whole = [journal.recover(x), journal.recover(y)]
    let count = 0
    for (const { row, column, changed, value } of harms(db, table, except)) {
      const set = db.prepare(`UPDATE ${table} SET "${column}" = ? WHERE rowid = ?`)
      try {
        set.run(changed as number, row)
      } catch {
        continue
      }
      count += 1
      const before = dump(db)
      const said = `${table}.${column} = ${changed}`
      expect(() => journal.recover(x), said).toThrow(/^board\/x at seq \d+: /)
      expect(() => journal.recover(x), said).toThrow(
        expect.objectContaining({ code: 'JOURNAL_DAMAGED' }),
      )
      expect(journal.recover(y)).toEqual(whole[1])
      expect(dump(db)).toEqual(before)
      set.run(value as number, row)
    }
    expect(count).toBeGreaterThan(10)
    expect(journal.recover(x)).toEqual(whole[0])
  })

  it.each([
    ['the last record', 'DELETE FROM records WHERE owner = 1 AND seq = 5'],
    ['a record in the middle', 'DELETE FROM records WHERE owner = 1 AND seq = 4'],
    ['the first record', 'DELETE FROM records WHERE owner = 1 AND seq = 3'],
    ['all records', 'DELETE FROM records WHERE owner = 1'],
    ['the snapshot', 'DELETE FROM snapshots WHERE owner = 1'],
    ['its owner', 'DELETE FROM owners WHERE id = 1'],
    [
      'the order of two records',
      `UPDATE records SET seq = 9 WHERE owner = 1 AND seq = 4;
       UPDATE records SET seq = 4 WHERE owner = 1 AND seq = 5;
       UPDATE records SET seq = 5 WHERE owner = 1 AND seq = 9`,
    ],
    [
      'its records to those of another key',
      `DELETE FROM records WHERE owner = 1; UPDATE records SET owner = 1`,
    ],
    [
      'its snapshot to that of another key',
      `DELETE FROM snapshots WHERE owner = 1; UPDATE snapshots SET owner = 1`,
    ],
  ])('is refused when it lost %s', (_, sql) => {
    const { db, journal, x } = openTwo()
    db.exec(sql)
    expect(() => journal.recover(x)).toThrow(expect.objectContaining({ code: 'JOURNAL_DAMAGED' }))
  })

  it('is refused when a snapshot came back that was replaced since', () => {
    const { db, journal, x } = openTwo()
    const old = db.prepare('SELECT * FROM snapshots WHERE owner = 1').get()
    journal.write([write(x, 'snapshot', 5)])
    const set = 'INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?, ?, ?, ?)'
    db.prepare(set).run(...(Object.values(old ?? {}) as number[]))
    expect(() => journal.recover(x)).toThrow(expect.objectContaining({ code: 'JOURNAL_DAMAGED' }))
  })
})

describe('the file of the journal', () => {
  const folders: string[] = []
  const newFolder = () => {
    const folder = mkdtempSync(join(tmpdir(), 'sojourn-journal-'))
    folders.push(folder)
    return folder
  }
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })

  async function recoverIn(data: string, key = 'x') {
    const sqlite = openSqlite({ data })
    try {
      const claim = await (await sqlite.directory()).claim({ backend: 'board', key })
      return sqlite.journal().recover(claim)
    } finally {
      sqlite.close()
    }
  }

  it('F38, I8: never gives what was not written, whichever page is harmed', async () => {
    const data = newFolder()
    const sqlite = openSqlite({ data })
    const claim = await (await sqlite.directory()).claim({ backend: 'board', key: 'x' })
    const seqs = Array.from({ length: 80 }, (_, at) => at + 1)
    await sqlite.journal().write(
      seqs.map((seq) => {
        const entry = { seq, envelope: new Uint8Array(60).fill(seq), section: new Uint8Array(90) }
        return { claim, type: 'append', entry }
      }),
    )
    const whole = await sqlite.journal().recover(claim)
    sqlite.close()
    const path = join(data, 'journal.db')
    const healthy = readFileSync(path)
    const seen = new Set<string>()
    for (let at = 50; at < healthy.length; at += 509) {
      const harmed = Buffer.from(healthy)
      for (let byte = at; byte < Math.min(at + 8, harmed.length); byte += 1)
        harmed[byte] = (harmed[byte] ?? 0) ^ 0x55
      writeFileSync(path, harmed)
      const outcome = await recoverIn(data).catch((error) => String(error.code))
      if (typeof outcome === 'string') seen.add(outcome)
      else expect(outcome, `at ${at}`).toEqual(whole)
    }
    expect(seen).toContain('JOURNAL_DAMAGED')
    for (const code of seen) expect(['JOURNAL_DAMAGED', 'STORE_UNAVAILABLE']).toContain(code)
  })

  it('F38, I1: never takes a key for a new one whose name was harmed', async () => {
    const data = newFolder()
    const key = 'key-to-be-harmed'
    await recoverIn(data, key)
    const path = join(data, 'journal.db')
    const healthy = readFileSync(path)
    const places: number[] = []
    for (let at = healthy.indexOf(key); at >= 0; at = healthy.indexOf(key, at + 1)) places.push(at)
    // In the table, and in the index by which it is found.
    expect(places).toHaveLength(2)
    for (const at of places) {
      const harmed = Buffer.from(healthy)
      harmed[at] = 'K'.charCodeAt(0)
      writeFileSync(path, harmed)
      await expect(recoverIn(data, key)).rejects.toMatchObject({ code: 'JOURNAL_DAMAGED' })
    }
  })

  it('keeps its log short while it is written, and all that was written', async () => {
    const data = newFolder()
    const sqlite = openSqlite({ data })
    const claim = await (await sqlite.directory()).claim({ backend: 'board', key: 'x' })
    const journal = sqlite.journal()
    const section = new Uint8Array(1_000_000)
    for (let seq = 1; seq <= 100; seq += 1) {
      section.fill(seq)
      const entry = { seq, envelope: bytes(seq), section }
      const batch: JournalWrite[] = [{ claim, type: 'append', entry }]
      if (seq % 5 === 0) batch.push({ claim, type: 'snapshot', entry })
      expect(await journal.write(batch)).toEqual(batch.map(() => true))
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await expect
      .poll(() => readFileSync(`${join(data, 'journal.db')}-wal`).length)
      .toBeLessThan(1e8)
    const { records } = await journal.recover(claim)
    sqlite.close()
    const found = await recoverIn(data)
    expect(found.records).toEqual(records)
    expect(found.records.at(-1)?.section?.[0]).toBe(100)
  }, 60_000)
})

describe('the lock of a data folder', () => {
  const opened: { close(): void }[] = []
  afterEach(() => {
    for (const db of opened.splice(0)) db.close()
  })

  it('I2, I4: lets one process in at a time', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sojourn-lock-'))
    const openOnce = () => {
      const lock = openDatabase(`${folder}/lock.db`, { migrations: [], synchronous: 'FULL' })
      const journal = new JournalFile(':memory:', journalMigrations)
      opened.push(lock, journal)
      let nowMs = 0
      // Time passes at each look, so that the wait for the other process is over at once.
      const clock = { ...systemClock, monotonicMs: () => (nowMs += 3_000) }
      return openDirectory({ lock, journal, clock, random: systemRandom })
    }
    const first = await openOnce()
    await expect(openOnce()).rejects.toMatchObject({ code: 'DATA_IN_USE' })
    await first.close()
    await expect(openOnce()).resolves.toBeDefined()
    rmSync(folder, { recursive: true })
  })
})
