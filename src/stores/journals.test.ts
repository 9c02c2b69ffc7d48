/** The conformance suites of journals and directories on every driver there is. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { openOwnedJournal } from '../../test/fakes/owned-journal.ts'
import { describeDirectory, describeJournal, type JournalUnderTest } from '../testing/index.ts'
import { openSqlite } from './sqlite/index.ts'

async function openIn(data: string): Promise<JournalUnderTest> {
  const sqlite = openSqlite({ data })
  const directory = await sqlite.directory()
  return {
    journal: sqlite.journal(),
    directory,
    close: () => sqlite.close(),
    async reopen() {
      // As the kernel does at the death of the process; all else stays as it is.
      await directory.close()
      return openIn(data)
    },
  }
}

async function openFile(): Promise<JournalUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-journal-'))
  const opened = await openIn(folder)
  return {
    ...opened,
    async close() {
      await opened.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function openVolatile(): Promise<JournalUnderTest> {
  const { reopen: _, ...opened } = await openIn(':memory:')
  return opened
}

for (const describeStore of [describeJournal, describeDirectory]) {
  describeStore('SQLite, in a file', openFile, { describe, it })
  describeStore('SQLite, in memory', openVolatile, { describe, it })
  describeStore('a list in memory', openOwnedJournal, { describe, it })
}
