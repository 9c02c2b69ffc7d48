/** 100 players of which ten move in a tick: the work of the fan-out, the same for everybody. */
import { movePlayers, type Player, type PlayersTick, playersCase } from '../../state/players.ts'

export type { Player, PlayersTick }
export { movePlayers }

/** The first state, and where ten of them go next. */
export function openPlayers(): {
  readonly players: Record<string, Player>
  next(): PlayersTick
} {
  const { initial, ticks } = playersCase(2)
  let at = 0
  return {
    players: initial.players,
    next() {
      at += 1
      return ticks[at % ticks.length]!
    },
  }
}
