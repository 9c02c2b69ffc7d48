/**
 * A process that counts in one session, as a server does, until it is killed. Each count that was
 * answered goes to stdout; two of these may share the file.
 */
import { writeSync } from 'node:fs'
import { openSqlite } from '../../src/stores/sqlite/index.ts'
import { openSessions } from '../../src/web/index.ts'

const [data = '', cookie = '', name = 'a'] = process.argv.slice(2)
const sqlite = openSqlite({ data })
const sessions = openSessions<Record<string, number>>({
  store: sqlite.sessions(),
  development: { port: 3000 },
})
const facts = { method: 'POST', headers: { host: 'localhost:3000', cookie }, isTls: false }
for (;;) {
  const visit = await sessions.visit(facts)
  const count = (visit.session.data[name] ?? 0) + 1
  visit.session.data[name] = count
  try {
    await visit.commit()
    writeSync(1, `${count}\n`)
  } catch (error) {
    // The other process was faster five times in a row: nothing was promised, so it tries again.
    if ((error as { code?: string }).code !== 'SESSION_CONFLICT') throw error
  }
}
