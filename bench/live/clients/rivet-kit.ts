import { createClient } from 'rivetkit/client'
import { movePlayers, type PlayersState } from '../../state/players.ts'
import type { registry } from '../servers/rivet-kit.ts'
import type { Join } from './client.ts'

/** It has no state at the client: the first state is the answer of an action, changes are events. */
export const join: Join = async ({ port, kind, key, mode }) => {
  const client = createClient<ReturnType<typeof registry>>({
    endpoint: `http://127.0.0.1:${port}`,
    encoding: 'bare',
  })
  if (kind === 'players') {
    const connection = client.players.getOrCreate([key]).connect()
    const state = { players: await connection.get() } as PlayersState
    connection.on('moved', (moved) =>
      movePlayers(
        state,
        (moved as never[][]).map(([id, x, y]) => ({ id, x, y }) as never),
      ),
    )
    return {
      add: () => connection.move(),
      move: () => void connection.move().catch(() => {}),
      close: () => void connection.dispose(),
    }
  }
  const connection = client.counter.getOrCreate([key]).connect()
  await connection.get()
  return {
    add: () => (mode.durable ? connection.keep() : connection.add()),
    move: () => {},
    close: () => void connection.dispose(),
  }
}
