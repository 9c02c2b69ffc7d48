/** What the suites of journals and directories work with. */
import assert from 'node:assert/strict'
import type { Awaitable, ErrorCode, SojournError } from '../base/core/index.ts'
import type { Claim, Recovered } from '../base/protocol/index.ts'
import type { Directory } from '../live/directory/directory.ts'
import type { Journal, JournalEntry, JournalWrite } from '../live/host/journal.ts'

/** A journal and the directory whose claims it believes, opened for one test. */
export interface JournalUnderTest {
  readonly journal: Journal
  readonly directory: Directory
  /**
   * The same data as the next process finds it after this one was killed: nothing may be finished
   * before. Absent where data end with the process.
   */
  reopen?(): Awaitable<JournalUnderTest>
  /** Makes every later call fail; called at the end of each test too. */
  close(): Awaitable<void>
}

/** One expectation of a store that was opened for it alone. */
export type JournalTest = (opened: JournalUnderTest) => Promise<void>

export const boardX = { backend: 'board', key: 'x' }

export function entryOf(seq: number, mark: number = seq): JournalEntry {
  return { seq, envelope: Uint8Array.of(0, mark & 255), section: Uint8Array.of(1, mark & 255) }
}

export function append(claim: Claim, seq: number, mark: number = seq): JournalWrite {
  return { claim, type: 'append', entry: entryOf(seq, mark) }
}

export function snapshot(claim: Claim, seq: number, mark: number = seq): JournalWrite {
  return { claim, type: 'snapshot', entry: entryOf(seq, mark) }
}

export function seqsOf({ records }: Recovered): number[] {
  return records.map(({ seq }) => seq)
}

export function hasCode(code: ErrorCode): (error: SojournError) => boolean {
  return (error) => {
    assert.equal(error.code, code)
    return true
  }
}

/** Drivers may return a Buffer; what counts are the bytes. */
export function plainRecovered({ snapshot, records }: Recovered): unknown {
  const plain = (of: { envelope: Uint8Array; section?: Uint8Array }): object => ({
    ...of,
    envelope: Uint8Array.from(of.envelope),
    ...(of.section && { section: Uint8Array.from(of.section) }),
  })
  return { records: records.map(plain), ...(snapshot && { snapshot: plain(snapshot) }) }
}
