import { movePlayers, type PlayersState } from '../../state/players.ts'
import { Calls } from './calls.ts'
import type { Join } from './client.ts'

/** Comes back by nothing: a loss is the end of it. */
export const join: Join = ({ port, kind, key }) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/${kind}/${key}`)
    const calls = new Calls()
    let state: (PlayersState & { count: number }) | undefined
    socket.onerror = () => reject(new Error('no connection'))
    socket.onclose = () => calls.fail(new Error('the connection was lost'))
    socket.onmessage = ({ data }) => {
      const said = JSON.parse(data)
      if (!state) {
        state = said
        resolve({
          add: () => calls.open((n) => socket.send(`{"n":${n},"action":"add"}`)),
          move: () => socket.send('{"n":0,"action":"move"}'),
          close: () => socket.close(),
        })
        return
      }
      if (said.moved)
        movePlayers(
          state,
          said.moved.map(([id, x, y]: never[]) => ({ id, x, y })),
        )
      else state.count = said.count
      if (said.n) calls.settle(said.n)
    }
  })
