import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock, systemRandom } from '../../base/core/index.ts'
import type { Claim } from '../../base/protocol/index.ts'
import { openDirectory } from './directory.ts'
import { journalMigrations, openJournal } from './journal.ts'
import { openDatabase } from './open.ts'

const bytes = (...values: number[]) => new Uint8Array(values)
const name = { backend: 'board', key: 'x' }
const entry = (seq: number) => ({ seq, envelope: bytes(0, seq), section: bytes(1, seq) })

async function open() {
  const journal = openDatabase(':memory:', { migrations: journalMigrations, synchronous: 'NORMAL' })
  const lock = openDatabase(':memory:', { migrations: [], synchronous: 'FULL' })
  const directory = await openDirectory({ lock, journal, clock: systemClock, random: systemRandom })
  return { directory, journal: openJournal(journal) }
}

const seqs = (recovered: { records: readonly { seq: number }[] }) =>
  recovered.records.map(({ seq }) => seq)

describe('the journal in SQLite', () => {
  it('gives back what was appended, with the claim that appended it', async () => {
    const { directory, journal } = await open()
    const claim = await directory.claim(name)
    expect(claim.epoch).toBe(1)
    expect(await journal.append(claim, entry(1))).toBe(true)
    expect(await journal.append(claim, { seq: 2, envelope: bytes(), section: bytes() })).toBe(true)
    const recovered = await journal.recover(claim)
    expect(recovered.records).toEqual([
      { seq: 1, epoch: 1, nonce: claim.nonce, envelope: bytes(0, 1), section: bytes(1, 1) },
      { seq: 2, epoch: 1, nonce: claim.nonce, envelope: bytes() },
    ])
    expect(recovered.snapshot).toBeUndefined()
  })

  it('refuses a superseded claim, a gap, a repetition and a forged nonce', async () => {
    const { directory, journal } = await open()
    const first = await directory.claim(name)
    expect(await journal.append(first, entry(1))).toBe(true)
    const second = await directory.claim(name)
    expect(second.epoch).toBe(2)
    const refused: [Claim, number][] = [
      [first, 2],
      [second, 3],
      [second, 1],
      [{ ...second, nonce: 'forged' }, 2],
      [{ ...second, epoch: 3 }, 2],
      [{ ...second, key: 'y' }, 1],
    ]
    for (const [claim, seq] of refused) expect(await journal.append(claim, entry(seq))).toBe(false)
    expect(await journal.snapshot(first, entry(1))).toBe(false)
    expect(await journal.snapshot(second, entry(9))).toBe(false)
    expect(seqs(await journal.recover(second))).toEqual([1])
    expect(await journal.append(second, entry(2))).toBe(true)
  })

  it('keeps the records since the snapshot before, for resumes', async () => {
    const { directory, journal } = await open()
    const claim = await directory.claim(name)
    await journal.snapshot(claim, entry(0))
    for (const seq of [1, 2, 3]) await journal.append(claim, entry(seq))
    await journal.snapshot(claim, entry(3))
    expect(seqs(await journal.recover(claim))).toEqual([1, 2, 3])
    await journal.append(claim, entry(4))
    await journal.snapshot(claim, entry(4))
    const recovered = await journal.recover(claim)
    expect(seqs(recovered)).toEqual([4])
    expect(recovered.snapshot).toEqual(entry(4))
  })

  it('keeps keys apart', async () => {
    const { directory, journal } = await open()
    const x = await directory.claim(name)
    const y = await directory.claim({ ...name, key: 'y' })
    await journal.append(x, entry(1))
    expect(seqs(await journal.recover(y))).toEqual([])
    expect(await journal.append(y, entry(1))).toBe(true)
  })
})

describe('the lock of a data folder', () => {
  const opened: { close(): void }[] = []
  afterEach(() => {
    for (const db of opened.splice(0)) db.close()
  })

  it('lets one process in at a time', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sojourn-lock-'))
    const openOnce = () => {
      const lock = openDatabase(`${folder}/lock.db`, { migrations: [], synchronous: 'FULL' })
      const journal = openDatabase(':memory:', {
        migrations: journalMigrations,
        synchronous: 'NORMAL',
      })
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
