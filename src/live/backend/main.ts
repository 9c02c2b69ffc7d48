/**
 * The process of instances. The host starts this file, has it load a backend's module, then gives
 * it instances and their sockets; journal records go through a pipe of their own (descriptor 4).
 * Without its host it ends.
 */
import '../../base/core/hints.ts'
import { Socket } from 'node:net'
import { type Log, logVia, plainFacts, type SojournError } from '../../base/core/index.ts'
import type { HostToProcess, ProcessToHost, StartOrder } from '../../base/protocol/index.ts'
import type { Backend } from './define.ts'
import { serveHttp } from './front.ts'
import { createJournalLine } from './journal-line.ts'
import { rehearse } from './rehearsal.ts'
import { Resident, server } from './resident.ts'

const journalDescriptor = 4
const activityEveryMs = 1_000
/** A process that has been given nothing by then is one that waits. */
const rehearsalAfterMs = 100

const residents = new Map<number, Resident>()
const journal = createJournalLine(new Socket({ fd: journalDescriptor }))
let loaded: Promise<Backend> | undefined

function tell(message: ProcessToHost): void {
  // A host that is gone can't be told; the end of the channel says so too.
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}

const logOf = (instance?: number): Log =>
  logVia((level, facts, message) => {
    const line = { type: 'log', level, facts: plainFacts(facts), message } as const
    tell(instance === undefined ? line : { ...line, instance })
  })

async function load(module: string): Promise<Backend> {
  const { default: backend } = (await import(module)) as { default?: Backend }
  if (!backend?.definition)
    throw new TypeError(`${module} must export backend({ … }) as its default`)
  tell({ type: 'loaded' })
  setTimeout(() => residents.size > 0 || rehearse(server), rehearsalAfterMs)
  return backend
}

async function start(order: StartOrder): Promise<void> {
  const { instance, folder, perProcess } = order
  const backend = await loaded
  if (!backend) throw new TypeError('An instance was started before its backend was loaded')
  // Programs that a backend starts, and its relative paths, find the files of the key.
  if (folder && perProcess === 1) process.chdir(folder)
  const log = logOf(instance)
  const onFatal = (error: SojournError): void => {
    log.error({ err: error }, 'the state is not what the journal has; this process is recovered')
    fail(error, instance)
    process.exit(1)
  }
  const resident = new Resident({ order, backend, journal, log, tell, onFatal })
  residents.set(instance, resident)
  await resident.start()
  tell({ type: 'ready', instance })
}

async function stop(instance: number): Promise<void> {
  await residents.get(instance)?.stop()
  residents.delete(instance)
  tell({ type: 'stopped', instance })
}

async function park(instance: number): Promise<void> {
  const left = await residents.get(instance)?.park()
  residents.delete(instance)
  tell({ type: 'parked', instance, sockets: [], mindsPartings: false, ...left })
}

function fail(error: unknown, instance?: number): void {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  tell({ type: 'failed', message, ...(instance !== undefined && { instance }) })
}

type Handle = ConstructorParameters<typeof Socket>[0]

function connect(message: Extract<HostToProcess, { type: 'connect' }>, handle?: Handle): void {
  const { instance, socket } = message
  const { connection } = socket.caller
  const resident = residents.get(instance)
  // The socket can close while its handle is on the way; the message then comes alone.
  if (!handle || !resident) tell({ type: 'closed', instance, connection })
  else resident.connect(socket, new Socket({ handle, readable: true, writable: true } as never))
}

function hear(message: HostToProcess, handle?: Handle): void {
  switch (message.type) {
    case 'load':
      loaded = load(message.module)
      loaded.catch(fail)
      break
    case 'start':
      start(message).catch((error) => fail(error, message.instance))
      break
    case 'connect':
      connect(message, handle)
      break
    case 'parted':
      residents
        .get(message.instance)
        ?.part(message.callers)
        .catch((error) => fail(error, message.instance))
      break
    case 'close':
      residents.get(message.instance)?.close(message.connections, message.code)
      break
    case 'stop':
      stop(message.instance).catch((error) => fail(error, message.instance))
      break
    case 'park':
      park(message.instance).catch((error) => fail(error, message.instance))
      break
    case 'serve':
      serveHttp(
        message.path,
        (instance) => residents.get(instance),
        () => tell({ type: 'serving' }),
      )
      break
    case 'beat':
      tell({ type: 'beat' })
      break
    default:
      message satisfies never
  }
}

process.on('message', hear)
process.on('disconnect', () => process.exit(0))
// An error that nobody caught, or process.exit() in a handler: neighbours must not be charged for it.
// The context of the culprit's turn holds up to here.
process.on('exit', (code) => {
  for (const [instance, { isCurrent }] of residents)
    if (isCurrent) fail(new Error(`This instance ends its process with code ${code}.`), instance)
})
// A terminal sends these to the whole group; the host decides when this process stops.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
setInterval(() => {
  for (const resident of residents.values()) resident.report()
}, activityEveryMs).unref()
