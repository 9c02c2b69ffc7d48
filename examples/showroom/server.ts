/** The showroom: a shop on web sessions, rooms on live sessions, one login for all. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { pino } from 'pino'
import { sojourn } from 'sojourn'
import { sessions } from 'sojourn/hono'
import { analyticsApi } from './analytics/api.ts'
import { boardDoor } from './board/authorize.ts'
import { roomsApi } from './rooms/api.ts'
import { readSettings } from './settings.ts'
import { shopApi } from './shop/api.ts'
import { accountApi } from './visitor/account-api.ts'
import { openAccounts } from './visitor/accounts.ts'
import { visitorApi } from './visitor/api.ts'
import { demoUsers } from './visitor/demo-users.ts'
import { handOverApi } from './visitor/handover-api.ts'
import { openUsers } from './visitor/users.ts'
import { newVisitor, Visitor } from './visitor/visitor.ts'
import { bodyGuard } from './web/body.ts'
import { answer, Refusal } from './web/refusal.ts'
import { assets, favicon, guard, sitePages, uncached, type Web } from './web/site.ts'

const settings = await readSettings(process.env)
const users = await openUsers(demoUsers)
/** Who may enter which room. */
const doors = { board: boardDoor(users) }

const app = await sojourn({
  data: settings.data,
  ...settings.address,
  log: pino({ level: settings.logLevel }),
  session: {
    schema: Visitor,
    initial: newVisitor,
    idleAfterMs: 30 * 60e3,
    endAfterMs: 12 * 3600e3,
    rememberForMs: 30 * 24 * 3600e3,
  },
  analytics: true,
  backends: {
    clicks: {
      module: new URL('./home/clicks.ts', import.meta.url),
      authorize: () => ({}),
      warm: 0,
    },
    board: {
      module: new URL('./board/board.ts', import.meta.url),
      authorize: doors.board,
      idleAfterMs: 30_000,
    },
  },
})

const accounts = openAccounts(join(settings.data, 'showroom.db'))
const tools = { users, accounts, sessions: app.sessions, ...settings }

const web = new Hono<Web>()
web.onError((error, c) => {
  if (error instanceof Refusal) return answer(c, error)
  // What nobody expected goes to the log, not to the visitor.
  const { status, headers, body } = app.sessions.problem(error)
  return new Response(body, { status, headers })
})
web.use(guard)
web.get('/assets/*', assets)
web.get('/favicon.svg', favicon)
web.use(uncached, sessions(app))
web.route('/', sitePages())
web.use('/api/*', bodyGuard)
web.route('/api', visitorApi(tools))
web.route('/api', accountApi(tools))
web.route('/api', handOverApi(tools))
web.route('/api', shopApi(tools))
web.route('/api', analyticsApi(app.analytics))
web.route(
  '/api',
  roomsApi({ instances: app.instances, doors, mayKill: 'development' in settings.address }),
)
web.notFound((c) => answer(c, new Refusal('ADDRESS_UNKNOWN', `Nothing is at ${c.req.path}.`)))

const server = createAdaptorServer({ fetch: web.fetch }) as Server
app.attach(server)
server.listen(settings.port, '127.0.0.1')
await once(server, 'listening')
console.log(`Showroom: http://localhost:${settings.port}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop())

async function stop(): Promise<void> {
  server.close()
  await app.close()
  server.closeAllConnections()
  accounts.close()
}
