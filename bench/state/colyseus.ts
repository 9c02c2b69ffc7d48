/** Colyseus: a schema that both sides know, encoded by hand as its server does it. */
import { Decoder, Encoder, type Schema, schema, t } from '@colyseus/schema'
import type { Change, Client, Contestant, Server } from './contestant.ts'
import type { ListState, ListTick } from './list.ts'
import type { PlayersState, PlayersTick } from './players.ts'

// It warns when a state outgrows its buffer.
Encoder.BUFFER_SIZE = 256 * 1_024

function serve<State extends Schema, Tick>(
  state: State,
  change: Change<State, Tick>,
): Server<Tick> {
  const encoder = new Encoder(state)
  // What was written so far is part of every snapshot.
  encoder.discardChanges()
  return {
    snapshot: () => encoder.encodeAll(),
    send(tick) {
      change(state, tick)
      const bytes = encoder.encode()
      encoder.discardChanges()
      return bytes
    },
    state: () => state,
  }
}

function join(state: Schema, snapshot: Uint8Array): Client {
  const decoder = new Decoder(state)
  decoder.decode(snapshot)
  return { take: (frame) => void decoder.decode(frame), state: () => state }
}

function schemaOfPlayers(coordinate: 'number' | 'float64') {
  const Player = schema(
    { x: t[coordinate](), y: t[coordinate](), hp: t.number(), name: t.string() },
    `Player ${coordinate}`,
  )
  const State = schema({ players: t.map(Player) }, `Players ${coordinate}`)
  return { Player, State }
}

export function colyseusPlayers(
  coordinate: 'number' | 'float64',
  options: Pick<Contestant<PlayersState, PlayersTick>, 'name' | 'diverges'>,
): Contestant<PlayersState, PlayersTick> {
  const { Player, State } = schemaOfPlayers(coordinate)
  return {
    ...options,
    serve(initial) {
      const state = new State()
      for (const [id, player] of Object.entries(initial.players))
        state.players.set(id, new Player(player))
      return serve(state, ({ players }, tick: PlayersTick) => {
        for (const { id, x, y } of tick) {
          const player = players.get(id)!
          player.x = x
          player.y = y
        }
      })
    },
    join: (snapshot) => join(new State(), snapshot),
  }
}

const ListItem = schema({ id: t.string(), text: t.string(), done: t.boolean() }, 'ListItem')
const List = schema({ items: t.array(ListItem) }, 'List')

export function colyseusList(
  options: Pick<Contestant<ListState, ListTick>, 'name' | 'diverges'>,
): Contestant<ListState, ListTick> {
  return {
    ...options,
    serve(initial) {
      const state = new List()
      for (const item of initial.items) state.items.push(new ListItem(item))
      return serve(state, ({ items }, tick: ListTick) => {
        if (tick.operation === 'insert') {
          items.splice(tick.index, 0, new ListItem(tick.item))
        } else if (tick.operation === 'toggle') {
          const item = items[tick.index]!
          item.done = !item.done
        } else {
          const [item] = items.splice(tick.from, 1)
          items.splice(tick.to, 0, item!)
        }
      })
    },
    join: (snapshot) => join(new List(), snapshot),
  }
}
