/**
 * Goes once through what every first client meets, with a backend of nothing: a process that waits
 * has the time to compile its code, the client who waits for it hasn't.
 */
import { Duplex } from 'node:stream'
import type { WebSocketServer } from 'ws'
import { silentLog, systemClock, systemRandom } from '../../base/core/index.ts'
import { encodeFromClient, protocolVersion } from '../../base/protocol/index.ts'
import { type Backend, backend } from './define.ts'
import { Instance } from './instance.ts'

const play = backend({
  state: () => ({ lines: [] as string[] }),
  actions: (action) => ({ add: action((ctx) => ctx.state.lines.push('x')) }),
})
const upgrade = {
  method: 'GET',
  url: '/',
  headers: {
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  },
}

export async function rehearse(server: WebSocketServer): Promise<void> {
  const instance = new Instance({
    backend: play as unknown as Backend,
    key: 'rehearsal',
    folder: undefined,
    epoch: 1,
    nonce: 'n',
    recovered: { records: [] },
    journal: { write: (_, written) => written(), close: () => {} },
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    onFatal: () => {},
    onAwake: () => {},
  })
  await instance.start()
  const socket = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() })
  server.handleUpgrade(upgrade as never, socket, Buffer.alloc(0), async (websocket) => {
    const talk = await instance.attach(
      { connection: 'c', grant: true },
      {
        send: (bytes) => websocket.send(bytes),
        unsentBytes: () => websocket.bufferedAmount,
        close: () => websocket.close(),
      },
    )
    talk.message(encodeFromClient({ type: 'hello', version: protocolVersion, acked: 0 }))
    talk.message(encodeFromClient({ type: 'action', n: 1, acked: 0, name: 'add', input: null }))
    talk.closed()
    websocket.terminate()
  })
}
