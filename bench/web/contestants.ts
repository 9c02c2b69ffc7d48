/** Who takes part. Each runs in a process of its own and is compared to its framework without it. */
import type { App } from './frameworks.ts'
import type { Framework } from './ours.ts'

/** What a contestant is told when its process starts. */
export interface Place {
  readonly port: number
  /** Of a Redis of the bench's own. */
  readonly redis: string
}

export interface Entry {
  readonly framework: Framework
  /** The framework alone, or against itself: how much of a difference is noise. */
  readonly isBare?: boolean
  /** It does nothing for a request until it is asked. */
  readonly isOnDemand?: boolean
  open(place: Place): Promise<App>
}

const peers = () => import('./peers.ts')
const ours = () => import('./ours.ts')

const bare = (framework: Framework): Entry => ({
  framework,
  isBare: true,
  async open() {
    const { listenerOf, onExpress, onFastify, onHttp } = await import('./frameworks.ts')
    if (framework === 'Express') return onExpress()
    return framework === 'Fastify' ? onFastify() : onHttp(listenerOf())
  },
})
const sqlite = (framework: Framework): Entry => ({
  framework,
  open: async ({ port }) => (await ours()).onSqlite(framework, port),
})
const memory = (framework: Framework): Entry => ({
  framework,
  open: async ({ port }) => (await ours()).inMemory(framework, port),
})

export const contestants: Readonly<Record<string, Entry>> = {
  'bare Express': bare('Express'),
  'express-session, memory': {
    framework: 'Express',
    open: async () => (await peers()).expressSession(),
  },
  'express-session, Redis': {
    framework: 'Express',
    open: async ({ redis }) => (await peers()).expressSessionOnRedis(redis),
  },
  'sojourn on Express, SQLite': sqlite('Express'),
  'sojourn on Express, memory': memory('Express'),
  'bare Fastify': bare('Fastify'),
  '@fastify/session, memory': {
    framework: 'Fastify',
    open: async () => (await peers()).fastifySession(),
  },
  'sojourn on Fastify, SQLite': sqlite('Fastify'),
  'sojourn on Fastify, memory': memory('Fastify'),
  'bare node:http': bare('node:http'),
  'iron-session': {
    framework: 'node:http',
    isOnDemand: true,
    open: async () => (await peers()).ironSession(),
  },
  'better-auth, memory': {
    framework: 'node:http',
    isOnDemand: true,
    open: async ({ port }) => (await peers()).betterAuth(port),
  },
  'sojourn on node:http, SQLite': sqlite('node:http'),
  'sojourn on node:http, memory': memory('node:http'),
}
