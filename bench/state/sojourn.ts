import { replica, track } from 'sojourn/state'
import type { Change, Contestant } from './contestant.ts'

export function sojourn<State extends object, Tick>(
  change: Change<State, Tick>,
): Contestant<State, Tick> {
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
        // Reading the state belongs to the price of a frame: nothing may be left for later.
        if (copy.apply(frame) !== 'applied' || copy.state === undefined)
          throw new Error('The replica did not take the frame')
      }
      take(snapshot)
      return { take, state: () => copy.state }
    },
  }
}
