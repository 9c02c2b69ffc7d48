import { describe, expect, it } from 'vitest'
import type { Claim } from '../../base/protocol/index.ts'
import type { JournalWrite } from '../../live/host/journal.ts'
import { claimKey, journalMigrations, SqliteJournal } from './journal.ts'
import { JournalFile } from './journal-file.ts'

const none = new Uint8Array(0)

function open() {
  const file = new JournalFile(':memory:', journalMigrations)
  const journal = new SqliteJournal(file)
  let nonces = 0
  const claim = (key: string): Claim => {
    nonces += 1
    return claimKey(file.db, { backend: 'board', key }, `n${nonces}`)
  }
  const write =
    (type: JournalWrite['type']) =>
    (by: Claim, seq: number, wakeAtMs?: number): boolean | undefined => {
      const entry = { seq, envelope: none, section: none }
      const wake = wakeAtMs !== undefined && { wakeAtMs }
      return journal.write([{ claim: by, type, entry: { ...entry, ...wake } }])[0]
    }
  const due = (nowMs: number, max = 10) =>
    journal.due(nowMs, max).map(({ backend, key }) => `${backend}/${key}`)
  return { journal, claim, append: write('append'), snapshot: write('snapshot'), due }
}

describe('wakes in SQLite', () => {
  it('are due in the order of their times, as many as asked for', () => {
    const { journal, claim, append, due } = open()
    expect(journal.nextWakeMs()).toBeUndefined()
    for (const [key, atMs] of Object.entries({ a: 300, b: 100, c: 200, d: 2 ** 42 }))
      append(claim(key), 1, atMs)
    expect(journal.nextWakeMs()).toBe(100)
    expect(due(99)).toEqual([])
    expect(due(300)).toEqual(['board/b', 'board/c', 'board/a'])
    expect(due(300, 2)).toEqual(['board/b', 'board/c'])
  })

  it('are as last written by records and snapshots; one that says nothing leaves them', () => {
    const { journal, claim, append, snapshot, due } = open()
    const a = claim('a')
    append(a, 1, 100)
    append(a, 2)
    expect(due(100)).toEqual(['board/a'])
    append(a, 3, 200)
    expect(due(199)).toEqual([])
    snapshot(a, 3, 0)
    expect([due(1_000), journal.nextWakeMs()]).toEqual([[], undefined])
    snapshot(a, 3, 300)
    expect(due(300)).toEqual(['board/a'])
  })

  it('are not changed by a write that is refused', () => {
    const { claim, append, snapshot, due } = open()
    const old = claim('a')
    append(old, 1, 100)
    const newest = claim('a')
    expect([append(old, 2, 0), snapshot(old, 1, 0), append(newest, 3, 0)]).toEqual([
      false,
      false,
      false,
    ])
    expect(due(100)).toEqual(['board/a'])
  })
})
