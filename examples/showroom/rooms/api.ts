/** The process behind a room, for whoever may enter it: see it, and in development kill it. */
import { Hono } from 'hono'
import { type InstanceInfo, type Instances, isSojournError } from 'sojourn'
import { z } from 'zod'
import type { VisitorSession } from '../visitor/visitor.ts'
import { readBody } from '../web/body.ts'
import { Refusal } from '../web/refusal.ts'
import type { Web } from '../web/site.ts'

/** The rule of a backend, which its gateway asks too. */
type Door = (visit: { session: VisitorSession; key: string }) => unknown

export interface ProcessView {
  /** Null while none is needed: nobody is there, or everybody is quiet. */
  readonly pid: number | null
  readonly startedAtMs: number | null
  readonly mayKill: boolean
}

interface Tools {
  readonly instances: Instances
  /** Who may enter, by backend. */
  readonly doors: Readonly<Record<string, Door>>
  /** Whether this server may kill what it runs: never in production. */
  readonly mayKill: boolean
  /** The wall time; default: the machine's. */
  readonly nowMs?: () => number
}

const Victim = z.object({ pid: z.int() })
/** Whoever lives that long has no crashes on record, so no visitor can get a room parked. */
export const livesAtLeastMs = 3_000

export function roomsApi({ instances, doors, mayKill, nowMs = Date.now }: Tools): Hono<Web> {
  const api = new Hono<Web>()

  async function requireEntry(session: VisitorSession, backend: string, key: string) {
    const door = Object.hasOwn(doors, backend) ? doors[backend] : undefined
    if (!door) throw new Refusal('ADDRESS_UNKNOWN', `There is no room ${backend}.`)
    if (!(await door({ session, key })))
      throw new Refusal('ROOM_REFUSED', `The room ${backend} / ${key} is not for you.`)
  }

  api.get('/rooms/:backend/:key', async (c) => {
    const { backend, key } = c.req.param()
    await requireEntry(c.get('session'), backend, key)
    const running = runningOf(instances, backend, key)
    return c.json<ProcessView>({
      pid: running?.pid ?? null,
      startedAtMs: running?.sinceMs ?? null,
      mayKill,
    })
  })

  if (mayKill)
    api.post('/rooms/:backend/:key/kill', async (c) => {
      const { backend, key } = c.req.param()
      const { pid } = await readBody(c, Victim)
      await requireEntry(c.get('session'), backend, key)
      const running = runningOf(instances, backend, key)
      // Only the process that the visitor has seen: a second click doesn't hit the next one.
      if (!running?.pid || running.pid !== pid)
        throw new Refusal('PROCESS_GONE', `Process ${pid} does not serve this room any more.`)
      if (nowMs() - running.sinceMs < livesAtLeastMs)
        throw new Refusal('PROCESS_YOUNG', `Process ${pid} has only just started.`)
      await kill(instances, backend, key, pid)
      return c.body(null, 204)
    })

  return api
}

/** The instance, while it has a process. */
function runningOf(instances: Instances, backend: string, key: string): InstanceInfo | undefined {
  try {
    const instance = instances.get(backend, key)
    return instance.phase === 'ready' ? instance : undefined
  } catch (error) {
    if (isSojournError(error) && error.code === 'INSTANCE_UNKNOWN') return undefined
    throw error
  }
}

/** Resolves when its host has noticed. */
async function kill(instances: Instances, backend: string, key: string, pid: number) {
  const ended = Promise.withResolvers<void>()
  const unfollow = instances.follow((news) => {
    const isIt = news.type === 'change' && news.backend === backend && news.key === key
    if (isIt && news.phase === 'stopped') ended.resolve()
  })
  try {
    process.kill(pid, 'SIGKILL')
    await ended.promise
  } finally {
    unfollow()
  }
}
