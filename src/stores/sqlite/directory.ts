import type { DatabaseSync } from 'node:sqlite'
import { type Clock, newId, type Random, SojournError } from '../../base/core/index.ts'
import type { Directory } from '../../live/directory/directory.ts'
import { claimKey } from './journal.ts'
import { transaction } from './open.ts'

/** How long a start waits for an earlier process of the same data folder to end. */
const takeoverMs = 5_000
const retryMs = 50

export interface DirectoryOptions {
  /** `lock.db`: whoever holds its exclusive transaction owns the data folder. */
  readonly lock: DatabaseSync
  /** `journal.db`, where the owners' rows fence the records. */
  readonly journal: DatabaseSync
  readonly clock: Clock
  readonly random: Random
}

/**
 * One incarnation owns all keys of a data folder as long as it holds the lock; the kernel releases
 * it at the death of the process, so no clock and no lease is involved.
 *
 * @throws SojournError `DATA_IN_USE` when another process keeps the lock
 */
export async function openDirectory({
  lock,
  journal,
  clock,
  random,
}: DirectoryOptions): Promise<Directory> {
  await takeLock(lock, clock)
  return {
    claim: (name) => {
      // A claim that a power loss takes back would let two owners write under one epoch.
      journal.exec('PRAGMA synchronous = FULL')
      try {
        return transaction(journal, () => claimKey(journal, name, newId('', random)))
      } finally {
        journal.exec('PRAGMA synchronous = NORMAL')
      }
    },
    close: () => lock.exec('ROLLBACK'),
  }
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
