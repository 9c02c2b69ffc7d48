/**
 * The file of the journal: what is written, what has reached the disk, and when its log is cleared.
 *
 * A commit appends its pages to the write-ahead log and syncs nothing, so it survives processes,
 * not the power. `sync` makes it survive that: after a power loss SQLite takes from the log what
 * fits its checksums, up to the last whole commit, and all of that is in the one file that `sync`
 * flushes. Where the log begins anew (docs/decisions/0013-disk-level.md), SQLite has made durable
 * what it held before.
 */
import { closeSync, fdatasync, fsyncSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { SojournError } from '../../base/core/index.ts'
import { Checkpoints } from './checkpoints.ts'
import { attempt, openDatabase, transaction } from './open.ts'

const flush = promisify(fdatasync)

export class JournalFile {
  readonly db: DatabaseSync
  readonly #checkpoints: Checkpoints | undefined
  /**
   * A descriptor of the log. To close one drops the locks that this process has on that file, but
   * SQLite has none on the log.
   */
  readonly #log: number | undefined
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  #fault: SojournError | undefined

  /** @param path of the file, or `':memory:'`, where nothing is synced */
  constructor(path: string, migrations: readonly string[]) {
    // With FULL each commit would wait for the disk, and everybody with it.
    this.db = openDatabase(path, { migrations, synchronous: 'NORMAL' })
    if (path === ':memory:') return
    this.#log = attempt(() => {
      // SQLite takes no notice when a checkpoint of its own fails.
      this.db.exec('PRAGMA wal_autocheckpoint = 0')
      // The names of new files are on the disk only after this.
      for (const folder of [dirname(path), dirname(dirname(path))]) syncFolder(folder)
      return openSync(`${path}-wal`, 'r+')
    })
    this.#checkpoints = new Checkpoints(path, this.db, (fault) => this.#break(fault))
  }

  /**
   * Runs `work` in one transaction.
   *
   * @param pages how many it changes at most
   * @throws SojournError `STORE_UNAVAILABLE`; nothing is written then
   */
  write<Result>(work: () => Result, pages: number): Result {
    this.#assertSound()
    const result = attempt(() => transaction(this.db, work))
    this.#checkpoints?.wrote(pages)
    return result
  }

  /** @throws SojournError `STORE_UNAVAILABLE` */
  read<Result>(work: () => Result): Result {
    this.#assertSound()
    return attempt(work)
  }

  /**
   * Resolves when everything written before is on the disk. One flush runs at a time: the kernel
   * reports lost data to one caller only. Those who ask meanwhile share the next.
   *
   * @throws SojournError `STORE_UNAVAILABLE`, and from then on always
   */
  sync(): Promise<void> {
    if (!this.#running) {
      this.#running = this.#flush()
      return this.#running
    }
    // The running one may have begun before the last write.
    this.#next ??= this.#running.then(() => {
      this.#next = undefined
      this.#running = this.#flush()
      return this.#running
    })
    return this.#next
  }

  /**
   * A file that failed stays as it is: closing would copy its log, whose pages may be lost, into the
   * file without a look at their checksums. The next start checks them.
   */
  close(): void {
    this.#checkpoints?.close()
    if (this.#fault) return
    this.#fault = new SojournError('STORE_UNAVAILABLE', 'The journal is closed.')
    this.db.close()
    const log = this.#log
    if (log === undefined) return
    const done = (): void => closeSync(log)
    // A number of a descriptor that is in use must not be given to another file.
    if (this.#running) this.#running.then(done, done)
    else done()
  }

  async #flush(): Promise<void> {
    this.#assertSound()
    if (this.#log !== undefined) {
      try {
        await flush(this.#log)
      } catch (error) {
        this.#break(error)
      }
    }
    this.#assertSound()
    this.#running = undefined
  }

  #break(cause: unknown): void {
    this.#fault ??= new SojournError('STORE_UNAVAILABLE', 'The disk lost data.', { cause })
  }

  #assertSound(): void {
    if (this.#fault) throw this.#fault
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
