/** Sojourn on a scratch folder, as its users run it: their process, its host, its instances. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { sojourn } from 'sojourn'
import { plainJs } from '../plain-js.ts'
import type { Serve } from './server.ts'

/** The longest that the bench leaves a key alone. */
const idleAfterMs = 60_000

export const serve: Serve = async ({ port, data, mode }) => {
  const { level = 'process', ...plan } = mode
  const { warm = 0, ...others } = plan
  const options = {
    authorize: () => true,
    env: { BENCH_LEVEL: level },
    idleAfterMs,
    warm: 0,
    ...others,
  }
  const app = await sojourn({
    data,
    development: { port },
    log: { debug() {}, info() {}, warn() {}, error: console.error },
    backends: {
      counter: { module: plainJs(new URL('counter.ts', import.meta.url)), ...options, warm },
      site: {
        command: [process.execPath, fileURLToPath(new URL('site.ts', import.meta.url))],
        authorize: () => true,
      },
      players: { module: new URL('board.ts', import.meta.url), ...options },
    },
  })
  const server = createServer()
  app.attach(server)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return () => app.close()
}
