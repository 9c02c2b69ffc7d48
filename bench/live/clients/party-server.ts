import { PartySocket } from 'partysocket'
import { movePlayers, type PlayersState } from '../../state/players.ts'
import { Calls } from './calls.ts'
import type { Join } from './client.ts'

export const join: Join = ({ port, kind, key, mode, onBack }) =>
  new Promise((resolve) => {
    const party = kind === 'counter' && mode.durable ? 'durable' : kind
    const socket = new PartySocket({ host: `127.0.0.1:${port}`, party, room: key })
    const calls = new Calls()
    let state: (PlayersState & { count: number }) | undefined
    let isLost = false
    socket.onclose = () => {
      isLost = true
      calls.fail(new Error('the connection was lost'))
    }
    socket.onmessage = ({ data }) => {
      const said = JSON.parse(data)
      if (said.moved)
        movePlayers(
          state!,
          said.moved.map(([id, x, y]: never[]) => ({ id, x, y })),
        )
      else state = said
      if (said.n) calls.settle(said.n)
      if (isLost) onBack?.()
      isLost = false
      resolve({
        add: () => calls.open((n) => socket.send(`{"n":${n}}`)),
        move: () => socket.send('{}'),
        close: () => socket.close(),
      })
    }
  })
