import { describe, expect, it } from 'vitest'
import { systemClock, systemRandom } from '../../base/core/index.ts'
import type { Claim } from '../../base/protocol/index.ts'
import { openDirectory } from './directory.ts'
import { journalMigrations, openJournal } from './journal.ts'
import { openDatabase } from './open.ts'

const none = new Uint8Array(0)
const entry = (seq: number, wakeAtMs?: number) => ({
  ...{ seq, envelope: none, section: none },
  ...(wakeAtMs !== undefined && { wakeAtMs }),
})

async function open() {
  const db = openDatabase(':memory:', { migrations: journalMigrations, synchronous: 'NORMAL' })
  const lock = openDatabase(':memory:', { migrations: [], synchronous: 'FULL' })
  const directory = await openDirectory({
    lock,
    journal: db,
    clock: systemClock,
    random: systemRandom,
  })
  const journal = openJournal(db)
  const claim = async (key: string): Promise<Claim> => directory.claim({ backend: 'board', key })
  const due = async (nowMs: number, max = 10) =>
    (await journal.due(nowMs, max)).map(({ backend, key }) => `${backend}/${key}`)
  return { journal, claim, due }
}

describe('wakes in SQLite', () => {
  it('are due in the order of their times, as many as asked for', async () => {
    const { journal, claim, due } = await open()
    expect(await journal.nextWakeMs()).toBeUndefined()
    for (const [key, atMs] of Object.entries({ a: 300, b: 100, c: 200, d: 2 ** 42 }))
      await journal.append(await claim(key), entry(1, atMs))
    expect(await journal.nextWakeMs()).toBe(100)
    expect(await due(99)).toEqual([])
    expect(await due(300)).toEqual(['board/b', 'board/c', 'board/a'])
    expect(await due(300, 2)).toEqual(['board/b', 'board/c'])
  })

  it('are as last written by records and snapshots; one that says nothing leaves them', async () => {
    const { journal, claim, due } = await open()
    const a = await claim('a')
    await journal.append(a, entry(1, 100))
    await journal.append(a, entry(2))
    expect(await due(100)).toEqual(['board/a'])
    await journal.append(a, entry(3, 200))
    expect(await due(199)).toEqual([])
    await journal.snapshot(a, entry(3, 0))
    expect([await due(1_000), await journal.nextWakeMs()]).toEqual([[], undefined])
    await journal.snapshot(a, entry(3, 300))
    expect(await due(300)).toEqual(['board/a'])
  })

  it('are not changed by a write that is refused', async () => {
    const { journal, claim, due } = await open()
    const old = await claim('a')
    await journal.append(old, entry(1, 100))
    await claim('a')
    expect(await journal.append(old, entry(2, 0))).toBe(false)
    expect(await journal.snapshot(old, entry(1, 0))).toBe(false)
    expect(await due(100)).toEqual(['board/a'])
  })
})
