/**
 * A host that writes the journal of two keys until it is killed, breaks or is through. What was
 * answered with a yes goes to stdout as `<key> <seq> <level>`, and `broken` when the journal says so.
 */
import { writeSync } from 'node:fs'
import type { Durability } from '../../src/base/protocol/index.ts'
import { Commits } from '../../src/live/host/commits.ts'
import { openSqlite } from '../../src/stores/sqlite/index.ts'
import { type JournalKey, journalEntry, journalKeys } from './journal-entries.ts'

const [data = '', rounds = '5', bytes = '100'] = process.argv.slice(2)
const sqlite = openSqlite({ data })
const directory = await sqlite.directory()
const journal = sqlite.journal()
let isBroken = false
const commits = new Commits({
  journal,
  defer: setImmediate,
  onBroken: () => {
    isBroken = true
    writeSync(1, 'broken\n')
  },
})

async function append(key: JournalKey, seq: number, level: Durability): Promise<void> {
  const claim = claims.get(key)
  if (!claim) throw new Error(key)
  const entry = journalEntry(key, seq, Number(bytes))
  try {
    const added = [commits.add(claim, 'append', entry, level)]
    if (seq % 3 === 0) added.push(commits.add(claim, 'snapshot', entry, level))
    if (await added[0]) writeSync(1, `${key} ${seq} ${level}\n`)
    await added[1]
  } catch {
    // Not answered, so nothing was promised; the next round shows that nothing is any more.
  }
}

const claims = new Map(
  await Promise.all(
    journalKeys.map(
      async (key) => [key, await directory.claim({ backend: 'board', key })] as const,
    ),
  ),
)
for (let seq = 1; seq <= Number(rounds); seq += 1)
  await Promise.all([append('x', seq, 'disk'), append('y', seq, seq % 2 ? 'process' : 'disk')])
if (!isBroken) sqlite.close()
process.exit(isBroken ? 3 : 0)
