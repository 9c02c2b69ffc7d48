/** The host's process. The application forks this file; when the application is gone, it ends. */
import '../base/core/hints.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { logVia, plainFacts, systemClock, toSojournError } from '../base/core/index.ts'
import type { DoorToHost, HostToDoor } from '../base/protocol/index.ts'
import { foldersIn } from '../live/host/folders.ts'
import { Host } from '../live/host/host.ts'
import { launcher } from '../live/host/launch.ts'
import { openRegister } from '../live/host/leftovers.ts'
import { patient } from '../live/host/patience.ts'
import type { SocketHandle } from '../live/host/sockets.ts'
import { openSqlite } from '../stores/sqlite/index.ts'
import { entry } from './modules.ts'

let host: Host | undefined
let store: ReturnType<typeof openSqlite> | undefined

/** Tests let go of the leash that the kernel holds, to see what is left of a dead host. */
const isLeashed = process.env['SOJOURN_TEST_LEASH'] !== 'off'

/** Folder of Unix sockets: their names are too short for the data folder's. */
const run = mkdtempSync(join(tmpdir(), 'sojourn-'))
process.on('exit', () => rmSync(run, { recursive: true, force: true }))

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
  const directory = await store.directory()
  // Only the owner of the folder knows that whoever left a process there is dead.
  const register = await openRegister(data, log)
  const main = entry('../live/backend/main', import.meta.url)
  host = new Host({
    backends,
    directory,
    journal: store.journal(),
    relay: fileURLToPath(entry('../live/host/box-relay', import.meta.url)),
    run,
    folderOf: foldersIn(data),
    launch: launcher({ main, register, isLeashed }),
    // Twice: one look at the pipes may find the first part of what lies there.
    clock: patient(systemClock, (run) => setImmediate(() => setImmediate(run))),
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

async function answer({ ask, what, name }: Extract<DoorToHost, { type: 'ask' }>): Promise<void> {
  if (what === 'end') await host?.end(name)
  const lines = what === 'log' ? host?.log(name) : undefined
  tell({ type: 'answer', ask, ...(lines && { lines }) })
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
      stop()
      break
    case 'ask':
      answer(message)
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
