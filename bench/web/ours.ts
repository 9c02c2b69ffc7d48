/** Sojourn: on SQLite as the platform uses it, on disk; and in memory. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSessions, type Session, type Sessions, sojourn } from 'sojourn'
import { sessions as expressSessions } from 'sojourn/express'
import { sessions as fastifySessions } from 'sojourn/fastify'
import { sessions as httpSessions } from 'sojourn/node'
import { openMemory } from 'sojourn/stores/memory'
import type { Bag } from './data.ts'
import { type App, listenerOf, onExpress, onFastify, onHttp } from './frameworks.ts'
import type { Held } from './routes.ts'

export type Framework = 'node:http' | 'Express' | 'Fastify'

const silent = { debug() {}, info() {}, warn() {}, error: console.error }

export async function onSqlite(framework: Framework, port: number): Promise<App> {
  const data = mkdtempSync(join(tmpdir(), 'sojourn-bench-'))
  process.on('exit', () => rmSync(data, { recursive: true, force: true }))
  const { sessions } = await sojourn<Bag>({ data, development: { port }, log: silent })
  return on(framework, sessions)
}

export async function inMemory(framework: Framework, port: number): Promise<App> {
  const store = openMemory().sessions()
  return on(framework, createSessions<Bag>({ store, development: { port } }))
}

function on(framework: Framework, sessions: Sessions<Bag>): App {
  const hold = ({ session }: { readonly session: Session<Bag> }): Held => ({
    data: session.data,
    end: () => session.logout(),
  })
  if (framework === 'Express') return onExpress(expressSessions(sessions), hold)
  if (framework === 'Fastify')
    return onFastify((app) => void app.register(fastifySessions(sessions)), hold)
  return onHttp(httpSessions(sessions, listenerOf(hold)))
}
