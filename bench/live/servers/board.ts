/** Sojourn's players. */
import { backend } from 'sojourn/backend'
import { movePlayers, openPlayers } from './players.ts'

const { players, next } = openPlayers()

export default backend({
  level: process.env['BENCH_LEVEL'] as 'process',
  state: () => ({ players }),
  actions: (action) => ({
    move: action((ctx) => movePlayers(ctx.state, next())),
  }),
})
