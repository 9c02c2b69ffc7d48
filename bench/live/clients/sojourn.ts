import { type BackendType, connect, type Live } from 'sojourn/client'
import { WebSocket } from 'ws'
import type board from '../servers/board.ts'
import type counter from '../servers/counter.ts'
import type { Address, Client, Join } from './client.ts'

export const join: Join = async (address) => {
  if (address.kind === 'players') {
    const { live, close } = await enter<typeof board>(address)
    return {
      add: () => live.actions.move(),
      move: () => void live.actions.move().catch(() => {}),
      close,
    }
  }
  const { live, close } = await enter<typeof counter>(address)
  return { add: () => live.actions.add(), move: () => {}, pid: () => live.actions.pid(), close }
}

interface Entered<B extends BackendType> extends Pick<Client, 'close'> {
  readonly live: Live<B>
}

function enter<B extends BackendType>({ port, host, kind, key, onBack }: Address) {
  const live = connect<B>(`ws://127.0.0.1:${port}/live/${kind}/${key}`, {
    open: (url) => new WebSocket(url, { headers: { host }, perMessageDeflate: false }) as never,
  })
  let isLost = false
  return new Promise<Entered<B>>((resolve, reject) => {
    live.subscribe(() => {
      if (live.status === 'closed') reject(live.error)
      else if (live.status === 'stale') isLost = true
      else if (live.status === 'live') {
        if (isLost) onBack?.()
        isLost = false
        resolve({ live, close: () => live.close() })
      }
    })
  })
}
