import { io } from 'socket.io-client'
import { movePlayers, type PlayersState } from '../../state/players.ts'
import type { Join } from './client.ts'

export const join: Join = ({ port, kind, key, onBack }) =>
  new Promise((resolve, reject) => {
    const socket = io(`http://127.0.0.1:${port}`, {
      query: { kind, key },
      transports: ['websocket'],
      forceNew: true,
    })
    let state: (PlayersState & { count: number }) | undefined
    socket.on('connect_error', (error) => state || reject(error))
    socket.on('state', (sent) => {
      const isBack = state !== undefined
      state = sent
      if (isBack) onBack?.()
      resolve({
        add: () => socket.emitWithAck('add'),
        move: () => void socket.emit('move'),
        close: () => void socket.close(),
      })
    })
    socket.on('count', (count) => {
      state!.count = count
    })
    socket.on('moved', (moved) =>
      movePlayers(
        state!,
        moved.map(([id, x, y]: never[]) => ({ id, x, y })),
      ),
    )
  })
