/** Ours. The changes are written out again: a loop that others share is compiled for all of them. */
import { replica, track } from 'sojourn/state'
import type { Change, Contestant } from './contestant.ts'
import type { ListState, ListTick } from './list.ts'
import type { PlayersState, PlayersTick } from './players.ts'

function sojourn<State extends object, Tick>(change: Change<State, Tick>): Contestant<State, Tick> {
  return {
    name: 'sojourn',
    serve(initial) {
      const tracked = track(initial)
      return {
        snapshot: () => tracked.snapshot(),
        send(tick) {
          change(tracked.state, tick)
          return tracked.flush()!
        },
        state: () => tracked.state,
      }
    },
    join(snapshot) {
      const copy = replica<State>()
      const take = (frame: Uint8Array) => {
        if (copy.apply(frame) !== 'applied') throw new Error('The replica did not take the frame')
      }
      take(snapshot)
      return { take, state: () => copy.state }
    },
  }
}

export const sojournPlayers: Contestant<PlayersState, PlayersTick> = sojourn(
  ({ players }, tick) => {
    for (const { id, x, y } of tick) {
      const player = players[id]!
      player.x = x
      player.y = y
    }
  },
)

export const sojournList: Contestant<ListState, ListTick> = sojourn(({ items }, tick) => {
  if (tick.operation === 'insert') {
    items.splice(tick.index, 0, { ...tick.item })
  } else if (tick.operation === 'toggle') {
    const item = items[tick.index]!
    item.done = !item.done
  } else {
    const [item] = items.splice(tick.from, 1)
    items.splice(tick.to, 0, item!)
  }
})
