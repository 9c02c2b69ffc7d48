/** An application with a live half, in a process of its own: it is killed, and started again. */
import { createServer } from 'node:http'
import { sojourn } from '../../../src/app/index.ts'
import { silentLog } from '../../../src/base/core/index.ts'

const [data = '', port = ''] = process.argv.slice(2)

const listed = (level: 'process' | 'disk', idleAfterMs: number, perProcess: number) => ({
  module: new URL(`./backends/at-${level}.ts`, import.meta.url),
  authorize: () => true,
  idleAfterMs,
  perProcess,
})

const app = await sojourn({
  data,
  development: { port: Number(port) },
  log: silentLog,
  backends: {
    // One that sleeps only when its clients do, and one that is put to sleep amid their work.
    process: listed('process', 1_300, 2),
    disk: listed('disk', 700, 1),
  },
})
const server = createServer()
app.attach(server)
server.listen(Number(port), 'localhost', () => process.send?.('ready'))

process.on('message', async () => {
  await app.close()
  process.exit(0)
})
// Whoever started it has died.
process.on('disconnect', () => process.exit(0))
