/** Sojourn on a scratch folder, as its users run it: their process, its host, its instances. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { sojourn } from 'sojourn'
import { backend } from 'sojourn/backend'
import { plainJs } from '../plain-js.ts'
import type { Serve } from './server.ts'

/** The longest that the bench leaves a key alone. */
const idleAfterMs = 60_000

export const serve: Serve = async ({ port, data, mode }) => {
  const { level = 'process', ...plan } = mode
  if (level !== 'process' && !knowsLevels()) throw new Error('backend() has no `level` yet')
  const options = {
    authorize: () => true,
    env: { BENCH_LEVEL: level },
    idleAfterMs,
    ...plan,
  }
  const app = await sojourn({
    data,
    development: { port },
    log: { debug() {}, info() {}, warn() {}, error: console.error },
    backends: {
      counter: { module: plainJs(new URL('counter.ts', import.meta.url)), ...options },
      players: { module: new URL('board.ts', import.meta.url), ...options },
    },
  })
  const server = createServer()
  app.attach(server)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return () => app.close()
}

/** An option that is ignored would put the figures of one level under the name of another. */
function knowsLevels(): boolean {
  try {
    backend({ state: () => ({}), level: 'none' } as never)
    return false
  } catch {
    return true
  }
}
