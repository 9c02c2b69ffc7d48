import { once } from 'node:events'
import { createServer } from 'node:http'
import { Server } from 'socket.io'
import { movePlayers, openPlayers } from './players.ts'
import type { Serve } from './server.ts'

function openBoard() {
  const { players, next } = openPlayers()
  let count = 0
  return {
    snapshot: (kind: string) => (kind === 'players' ? { players } : { count }),
    add() {
      count += 1
      return count
    },
    move() {
      const tick = next()
      movePlayers({ players }, tick)
      return tick.map(({ id, x, y }) => [id, x, y])
    },
  }
}

export const serve: Serve = async ({ port }) => {
  const boards = new Map<string, ReturnType<typeof openBoard>>()
  const http = createServer()
  const io = new Server(http, { transports: ['websocket'], serveClient: false })
  io.on('connection', (socket) => {
    const { kind, key } = socket.handshake.query as Record<string, string>
    const room = `${kind}/${key}`
    const board = boards.get(room) ?? openBoard()
    boards.set(room, board)
    socket.join(room)
    socket.on('add', (answer: (count: number) => void) => {
      const count = board.add()
      socket.to(room).emit('count', count)
      answer(count)
    })
    socket.on('move', () => io.to(room).emit('moved', board.move()))
    socket.emit('state', board.snapshot(kind ?? ''))
  })
  http.listen(port, '127.0.0.1')
  await once(http, 'listening')
  return async () => void (await io.close())
}
