import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Claim, InstanceName, Recovered } from '../../base/protocol/index.ts'
import type { Journal, JournalEntry, JournalWrite } from '../../live/host/journal.ts'
import { type CheckedSnapshot, recordLink, rootLink, snapshotCheck } from '../chain.ts'
import { damage, type StoredJournal, verify } from '../journal-verify.ts'
import type { JournalFile } from './journal-file.ts'
import { attempt } from './open.ts'
import { Wakes, wakesMigration } from './wakes.ts'

/**
 * Owners, records and snapshots share one file, so that the fence (the owner's row) and the write
 * are one transaction. Records lie in the order of their writing: a batch of many keys fills the
 * same few pages, which is half the time of a table in the order of the keys. The owner's row says
 * which record is the last and which snapshot is kept (by its check): else nobody would miss them.
 */
export const journalMigrations: readonly string[] = [
  `CREATE TABLE owners (
     id INTEGER PRIMARY KEY, backend TEXT NOT NULL, key TEXT NOT NULL,
     epoch INTEGER NOT NULL, nonce TEXT NOT NULL, head INTEGER NOT NULL, link INTEGER NOT NULL,
     kept INTEGER,
     UNIQUE (backend, key)
   ) STRICT;
   CREATE TABLE records (
     owner INTEGER NOT NULL, seq INTEGER NOT NULL, epoch INTEGER NOT NULL, nonce TEXT NOT NULL,
     link INTEGER NOT NULL, envelope BLOB NOT NULL, section BLOB NOT NULL,
     UNIQUE (owner, seq)
   ) STRICT;
   CREATE TABLE snapshots (
     owner INTEGER PRIMARY KEY, seq INTEGER NOT NULL, link INTEGER NOT NULL,
     floor INTEGER NOT NULL, floor_link INTEGER NOT NULL, "check" INTEGER NOT NULL,
     envelope BLOB NOT NULL, section BLOB NOT NULL
   ) STRICT;`,
  wakesMigration,
]

/** Pages that a record touches at most beside those of its bytes: owner, index, table. */
const pagesPerWrite = 3
const pageBytes = 4_096

/** Takes a key over, in the transaction of the caller. */
export function claimKey(db: DatabaseSync, name: InstanceName, nonce: string): Claim {
  const { backend, key } = name
  const row = db
    .prepare(
      `INSERT INTO owners (backend, key, epoch, nonce, head, link) VALUES (?, ?, 1, ?, 0, ?)
       ON CONFLICT DO UPDATE SET epoch = epoch + 1, nonce = excluded.nonce
       RETURNING epoch`,
    )
    .get(backend, key, nonce, rootLink(name)) as { epoch: number }
  return { backend, key, epoch: row.epoch, nonce }
}

/** The row of the owner, as a write needs it. */
type Owner = readonly [id: number, head: number, link: number]

/** How far back a snapshot lets the records go. */
type Kept = Pick<CheckedSnapshot, 'seq' | 'link' | 'floor' | 'floorLink'>

export class SqliteJournal implements Journal {
  readonly #file: JournalFile
  readonly #owner: StatementSync
  readonly #insert: StatementSync
  readonly #advance: StatementSync
  readonly #kept: StatementSync
  readonly #linkOf: StatementSync
  readonly #replace: StatementSync
  readonly #keep: StatementSync
  readonly #prune: StatementSync
  readonly #wakes: Wakes

  constructor(file: JournalFile) {
    const prepare = (sql: string): StatementSync => attempt(() => file.db.prepare(sql))
    this.#file = file
    this.#owner = prepare(
      `SELECT id, head, link FROM owners WHERE backend = ? AND key = ? AND epoch = ? AND nonce = ?`,
    )
    this.#owner.setReturnArrays(true)
    this.#insert = prepare('INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)')
    this.#advance = prepare('UPDATE owners SET head = ?, link = ? WHERE id = ?')
    this.#kept = prepare(
      'SELECT seq, link, floor, floor_link AS floorLink FROM snapshots WHERE owner = ?',
    )
    this.#linkOf = prepare('SELECT link FROM records WHERE owner = ? AND seq = ?')
    this.#replace = prepare('INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
    this.#keep = prepare('UPDATE owners SET kept = ? WHERE id = ?')
    this.#prune = prepare('DELETE FROM records WHERE owner = ? AND seq <= ?')
    this.#wakes = attempt(() => new Wakes(file.db))
  }

  write(batch: readonly JournalWrite[]): readonly boolean[] {
    const pages = batch.reduce((sum, { entry }) => sum + pagesOf(entry), 0)
    return this.#file.write(() => batch.map((write) => this.#writeOne(write)), pages)
  }

  sync(): Promise<void> {
    return this.#file.sync()
  }

  recover(claim: Claim): Recovered {
    const stored = this.#read(claim)
    if (!stored) throw damage(claim, 0, 'the claim is gone')
    return verify(claim, stored)
  }

  #read(claim: Claim): StoredJournal | undefined {
    try {
      return this.#file.read(() => readAll(this.#file.db, claim))
    } catch (error) {
      if (!isDamaged(error)) throw error
      throw damage(claim, 0, 'the file is damaged', error)
    }
  }

  #writeOne({ claim, type, entry }: JournalWrite): boolean {
    const { backend, key, epoch, nonce } = claim
    const owner = this.#owner.get(backend, key, epoch, nonce) as unknown as Owner | undefined
    if (!owner) return false
    const isWritten =
      type === 'append' ? this.#append(claim, owner, entry) : this.#snapshot(claim, owner, entry)
    if (isWritten) this.#wakes.set(claim, entry.wakeAtMs)
    return isWritten
  }

  due(nowMs: number, max: number): readonly InstanceName[] {
    return attempt(() => this.#wakes.due(nowMs, max))
  }

  nextWakeMs(): number | undefined {
    return attempt(() => this.#wakes.next())
  }

  #append({ epoch, nonce }: Claim, [id, head, last]: Owner, entry: JournalEntry): boolean {
    const { seq, envelope, section } = entry
    if (seq !== head + 1) return false
    const link = recordLink(last, { seq, epoch, nonce, envelope, section })
    this.#insert.run(id, seq, epoch, nonce, link, envelope, section)
    this.#advance.run(seq, link, id)
    return true
  }

  #snapshot(claim: Claim, owner: Owner, { seq, envelope, section }: JournalEntry): boolean {
    const [id] = owner
    const root = rootLink(claim)
    const kept = this.#keptAt(seq, owner, root)
    if (!kept) return false
    const { link, floor, floorLink } = kept
    const check = snapshotCheck(root, { ...kept, envelope, section })
    this.#replace.run(id, seq, link, floor, floorLink, check, envelope, section)
    this.#keep.run(check, id)
    this.#prune.run(id, floor)
    return true
  }

  /** What a snapshot at `seq` keeps: the records since the one before. */
  #keptAt(seq: number, [id, head, last]: Owner, root: number): Kept | undefined {
    const before = this.#kept.get(id) as Kept | undefined
    const { seq: floor, link: floorLink } = before ?? { seq: 0, link: root }
    if (seq > head || seq < floor) return undefined
    if (seq === floor) return before ?? { seq, link: root, floor, floorLink }
    const row = seq === head ? { link: last } : this.#linkOf.get(id, seq)
    return row && { seq, link: Number(row['link']), floor, floorLink }
  }
}

function pagesOf({ envelope, section }: JournalEntry): number {
  return pagesPerWrite + Math.ceil((envelope.byteLength + section.byteLength) / pageBytes)
}

/** SQLite finds damage of its own structures by itself: SQLITE_CORRUPT and SQLITE_NOTADB. */
function isDamaged(error: unknown): boolean {
  const { errcode = 0 } = ((error as Error).cause ?? {}) as { errcode?: number }
  return [11, 26].includes(errcode & 0xff)
}

function readAll(db: DatabaseSync, { backend, key }: Claim): StoredJournal | undefined {
  const owner = db
    .prepare('SELECT id, epoch, nonce, head, link, kept FROM owners WHERE backend = ? AND key = ?')
    .get(backend, key) as (StoredJournal['owner'] & { id: number }) | undefined
  if (!owner) return undefined
  const snapshot = db
    .prepare('SELECT *, floor_link AS floorLink FROM snapshots WHERE owner = ?')
    .get(owner.id) as StoredJournal['snapshot']
  const records = db
    .prepare('SELECT * FROM records WHERE owner = ? ORDER BY seq')
    .all(owner.id) as unknown as StoredJournal['records']
  return { owner, snapshot, records }
}
