/** PartyServer on workerd, started by miniflare; clients talk to workerd itself. */
import { readFileSync } from 'node:fs'
import { createRequire, stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Log, LogLevel, Miniflare } from 'miniflare'
import type { Serve } from './server.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const packages = join(root, 'node_modules/partyserver')

/** workerd knows modules by name only: what is imported as `x` must be one named `x`. */
function moduleOf(path: string, file: string) {
  const text = readFileSync(file, 'utf8')
  const contents = file.endsWith('.ts') ? stripTypeScriptTypes(text) : text
  return { type: 'ESModule' as const, path, contents }
}

function modules() {
  const own = (file: string) => moduleOf(`/live/servers/${file}`, join(root, 'live/servers', file))
  const work = (file: string) => moduleOf(`/state/${file}`, join(root, 'state', file))
  const nanoid = join(createRequire(join(packages, 'dist/index.js')).resolve('nanoid'), '..')
  return [
    own('party-worker.ts'),
    own('players.ts'),
    work('players.ts'),
    work('random.ts'),
    moduleOf('/live/servers/partyserver', join(packages, 'dist/index.js')),
    moduleOf('/live/servers/nanoid', join(nanoid, 'index.browser.js')),
    moduleOf('/live/servers/url-alphabet/index.js', join(nanoid, 'url-alphabet/index.js')),
  ]
}

export const serve: Serve = async ({ port, data }) => {
  const object = (className: string) => ({ className, useSQLite: true })
  const miniflare = new Miniflare({
    host: '127.0.0.1',
    port,
    log: new Log(LogLevel.ERROR),
    compatibilityDate: '2026-07-01',
    modulesRoot: '/',
    modules: modules(),
    durableObjects: {
      Counter: object('Counter'),
      Durable: object('Durable'),
      Players: object('Players'),
    },
    durableObjectsPersist: data,
  } as ConstructorParameters<typeof Miniflare>[0])
  await miniflare.ready
  return () => miniflare.dispose()
}
