/** When each key is to be started for its alarms; written in the transaction of the journal's write. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { InstanceName } from '../../base/protocol/index.ts'

export const wakesMigration: string = `CREATE TABLE wakes (
     backend TEXT NOT NULL, key TEXT NOT NULL, at_ms INTEGER NOT NULL,
     PRIMARY KEY (backend, key)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX wakes_by_time ON wakes (at_ms);`

export class Wakes {
  readonly #put: StatementSync
  readonly #remove: StatementSync
  readonly #due: StatementSync
  readonly #next: StatementSync

  constructor(db: DatabaseSync) {
    this.#put = db.prepare('INSERT OR REPLACE INTO wakes VALUES (?, ?, ?)')
    this.#remove = db.prepare('DELETE FROM wakes WHERE backend = ? AND key = ?')
    this.#due = db.prepare(
      'SELECT backend, key FROM wakes WHERE at_ms <= ? ORDER BY at_ms, backend, key LIMIT ?',
    )
    this.#next = db.prepare('SELECT min(at_ms) AS atMs FROM wakes')
  }

  /** `atMs` as in a journal's entry: 0 for none, `undefined` when it is as before. */
  set({ backend, key }: InstanceName, atMs: number | undefined): void {
    if (atMs) this.#put.run(backend, key, atMs)
    else if (atMs === 0) this.#remove.run(backend, key)
  }

  due(nowMs: number, max: number): InstanceName[] {
    const rows = this.#due.all(nowMs, max) as unknown as InstanceName[]
    return rows.map(({ backend, key }) => ({ backend, key }))
  }

  next(): number | undefined {
    const { atMs } = this.#next.get() as { atMs: number | null }
    return atMs ?? undefined
  }
}
