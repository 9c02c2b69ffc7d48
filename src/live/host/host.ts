/**
 * The host: finds or starts the one instance of a key, hands sockets to it, and ends it. Starts
 * are single-flight per key; a connect that meets an ending instance waits and starts the next.
 */
import { type ErrorCode, SojournError, toSojournError } from '../../base/core/index.ts'
import type { HostToDoor, InstanceName, SocketFacts } from '../../base/protocol/index.ts'
import { CrashRecord } from './crash-record.ts'
import type { Dormant } from './dormant.ts'
import { Dormitory } from './dormitory.ts'
import { LiveInstance } from './live-instance.ts'
import type { InstanceProcess } from './process.ts'
import type { Serving } from './serving.ts'
import type { SocketHandle } from './sockets.ts'
import { Starter, type StarterOptions } from './starter.ts'
import { Wakes } from './wakes.ts'
import { watchProcesses } from './watchdog.ts'

export type HostOptions = StarterOptions

/** An instance that lived for so long starts with a clean record. */
const crashForgottenAfterMs = 3_000

interface Slot {
  readonly serving: Promise<Serving>
}

export class Host {
  readonly #options: HostOptions
  readonly #starter: Starter
  readonly #crashes: CrashRecord
  readonly #slots = new Map<string, Slot>()
  /** Everything that is not known to be gone. */
  readonly #running = new Set<Serving>()
  /** What keeps instances awake for the door, by the id of its question. */
  readonly #holds = new Map<number, () => void>()
  readonly #dormitory: Dormitory
  /** Where each handed-over connection lives. */
  readonly #homes = new Map<string, LiveInstance | Dormant>()
  readonly #stopWatching: () => void
  readonly #wakes: Wakes
  #isDraining = false

  constructor(options: HostOptions) {
    const { clock, journal, log } = options
    this.#options = options
    this.#crashes = new CrashRecord(clock)
    this.#dormitory = new Dormitory({
      clock,
      wake: (id) => this.#wake(id),
      onClosed: (connection) => this.#tell({ type: 'closed', connection }),
    })
    this.#starter = new Starter(
      { ...options, tell: (message) => this.#tell(message) },
      {
        park: (name, sockets, mindsPartings) => {
          if (sockets.length === 0) return
          const dormant = this.#dormitory.park(idOf(name), sockets, mindsPartings)
          for (const { caller } of sockets) this.#homes.set(caller.connection, dormant)
        },
        noticed: (wakeAtMs) => this.#wakes.noticed(wakeAtMs),
      },
    )
    this.#stopWatching = watchProcesses(clock, () => this.#watched())
    const start = (name: InstanceName): Promise<unknown> => this.#serving(name)
    this.#wakes = new Wakes({ journal, clock, log, running: this.#slots, start })
  }

  /** Brings a socket to the instance of `name`, starting it if needed. */
  async connect(name: InstanceName, socket: SocketFacts, handle: SocketHandle): Promise<void> {
    const { connection } = socket.caller
    try {
      const serving = await this.#serving(name)
      // A command knows no protocol of ours: the door relays to it.
      if (!(serving instanceof LiveInstance)) throw new SojournError('BACKEND_UNKNOWN')
      this.#enter(serving, socket, handle)
    } catch (error) {
      handle.close()
      const { code } = toSojournError(error)
      this.#options.log.warn({ ...name, code, err: error }, 'a connection was refused')
      this.#tell({ type: 'refused', connection, code })
    }
  }

  /** Closes connections, wherever they live. */
  close(connections: readonly string[], code: ErrorCode): void {
    const byHome = Map.groupBy(connections, (connection) => this.#homes.get(connection))
    for (const [home, group] of byHome) home?.close(group, code)
  }

  /** Tells the door where a key is served, and keeps that awake until its release. */
  async locate(id: number, name: InstanceName, user?: string): Promise<void> {
    // Also of one whose answer is not there yet.
    let isReleased = false
    this.#holds.set(id, () => {
      isReleased = true
    })
    try {
      const serving = await this.#serving(name, user)
      const letGo = serving.hold()
      if (isReleased) letGo()
      else this.#holds.set(id, letGo)
      const address = await serving.locate()
      const instance = serving instanceof LiveInstance ? serving.instance : 0
      this.#tell({ type: 'located', id, address, instance })
    } catch (error) {
      this.release(id)
      this.#tell({ type: 'unlocated', id, code: toSojournError(error).code })
    }
  }

  /** The door does not need what it located any more. */
  release(id: number): void {
    this.#holds.get(id)?.()
    this.#holds.delete(id)
  }

  /** Ends one instance in good order, also while it starts, and gives its key a clean record. */
  async end(name: InstanceName): Promise<void> {
    const serving = this.#find(name)
    serving?.stop('requested')
    await serving?.stopped
    this.#crashes.forgive(idOf(name))
  }

  /** The last lines that the process of an instance printed; `undefined` when nothing of it runs. */
  log(name: InstanceName): readonly string[] | undefined {
    return this.#find(name)?.lines
  }

  /** Ends everything in good order. */
  async stop(): Promise<void> {
    this.#isDraining = true
    this.#wakes.stop()
    this.#starter.close()
    this.#dormitory.dismissAll('HOST_STOPPED')
    const running = [...this.#running]
    for (const serving of running) serving.stop('host-drain')
    await Promise.all(running.map((serving) => serving.stopped))
    await Promise.all(this.#starter.processes().map((process) => process.gone))
    this.#stopWatching()
  }

  /** Ends everything at once; what instances acknowledged is in the journal. */
  kill(): void {
    this.#isDraining = true
    for (const process of this.#starter.processes()) process.kill('host-drain')
    for (const serving of this.#running) serving.kill()
  }

  *#watched(): Generator<InstanceProcess> {
    const seen = new Set<InstanceProcess>()
    for (const serving of this.#running) {
      if (!(serving instanceof LiveInstance) || !serving.isWatched) continue
      if (seen.has(serving.process)) continue
      seen.add(serving.process)
      yield serving.process
    }
  }

  #enter(instance: LiveInstance, socket: SocketFacts, handle: SocketHandle): void {
    this.#homes.set(socket.caller.connection, instance)
    instance.connect(socket, handle)
  }

  /** What serves a key and may be used, started if there is nothing. */
  async #serving(name: InstanceName, user?: string): Promise<Serving> {
    const id = idOf(name)
    for (;;) {
      const slot = this.#slots.get(id) ?? this.#open(id, name, user)
      const serving = await slot.serving
      if (serving.isUp) return serving
      await serving.stopped
    }
  }

  #open(id: string, name: InstanceName, user: string | undefined): Slot {
    const slot: Slot = { serving: this.#start(id, name, user) }
    this.#slots.set(id, slot)
    const clear = (): void => {
      if (this.#slots.get(id) === slot) this.#slots.delete(id)
    }
    slot.serving.then((serving) => serving.stopped).then(clear, clear)
    return slot
  }

  async #start(id: string, name: InstanceName, user: string | undefined): Promise<Serving> {
    const { clock, log } = this.#options
    await this.#crashes.pause(id)
    const serving = await this.#starter.start(name, user)
    this.#running.add(serving)
    serving.stopped.then(() => this.#running.delete(serving))
    await this.#succeed(id, serving)
    clock.after(crashForgottenAfterMs, () => serving.phase === 'ready' && this.#crashes.forgive(id))
    log.info({ ...name }, 'instance ready')
    return serving
  }

  /** Waits until it is ready, and gives it the sockets of the one before. */
  async #succeed(id: string, serving: Serving): Promise<void> {
    try {
      await serving.ready
    } catch (error) {
      this.#dormitory.dismiss(id, 'INSTANCE_START_FAILED')
      throw error
    }
    if (serving instanceof LiveInstance)
      await this.#dormitory.wake(id, {
        connect: (socket, handle) => this.#enter(serving, socket, handle),
        parted: (callers) => serving.parted(callers),
      })
  }

  #wake(id: string): void {
    if (this.#isDraining) return
    const name = nameOf(id)
    this.#serving(name).catch((error) => {
      this.#options.log.warn({ ...name, err: error }, 'a hibernating instance did not wake')
    })
  }

  #tell(message: HostToDoor): void {
    if (message.type === 'closed') this.#homes.delete(message.connection)
    this.#options.tell(message.type === 'status' ? this.#judged(message) : message)
  }

  /** Counts crashes, and says so when a key has had too many. */
  #judged(change: Extract<HostToDoor, { type: 'status' }>): HostToDoor {
    const { phase, reason } = change
    const isParked =
      phase === 'stopped' && reason !== undefined && this.#crashes.ended(idOf(change), reason)
    return isParked ? { ...change, isParked } : change
  }

  #find({ backend, key }: InstanceName): Serving | undefined {
    for (const serving of this.#running)
      if (serving.key === key && serving.backend === backend) return serving
    return undefined
  }
}

const idOf = ({ backend, key }: InstanceName): string => `${backend}/${key}`

function nameOf(id: string): InstanceName {
  const [backend = '', key = ''] = id.split('/')
  return { backend, key }
}
