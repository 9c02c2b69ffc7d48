import type { DatabaseSync } from 'node:sqlite'
import { type Clock, newId, type Random, SojournError } from '../../base/core/index.ts'
import type { Directory } from '../../live/directory/directory.ts'
import { claimKey } from './journal.ts'
import type { JournalFile } from './journal-file.ts'

/** How long a start waits for an earlier process of the same data folder to end. */
const takeoverMs = 5_000
const retryMs = 50
/** Pages that a claim changes: the owner, its index, and what a new one splits. */
const claimPages = 4

export interface DirectoryOptions {
  /** `lock.db`: whoever holds its exclusive transaction owns the data folder. */
  readonly lock: DatabaseSync
  /** `journal.db`, where the owners' rows fence the records. */
  readonly journal: JournalFile
  readonly clock: Clock
  readonly random: Random
}

/**
 * One incarnation owns all keys of a data folder as long as it holds the lock; the kernel releases
 * it at the death of the process, so no clock and no lease is involved.
 *
 * @throws SojournError `DATA_IN_USE` when another process keeps the lock, `JOURNAL_DAMAGED` when it
 * can't be told which keys there are
 */
export async function openDirectory({
  lock,
  journal,
  clock,
  random,
}: DirectoryOptions): Promise<Directory> {
  await takeLock(lock, clock)
  journal.read(() => assertWhole(journal.db))
  return {
    claim: async (name) => {
      const nonce = newId('', random)
      const claim = journal.write(() => claimKey(journal.db, name, nonce), claimPages)
      // A claim that a power loss takes back would let two owners write under one epoch.
      await journal.sync()
      return claim
    },
    close: () => lock.exec('ROLLBACK'),
  }
}

/**
 * A key that isn't found would begin anew, so each must be found where it is looked for: the index
 * is compared with the table, in about 1 ms for a thousand keys.
 */
function assertWhole(db: DatabaseSync): void {
  const found = db.prepare('PRAGMA integrity_check(owners)').get() as { integrity_check: string }
  if (found.integrity_check === 'ok') return
  throw new SojournError('JOURNAL_DAMAGED', `The table of keys: ${found.integrity_check}.`)
}

async function takeLock(lock: DatabaseSync, clock: Clock): Promise<void> {
  // Waiting inside SQLite would block this process; it waits here instead.
  lock.exec('PRAGMA busy_timeout = 0')
  const startedMs = clock.monotonicMs()
  for (;;) {
    try {
      lock.exec('BEGIN EXCLUSIVE')
      return
    } catch (error) {
      if (clock.monotonicMs() - startedMs > takeoverMs) {
        throw new SojournError('DATA_IN_USE', undefined, { cause: error })
      }
    }
    await new Promise<void>((resolve) => {
      clock.after(retryMs, resolve)
    })
  }
}
