/** The host's process. The application forks this file; when the application is gone, it ends. */
import '../base/core/hints.ts'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { logVia, plainFacts, systemClock, toSojournError } from '../base/core/index.ts'
import type { DoorToHost, HostToDoor } from '../base/protocol/index.ts'
import { foldersIn } from '../live/host/folders.ts'
import { Host } from '../live/host/host.ts'
import { launcher } from '../live/host/launch.ts'
import type { SocketHandle } from '../live/host/sockets.ts'
import { openSqlite } from '../stores/sqlite/index.ts'
import { entry } from './modules.ts'

let host: Host | undefined
let store: ReturnType<typeof openSqlite> | undefined

function tell(message: HostToDoor): void {
  // It may have died since we looked. The end of the channel says so, once, and not as a crash.
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}

const log = logVia((level, facts, message) => {
  tell({ type: 'log', level, facts: plainFacts(facts), message })
})

async function configure({
  data,
  backends,
}: Extract<DoorToHost, { type: 'configure' }>): Promise<void> {
  store = openSqlite({ data })
  host = new Host({
    backends,
    directory: await store.directory(),
    journal: store.journal(),
    run: mkdtempSync(join(tmpdir(), 'sojourn-')),
    folderOf: foldersIn(data),
    launch: launcher(entry('../live/backend/main', import.meta.url)),
    clock: systemClock,
    log,
    tell,
    defer: setImmediate,
    // Nothing is closed in good order: what the files hold is for the next host to find out.
    onBroken: (error) => {
      log.error({ err: error }, 'the journal takes no more; the host starts over')
      process.exit(1)
    },
  })
  tell({ type: 'ready' })
}

function connect(
  { name, socket }: Extract<DoorToHost, { type: 'connect' }>,
  handle: SocketHandle | undefined,
): void {
  const { connection } = socket.caller
  // The socket can close while its handle is on the way; the message then comes alone.
  if (handle) host?.connect(name, socket, handle)
  else tell({ type: 'refused', connection, code: 'CONNECTION_CLOSED' })
}

async function stop(): Promise<void> {
  await host?.stop()
  store?.close()
  process.exit(0)
}

function hear(message: DoorToHost, handle: SocketHandle | undefined): void {
  switch (message.type) {
    case 'configure':
      configure(message).catch((error) => {
        const { code, message } = toSojournError(error)
        tell({ type: 'failed', code, message })
      })
      break
    case 'connect':
      connect(message, handle)
      break
    case 'locate':
      host?.locate(message.id, message.name, message.user)
      break
    case 'release':
      host?.release(message.id)
      break
    case 'close':
      host?.close(message.connections, message.code)
      break
    case 'stop':
      if (message.name) host?.end(message.name)
      else stop()
      break
    default:
      message satisfies never
  }
}

process.on('message', hear as (message: unknown, handle: unknown) => void)
process.on('disconnect', () => {
  host?.kill()
  process.exit(0)
})
// The terminal sends these to the whole group; the application decides when to stop.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
