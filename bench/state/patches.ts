/** Immutable updates: what they send is their patches as JSON. */
import { applyPatches, enablePatches, freeze, produceWithPatches } from 'immer'
import { apply, create } from 'mutative'
import type { Change, Contestant } from './contestant.ts'

enablePatches()

const encode = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
const decode = <T>(bytes: Uint8Array): T => JSON.parse((bytes as Buffer).toString()) as T

export function immer<State extends object, Tick>(
  change: Change<State, Tick>,
): Contestant<State, Tick> {
  return {
    name: 'immer + JSON',
    serve(initial) {
      let state = freeze(structuredClone(initial), true)
      return {
        snapshot: () => encode(state),
        send(tick) {
          const [next, patches] = produceWithPatches(state, (draft) => change(draft as State, tick))
          state = next
          return encode(patches)
        },
        state: () => state,
      }
    },
    join(snapshot) {
      let state = freeze(decode<State>(snapshot), true)
      return {
        take(frame) {
          state = applyPatches(state, decode(frame))
        },
        state: () => state,
      }
    },
  }
}

export function mutative<State extends object, Tick>(
  change: Change<State, Tick>,
): Contestant<State, Tick> {
  return {
    name: 'mutative + JSON',
    serve(initial) {
      let state = structuredClone(initial)
      return {
        snapshot: () => encode(state),
        send(tick) {
          const [next, patches] = create(state, (draft) => change(draft as State, tick), {
            enablePatches: true,
          })
          state = next as State
          return encode(patches)
        },
        state: () => state,
      }
    },
    join(snapshot) {
      let state = decode<State>(snapshot)
      return {
        take(frame) {
          state = apply(state, decode(frame)) as State
        },
        state: () => state,
      }
    },
  }
}
