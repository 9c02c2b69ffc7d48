/** What the files of the embedded database have in common: how they open, migrate and fail. */
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { SojournError } from '../../base/core/index.ts'

/** How long a statement waits for the lock of another process. It blocks this one meanwhile. */
const busyMs = 2_000

/** Pages that a file may keep in memory, in KiB; a small file needs less. */
const cachedKib = 32_768

const settings = {
  timeout: busyMs,
  enableForeignKeyConstraints: false,
  enableDoubleQuotedStringLiterals: false,
} as const

/** How one file is opened. */
export interface DatabaseOptions {
  /** SQL of each version of the schema, oldest first. Only ever appended to. */
  readonly migrations: readonly string[]
  /** `NORMAL` may lose the last commits at power loss, never at a crash; `FULL` loses none. */
  readonly synchronous: 'NORMAL' | 'FULL'
  /**
   * As much of the file is read in place instead of by a call for each page, which takes a third
   * of the time where pages are far apart. A disk that fails then ends the process: not for a file
   * whose faults must be told from one another. Default 0.
   */
  readonly mappedBytesMax?: number
}

/**
 * Opens a file, or `':memory:'`, and brings its schema up to date. A missing folder is created
 * for this user only, and so is the file: it may hold personal data.
 *
 * @throws SojournError `STORE_UNAVAILABLE` when the file can't be opened, is damaged, locked or
 * written by a newer version
 */
export function openDatabase(path: string, options: DatabaseOptions): DatabaseSync {
  return attempt(() => {
    if (path !== ':memory:') createPrivately(path)
    const db = new DatabaseSync(path, settings)
    try {
      db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${options.synchronous};
        PRAGMA cache_size = -${cachedKib}; PRAGMA mmap_size = ${options.mappedBytesMax ?? 0};`)
      migrate(db, options.migrations)
    } catch (error) {
      db.close()
      throw error
    }
    return db
  })
}

/** Opens a file that `openDatabase` has brought up to date, to read it beside its writers. */
export function openReader(path: string): DatabaseSync {
  return attempt(() => new DatabaseSync(path, { ...settings, readOnly: true }))
}

/** Opens a file that `openDatabase` has brought up to date, to write it beside the first writer. */
export function openBeside(path: string): DatabaseSync {
  return attempt(() => new DatabaseSync(path, settings))
}

/**
 * Runs `work` in one write transaction and rolls it back when it throws. The lock is taken at the
 * start, so that what it read can't have changed when it writes.
 */
export function transaction<Result>(db: DatabaseSync, work: () => Result): Result {
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    // SQLite ends a transaction by itself at some errors (disk full, I/O).
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

/** Runs `work`; every fault of the database becomes `STORE_UNAVAILABLE` with it as the cause. */
export function attempt<Result>(work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (!isDatabaseFault(error)) throw error
    throw new SojournError('STORE_UNAVAILABLE', undefined, { cause: error })
  }
}

/** Faults of SQLite, of the file system below it, and the use of a closed database. */
function isDatabaseFault(error: unknown): boolean {
  const { code, syscall } = error as { code?: string; syscall?: string }
  return code === 'ERR_SQLITE_ERROR' || code === 'ERR_INVALID_STATE' || syscall !== undefined
}

function createPrivately(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  closeSync(openSync(path, 'a', 0o600))
}

/** One transaction per version: a crash between two leaves a schema that the next start knows. */
function migrate(db: DatabaseSync, migrations: readonly string[]): void {
  const version = readVersion(db)
  if (version > migrations.length) {
    const detail = `The file has schema ${version}, this program knows ${migrations.length}.`
    throw new SojournError('STORE_UNAVAILABLE', detail)
  }
  for (const [index, sql] of migrations.entries()) {
    if (index < version) continue
    transaction(db, () => {
      // Another process may have migrated while this one waited for the lock.
      if (readVersion(db) > index) return
      db.exec(sql)
      db.exec(`PRAGMA user_version = ${index + 1}`)
    })
  }
}

function readVersion(db: DatabaseSync): number {
  return (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version
}
