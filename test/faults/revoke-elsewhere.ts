/** A process of its own on the same sessions: ends all of a user. */
import { openSqlite } from '../../src/stores/sqlite/index.ts'
import { createSessions } from '../../src/web/index.ts'

const [data = '', user = ''] = process.argv.slice(2)
const sqlite = openSqlite({ data })
const sessions = createSessions({ store: sqlite.sessions(), development: { port: 1 } })
process.stdout.write(String(await sessions.revokeUser(user)))
sqlite.close()
