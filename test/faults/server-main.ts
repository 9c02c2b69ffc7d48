/** A whole server in a process of its own: sessions, a door, and backends that misbehave at a word. */
import { createServer } from 'node:http'
import { sojourn } from '../../src/app/index.ts'
import { logVia, plainFacts } from '../../src/base/core/index.ts'
import { sessions } from '../../src/web/adapters/node.ts'

const [data = '', port = ''] = process.argv.slice(2)
const app = await sojourn({
  data,
  development: { port: Number(port) },
  log: logVia((level, facts, message) =>
    console.log(JSON.stringify({ level, ...plainFacts(facts), message })),
  ),
  session: { initial: () => ({ secret: '' }) },
  backends: {
    log: {
      module: new URL('./backends/log.ts', import.meta.url),
      authorize: ({ session }) => ({ role: session ? 'member' : 'guest' }),
      warm: 0,
    },
  },
})
const server = createServer(
  sessions(app, ({ session, url = '' }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://localhost')
    if (pathname === '/login') {
      session.login('ada')
      session.data.secret = searchParams.get('secret') ?? ''
    }
    if (pathname === '/fail') throw new Error('a fault of the application')
    response.end('ok')
  }),
)
app.attach(server)
server.listen(Number(port), '127.0.0.1', () => console.log('listening'))
