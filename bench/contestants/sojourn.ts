/** Sojourn on a scratch folder: routes that leave, read and write the session, and the counter. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sojourn } from 'sojourn'
import { sessions } from 'sojourn/node'

const port = Number(process.argv[2])
const data = mkdtempSync(join(tmpdir(), 'sojourn-bench-'))
const app = await sojourn({
  data,
  development: { port },
  log: { debug() {}, info() {}, warn() {}, error: console.error },
  session: { initial: () => ({ visits: 0, theme: 'light', cart: { apple: 2, pear: 1 } }) },
  backends: {
    counter: { module: new URL('./counter.ts', import.meta.url), authorize: () => true },
  },
})
const server = createServer(
  sessions(app, ({ url, session }, response) => {
    if (url === '/untouched') {
      response.end('{"visits":1}')
      return
    }
    if (url === '/write') session.data.visits += 1
    response.end(`{"visits":${session.data.visits}}`)
  }),
)
app.attach(server)
server.listen(port, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('message', async () => {
  await app.close()
  rmSync(data, { recursive: true, force: true })
  process.exit(0)
})
