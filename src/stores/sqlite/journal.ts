import type { DatabaseSync } from 'node:sqlite'
import type { Claim, InstanceName, Recovered, StoredRecord } from '../../base/protocol/index.ts'
import type { Journal, JournalEntry } from '../../live/host/journal.ts'
import { transaction } from './open.ts'
import { Wakes, wakesMigration } from './wakes.ts'

/**
 * Owners, records and snapshots share one file, so that the fence (the owner's row) and the write
 * are one transaction. A snapshot keeps the one before it as the start of the resume tail.
 */
export const journalMigrations: readonly string[] = [
  `CREATE TABLE owners (
     backend TEXT NOT NULL, key TEXT NOT NULL, epoch INTEGER NOT NULL, nonce TEXT NOT NULL,
     head INTEGER NOT NULL DEFAULT 0,
     PRIMARY KEY (backend, key)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE records (
     backend TEXT NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, epoch INTEGER NOT NULL,
     nonce TEXT NOT NULL, envelope BLOB NOT NULL, section BLOB NOT NULL,
     PRIMARY KEY (backend, key, seq)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE snapshots (
     backend TEXT NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL,
     envelope BLOB NOT NULL, section BLOB NOT NULL,
     PRIMARY KEY (backend, key)
   ) STRICT, WITHOUT ROWID;`,
  wakesMigration,
]

/** Takes a key over. The caller sees to it that this reaches the disk (`synchronous = FULL`). */
export function claimKey(db: DatabaseSync, { backend, key }: InstanceName, nonce: string): Claim {
  const row = db
    .prepare(
      `INSERT INTO owners (backend, key, epoch, nonce) VALUES (?, ?, 1, ?)
       ON CONFLICT DO UPDATE SET epoch = epoch + 1, nonce = excluded.nonce
       RETURNING epoch`,
    )
    .get(backend, key, nonce) as { epoch: number }
  return { backend, key, epoch: row.epoch, nonce }
}

export function openJournal(db: DatabaseSync): Journal {
  const wakes = new Wakes(db)
  const advance = db.prepare(
    `UPDATE owners SET head = ?5 + 1 WHERE backend = ?1 AND key = ?2 AND epoch = ?3 AND nonce = ?4 AND head = ?5`,
  )
  const insert = db.prepare('INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)')
  const owns = db.prepare(
    'SELECT 1 FROM owners WHERE backend = ? AND key = ? AND epoch = ? AND nonce = ? AND head >= ?',
  )
  const previous = db.prepare('SELECT seq FROM snapshots WHERE backend = ? AND key = ?')
  const replace = db.prepare('INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?)')
  const prune = db.prepare('DELETE FROM records WHERE backend = ? AND key = ? AND seq <= ?')
  const snapshotOf = db.prepare(
    'SELECT seq, envelope, section FROM snapshots WHERE backend = ? AND key = ?',
  )
  const recordsOf = db.prepare(
    'SELECT seq, epoch, nonce, envelope, section FROM records WHERE backend = ? AND key = ? ORDER BY seq',
  )

  function append(
    { backend, key, epoch, nonce }: Claim,
    { seq, envelope, section, wakeAtMs }: JournalEntry,
  ): boolean {
    return transaction(db, () => {
      const { changes } = advance.run(backend, key, epoch, nonce, seq - 1)
      if (changes === 0) return false
      insert.run(backend, key, seq, epoch, nonce, envelope, section)
      wakes.set({ backend, key }, wakeAtMs)
      return true
    })
  }

  function snapshot(
    { backend, key, epoch, nonce }: Claim,
    { seq, envelope, section, wakeAtMs }: JournalEntry,
  ): boolean {
    return transaction(db, () => {
      if (!owns.get(backend, key, epoch, nonce, seq)) return false
      const before = previous.get(backend, key) as { seq: number } | undefined
      replace.run(backend, key, seq, envelope, section)
      wakes.set({ backend, key }, wakeAtMs)
      prune.run(backend, key, before?.seq ?? 0)
      return true
    })
  }

  function recover({ backend, key }: Claim): Recovered {
    const snapshot = snapshotOf.get(backend, key) as unknown as Recovered['snapshot']
    const rows = recordsOf.all(backend, key) as unknown as Required<StoredRecord>[]
    const records = rows.map(({ section, ...record }) => ({
      ...record,
      ...(section.byteLength > 0 && { section }),
    }))
    return { records, ...(snapshot && { snapshot: { ...snapshot } }) }
  }

  const due: Journal['due'] = (nowMs, max) => wakes.due(nowMs, max)
  return { append, snapshot, recover, due, nextWakeMs: () => wakes.next() }
}
