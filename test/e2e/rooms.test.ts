/** Who is killed by whom in the showroom, by a clock of the test's own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Hono } from 'hono'
import type { InstanceNews } from 'sojourn'
import { expect, it } from 'vitest'
import { livesAtLeastMs, roomsApi } from '../../examples/showroom/rooms/api.ts'
import { answer, type Refusal } from '../../examples/showroom/web/refusal.ts'
import type { Web } from '../../examples/showroom/web/site.ts'
import { isAlive } from './scratch.ts'

it('spares a process that has only just started', async () => {
  const victim = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'])
  const gone = once(victim, 'exit')
  const pid = victim.pid ?? 0
  const name = { backend: 'board', key: 'lobby' }
  const sinceMs = 5_000
  let nowMs = sinceMs + livesAtLeastMs - 1
  const instances = {
    get: () => ({ ...name, phase: 'ready', pid, sinceMs }),
    follow(listener: (news: InstanceNews) => void) {
      gone.then(() => listener({ type: 'change', ...name, phase: 'stopped' } as never))
      return () => {}
    },
  }
  const doors = { board: () => true }
  const tools = { instances: instances as never, doors, mayKill: true, nowMs: () => nowMs }
  const web = new Hono<Web>()
  web.onError((error, c) => answer(c, error as Refusal))
  web.route('/', roomsApi(tools))
  const kill = () =>
    web.request('/rooms/board/lobby/kill', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ pid }),
    })
  try {
    const spared = await kill()
    expect(await spared.json()).toMatchObject({ error: { code: 'PROCESS_YOUNG' } })
    expect(isAlive(pid)).toBe(true)
    nowMs += 1
    expect((await kill()).status).toBe(204)
    expect(isAlive(pid)).toBe(false)
  } finally {
    victim.kill('SIGKILL')
  }
})
