/** ws and JSON written by hand: the least that does the work, and none of the guarantees. */
import { once } from 'node:events'
import { type WebSocket, WebSocketServer } from 'ws'
import { movePlayers, openPlayers } from './players.ts'
import type { Serve } from './server.ts'

interface Room {
  readonly sockets: Set<WebSocket>
  snapshot(): string
  /** The patch that everybody is told. */
  take(action: string): string
}

function openCounter(): Room {
  let count = 0
  return {
    sockets: new Set(),
    snapshot: () => JSON.stringify({ count }),
    take() {
      count += 1
      return `"count":${count}`
    },
  }
}

function openBoard(): Room {
  const { players, next } = openPlayers()
  return {
    sockets: new Set(),
    snapshot: () => JSON.stringify({ players }),
    take() {
      const tick = next()
      movePlayers({ players }, tick)
      return `"moved":${JSON.stringify(tick.map(({ id, x, y }) => [id, x, y]))}`
    },
  }
}

export const serve: Serve = async ({ port }) => {
  const rooms = new Map<string, Room>()
  const server = new WebSocketServer({ port, host: '127.0.0.1' })
  server.on('connection', (socket, { url = '' }) => {
    const room = rooms.get(url) ?? (url.startsWith('/players/') ? openBoard() : openCounter())
    rooms.set(url, room)
    room.sockets.add(socket)
    socket.on('close', () => room.sockets.delete(socket))
    socket.on('message', (data) => {
      const { n, action } = JSON.parse(String(data)) as { n: number; action: string }
      const patch = room.take(action)
      const bytes = Buffer.from(`{${patch}}`)
      for (const other of room.sockets) if (other !== socket) other.send(bytes, { binary: false })
      socket.send(`{"n":${n},${patch}}`)
    })
    socket.send(room.snapshot())
  })
  await once(server, 'listening')
  return async () => server.close()
}
