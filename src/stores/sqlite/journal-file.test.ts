import type { NoParamCallback } from 'node:fs'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { journalMigrations } from './journal.ts'
import { JournalFile } from './journal-file.ts'

/** Flushes that began and did not end. */
const flushes: NoParamCallback[] = []
vi.mock('node:fs', async (original) => ({
  ...(await original<typeof import('node:fs')>()),
  fdatasync: (_: number, done: NoParamCallback) => flushes.push(done),
}))

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
let folder: string
let file: JournalFile

beforeEach(() => {
  flushes.splice(0)
  folder = mkdtempSync(join(tmpdir(), 'sojourn-file-'))
  file = new JournalFile(join(folder, 'journal.db'), journalMigrations)
})
afterEach(() => {
  file.close()
  for (const done of flushes.splice(0)) done(null)
  rmSync(folder, { recursive: true, force: true })
})

/** Asks for a sync and remembers how it ended. */
function sync() {
  const seen: { ended?: string } = {}
  file.sync().then(
    () => {
      seen.ended = 'durable'
    },
    (error) => {
      seen.ended = error.code
    },
  )
  return seen
}

it('begins a flush behind what was written, one at a time, shared by all who wait', async () => {
  const first = sync()
  const late = [sync(), sync()]
  await settle()
  expect(flushes).toHaveLength(1)
  flushes.shift()?.(null)
  await settle()
  expect([first.ended, ...late.map(({ ended }) => ended)]).toEqual([
    'durable',
    undefined,
    undefined,
  ])
  expect(flushes).toHaveLength(1)
  const last = sync()
  flushes.shift()?.(null)
  await settle()
  expect([...late, last].map(({ ended }) => ended)).toEqual(['durable', 'durable', undefined])
  flushes.shift()?.(null)
  await settle()
  expect(last.ended).toBe('durable')
  expect(flushes).toHaveLength(0)
})

it('trusts a disk never again that failed once', async () => {
  const failed = [sync(), sync()]
  flushes.shift()?.(new Error('EIO'))
  await settle()
  failed.push(sync())
  await settle()
  expect(failed.map(({ ended }) => ended)).toEqual(Array(3).fill('STORE_UNAVAILABLE'))
  expect(flushes).toHaveLength(0)
  const isUnavailable = expect.objectContaining({ code: 'STORE_UNAVAILABLE' })
  expect(() => file.write(() => 1, 1)).toThrow(isUnavailable)
  expect(() => file.read(() => 1)).toThrow(isUnavailable)
})
