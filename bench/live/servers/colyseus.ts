/**
 * Colyseus, tuned: its clock for patches (20 a second) is off, and a message that changed the
 * state sends its patch at once. Nothing of it is durable.
 */
import { Room, Server } from '@colyseus/core'
import { schema, t } from '@colyseus/schema'
import { WebSocketTransport } from '@colyseus/ws-transport'
import { openPlayers } from './players.ts'
import type { Serve } from './server.ts'

const reconnectSeconds = 15

const Counter = schema({ count: t.number() }, 'Counter')
const Player = schema(
  // float64: `number` loses digits.
  { x: t.float64(), y: t.float64(), hp: t.number(), name: t.string() },
  'Player',
)
const Players = schema({ players: t.map(Player) }, 'Players')

class Board extends Room {
  override patchRate = null
  override async onDrop(client: never) {
    await this.allowReconnection(client, reconnectSeconds)
  }
}

class CounterRoom extends Board {
  override state = new Counter()
  override messages = {
    add: () => {
      this.state.count += 1
      this.broadcastPatch()
    },
  }
  override onCreate() {
    this.state.count = 0
  }
}

class PlayersRoom extends Board {
  readonly #work = openPlayers()
  override state = new Players()
  override messages = {
    move: () => {
      const tick = this.#work.next()
      for (const { id, x, y } of tick) {
        const player = this.state.players.get(id)!
        player.x = x
        player.y = y
      }
      this.broadcastPatch()
    },
  }
  override onCreate() {
    for (const [id, player] of Object.entries(this.#work.players))
      this.state.players.set(id, new Player(player))
  }
}

export const serve: Serve = async ({ port }) => {
  const transport = new WebSocketTransport()
  const server = new Server({ greet: false, gracefullyShutdown: false, transport })
  server.define('counter', CounterRoom).filterBy(['key'])
  server.define('players', PlayersRoom).filterBy(['key'])
  await server.listen(port, '127.0.0.1')
  return () => server.gracefullyShutdown(false)
}
