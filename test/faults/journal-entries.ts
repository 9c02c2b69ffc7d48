/** What `journal-writer.ts` writes, and what must be found of it. */
import type { Recovered } from '../../src/base/protocol/index.ts'
import type { JournalEntry } from '../../src/live/host/journal.ts'
import { openSqlite } from '../../src/stores/sqlite/index.ts'

export const journalKeys = ['x', 'y'] as const
export type JournalKey = (typeof journalKeys)[number]

export function journalEntry(key: string, seq: number, bytes: number): JournalEntry {
  const envelope = Buffer.from(`${key} ${seq}`)
  return { seq, envelope, section: Buffer.alloc(bytes, envelope) }
}

/** What a new host finds. Recovery verifies that nothing is missing in between. */
export async function recoverKeys(data: string): Promise<ReadonlyMap<string, Recovered>> {
  const sqlite = openSqlite({ data })
  try {
    const directory = await sqlite.directory()
    const found = new Map<string, Recovered>()
    for (const key of journalKeys) {
      const claim = await directory.claim({ backend: 'board', key })
      found.set(key, await sqlite.journal().recover(claim))
    }
    return found
  } finally {
    sqlite.close()
  }
}

/** Words about every answered entry of these levels that isn't there, byte for byte. */
export function missing(
  answers: readonly string[],
  found: ReadonlyMap<string, Recovered>,
  {
    bytes = 100,
    levels = ['process', 'disk'],
  }: { bytes?: number; levels?: readonly string[] } = {},
): readonly string[] {
  return answers.filter((answer) => {
    const [key = '', number = '', level = ''] = answer.split(' ')
    if (!levels.includes(level)) return false
    const seq = Number(number)
    const { snapshot, records = [] } = found.get(key) ?? {}
    const record = records.find((record) => record.seq === seq)
    const { envelope, section } = journalEntry(key, seq, bytes)
    if (!record) return seq > (snapshot?.seq ?? 0)
    const isSame =
      Buffer.from(record.envelope).equals(envelope) &&
      Buffer.from(record.section ?? []).equals(section)
    return !isSame
  })
}
