/** Sojourn on a scratch folder, with the counter. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sojourn } from 'sojourn'

const port = Number(process.argv[2])
const data = mkdtempSync(join(tmpdir(), 'sojourn-bench-'))
const app = await sojourn({
  data,
  development: { port },
  log: { debug() {}, info() {}, warn() {}, error: console.error },
  backends: {
    counter: { module: new URL('./counter.ts', import.meta.url), authorize: () => true },
  },
})
const server = createServer()
app.attach(server)
server.listen(port, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('message', async () => {
  await app.close()
  rmSync(data, { recursive: true, force: true })
  process.exit(0)
})
