/** Scenario: 100 players under ids of nine characters, ten of which move in each tick. */
import { seeded } from './random.ts'

export interface Player {
  x: number
  y: number
  hp: number
  name: string
}

export interface PlayersState {
  players: Record<string, Player>
}

/** Where ten players go. */
export type PlayersTick = readonly { readonly id: string; readonly x: number; readonly y: number }[]

const playerCount = 100
const movesPerTick = 10
const tickCount = 100
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

export function movePlayers({ players }: PlayersState, tick: PlayersTick): void {
  for (const { id, x, y } of tick) {
    const player = players[id]!
    player.x = x
    player.y = y
  }
}

/** The first state and what happens to it; coordinates are below 1,000. */
export function playersCase(decimals: 0 | 2): { initial: PlayersState; ticks: PlayersTick[] } {
  const random = seeded(17)
  const coordinate = () => Math.floor(random() * 1_000 * 10 ** decimals) / 10 ** decimals
  const character = () => alphabet.charAt(Math.floor(random() * alphabet.length))
  const ids = Array.from({ length: playerCount }, () =>
    Array.from({ length: 9 }, character).join(''),
  )
  const player = (_: string, index: number): Player => ({
    x: coordinate(),
    y: coordinate(),
    hp: Math.floor(random() * 101),
    name: `Player ${index + 1}`,
  })
  const initial = { players: Object.fromEntries(ids.map((id, at) => [id, player(id, at)])) }
  const ticks = Array.from({ length: tickCount }, () => {
    const moved = new Set<string>()
    while (moved.size < movesPerTick) moved.add(ids[Math.floor(random() * ids.length)]!)
    return Array.from(moved, (id) => ({ id, x: coordinate(), y: coordinate() }))
  })
  return { initial, ticks }
}
