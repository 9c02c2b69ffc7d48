/** The end of a session reaches what is open in other processes. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { promisify } from 'node:util'
import { afterAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { sojourn } from '../../src/app/index.ts'
import { silentLog } from '../../src/base/core/index.ts'
import { sessions } from '../../src/web/adapters/node.ts'
import { freePort, scratchFolder } from '../e2e/scratch.ts'

const folder = scratchFolder()
const port = await freePort()
const app = await sojourn({
  data: folder.path,
  development: { port },
  log: silentLog,
  backends: {
    log: {
      module: new URL('./backends/log.ts', import.meta.url),
      authorize: ({ session }) => session?.user && {},
    },
  },
})
const server = createServer(
  sessions(app, ({ session, url = '' }, response) => {
    if (url !== '/') session.login(url.slice(1))
    response.end(session.user?.id)
  }),
)
app.attach(server)
await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))

afterAll(async () => {
  await app.close()
  server.close().closeAllConnections()
  folder.remove()
})

async function enter(user: string): Promise<WebSocket> {
  const response = await fetch(`http://127.0.0.1:${port}/${user}`)
  const cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const origin = `http://localhost:${port}`
  const headers = { cookie, origin, host: `localhost:${port}` }
  const socket = new WebSocket(`ws://127.0.0.1:${port}/live/log/room`, { headers })
  await once(socket, 'open')
  return socket
}

it('F69, I19: closes the connections of a user whom another process logged out, and no others', async () => {
  const [ada, bob] = [await enter('ada'), await enter('bob')]
  const closed = once(ada, 'close')
  const script = new URL('./revoke-elsewhere.ts', import.meta.url).pathname
  const { stdout } = await promisify(execFile)(process.execPath, [script, folder.path, 'ada'])
  expect(stdout).toBe('1')
  const [code, reason] = (await closed) as [number, Buffer]
  expect([code, String(reason)]).toEqual([4401, 'SESSION_ENDED'])
  expect(bob.readyState).toBe(WebSocket.OPEN)
  bob.terminate()
})
