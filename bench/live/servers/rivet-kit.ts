/** The last RivetKit that is a library: its file-system driver, in this process, no engine. */
import { actor, createFileSystemDriver, setup } from 'rivetkit'
import { movePlayers, openPlayers } from './players.ts'
import type { Serve } from './server.ts'

const counter = actor({
  state: { count: 0 },
  actions: {
    get: (c) => c.state.count,
    /** Saved within a second. */
    add(c) {
      c.state.count += 1
      c.broadcast('count', c.state.count)
      return c.state.count
    },
    /** Saved before it is answered. */
    async keep(c) {
      c.state.count += 1
      await c.saveState({ immediate: true })
      c.broadcast('count', c.state.count)
      return c.state.count
    },
  },
})

const players = actor({
  createState: () => ({ players: openPlayers().players }),
  createVars: openPlayers,
  actions: {
    get: (c) => c.state.players,
    move(c) {
      const tick = c.vars.next()
      movePlayers(c.state, tick)
      c.broadcast(
        'moved',
        tick.map(({ id, x, y }) => [id, x, y]),
      )
    },
  },
})

export const registry = (port: number, data: string) =>
  setup({
    use: { counter, players },
    driver: createFileSystemDriver({ path: data }),
    serveManager: true,
    managerHost: '127.0.0.1',
    managerPort: port,
    inspector: { enabled: false },
    noWelcome: true,
    logging: { level: 'error' },
  })

export const serve: Serve = async ({ port, data }) => {
  registry(port, data).start()
  await answers(port)
  return async () => {}
}

/** It doesn't say when it listens. */
async function answers(port: number): Promise<void> {
  for (let left = 100; ; left -= 1) {
    const isUp = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    )
    if (isUp) return
    if (left === 0) throw new Error('it does not listen')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
