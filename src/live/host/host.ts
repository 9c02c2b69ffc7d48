/**
 * The host: finds or starts the one instance of a key, hands sockets to it, and ends it. Starts
 * are single-flight per key; a connect that meets an ending instance waits and starts the next.
 */
import {
  type Clock,
  type ErrorCode,
  type Log,
  SojournError,
  toSojournError,
} from '../../base/core/index.ts'
import type {
  BackendPlan,
  HostToDoor,
  InstanceName,
  SocketFacts,
} from '../../base/protocol/index.ts'
import type { Directory } from '../directory/directory.ts'
import { CrashRecord } from './crash-record.ts'
import type { Journal } from './journal.ts'
import type { Launch } from './launch.ts'
import { LiveInstance } from './live-instance.ts'
import { Pool } from './pool.ts'
import { InstanceProcess } from './process.ts'
import type { SocketHandle } from './sockets.ts'
import { watchProcesses } from './watchdog.ts'

export interface HostOptions {
  readonly backends: Readonly<Record<string, BackendPlan>>
  readonly directory: Directory
  readonly journal: Journal
  readonly launch: Launch
  /** The working folder of a key, made if missing; `undefined` where nothing is kept. */
  readonly folderOf: (name: InstanceName) => string | undefined
  readonly clock: Clock
  readonly log: Log
  readonly tell: (message: HostToDoor) => void
}

/** An instance that lived for so long starts with a clean record. */
const crashForgottenAfterMs = 3_000

interface Slot {
  readonly instance: Promise<LiveInstance>
}

export class Host {
  readonly #options: HostOptions
  readonly #pool: Pool
  readonly #crashes: CrashRecord
  readonly #slots = new Map<string, Slot>()
  /** Every instance that is not known to be gone. */
  readonly #instances = new Set<LiveInstance>()
  /** Where each handed-over connection lives. */
  readonly #homes = new Map<string, LiveInstance>()
  readonly #stopWatching: () => void
  #lastInstance = 0
  #isDraining = false

  constructor(options: HostOptions) {
    const { backends, clock, launch, log } = options
    this.#options = options
    this.#crashes = new CrashRecord(clock)
    this.#pool = new Pool({
      backends,
      clock,
      open: (backend, plan) => new InstanceProcess({ backend, plan, launch, clock, log }),
    })
    this.#stopWatching = watchProcesses(clock, () => this.#watched())
  }

  /** Brings a socket to the instance of `name`, starting it if needed. */
  async connect(name: InstanceName, socket: SocketFacts, handle: SocketHandle): Promise<void> {
    const { connection } = socket.caller
    try {
      const instance = await this.#serving(name)
      this.#homes.set(connection, instance)
      instance.connect(socket, handle)
    } catch (error) {
      handle.close()
      const { code } = toSojournError(error)
      this.#options.log.warn({ ...name, code, err: error }, 'a connection was refused')
      this.#options.tell({ type: 'refused', connection, code })
    }
  }

  /** Closes connections, wherever they live. */
  close(connections: readonly string[], code: ErrorCode): void {
    const byHome = Map.groupBy(connections, (connection) => this.#homes.get(connection))
    for (const [home, group] of byHome) home?.close(group, code)
  }

  /** Ends one instance in good order, also while it starts, and gives its key a clean record. */
  async end(name: InstanceName): Promise<void> {
    const instance = this.#find(name)
    instance?.stop('requested')
    await instance?.stopped
    this.#crashes.forgive(idOf(name))
  }

  /** The last lines that the process of an instance printed; `undefined` when nothing of it runs. */
  log(name: InstanceName): readonly string[] | undefined {
    return this.#find(name)?.process.output.lines
  }

  /** Ends all instances in good order. */
  async stop(): Promise<void> {
    this.#isDraining = true
    this.#pool.close()
    const running = [...this.#instances]
    for (const instance of running) instance.stop('host-drain')
    await Promise.all(running.map((instance) => instance.stopped))
    await Promise.all(this.#pool.processes().map((process) => process.gone))
    this.#stopWatching()
  }

  /** Ends all instances at once; what they acknowledged is in the journal. */
  kill(): void {
    this.#isDraining = true
    for (const process of this.#pool.processes()) process.kill('host-drain')
  }

  *#watched(): Generator<InstanceProcess> {
    const seen = new Set<InstanceProcess>()
    for (const { isWatched, process } of this.#instances) {
      if (!isWatched || seen.has(process)) continue
      seen.add(process)
      yield process
    }
  }

  /** An instance that is ready, started if there is none. */
  async #serving(name: InstanceName): Promise<LiveInstance> {
    const id = idOf(name)
    for (;;) {
      const slot = this.#slots.get(id) ?? this.#open(id, name)
      const instance = await slot.instance
      if (instance.phase === 'ready' && instance.process.isUp) return instance
      await instance.stopped
    }
  }

  #open(id: string, name: InstanceName): Slot {
    const slot: Slot = { instance: this.#start(id, name) }
    this.#slots.set(id, slot)
    const clear = (): void => {
      if (this.#slots.get(id) === slot) this.#slots.delete(id)
    }
    slot.instance.then((instance) => instance.stopped).then(clear, clear)
    return slot
  }

  async #start(id: string, name: InstanceName): Promise<LiveInstance> {
    const { backends, clock, log } = this.#options
    const plan = backends[name.backend]
    if (!plan) throw new SojournError('BACKEND_UNKNOWN', `There is no backend ${name.backend}.`)
    await this.#crashes.pause(id)
    if (this.#isDraining) throw new SojournError('HOST_STOPPED')
    const process = this.#pool.take(name.backend, plan)
    const instance = await this.#settle(name, plan, process).catch((error) => {
      process.release()
      throw error
    })
    this.#instances.add(instance)
    instance.stopped.then(() => this.#instances.delete(instance))
    await instance.ready
    clock.after(
      crashForgottenAfterMs,
      () => instance.phase === 'ready' && this.#crashes.forgive(id),
    )
    log.info({ ...name, pid: process.pid }, 'instance ready')
    return instance
  }

  /** Takes the key over, and settles its instance in a process. */
  async #settle(
    name: InstanceName,
    plan: BackendPlan,
    process: InstanceProcess,
  ): Promise<LiveInstance> {
    const { directory, journal, clock, tell, folderOf } = this.#options
    const claim = await directory.claim(name)
    const recovered = await journal.recover(claim)
    if (this.#isDraining) throw new SojournError('HOST_STOPPED')
    this.#lastInstance += 1
    return new LiveInstance({
      instance: this.#lastInstance,
      claim,
      plan,
      recovered,
      folder: folderOf(name),
      process,
      clock,
      write: async (by, { type, level: _, ...entry }) => journal[type](by, entry),
      tell: (message) => {
        if (message.type === 'closed') this.#homes.delete(message.connection)
        if (message.type === 'status') this.#tellStatus(message)
        else tell(message)
      },
    })
  }

  #tellStatus(change: Extract<HostToDoor, { type: 'status' }>): void {
    const { phase, reason } = change
    const isParked =
      phase === 'stopped' && reason !== undefined && this.#crashes.ended(idOf(change), reason)
    this.#options.tell(isParked ? { ...change, isParked } : change)
  }

  #find({ backend, key }: InstanceName): LiveInstance | undefined {
    for (const instance of this.#instances)
      if (instance.key === key && instance.backend === backend) return instance
    return undefined
  }
}

function idOf({ backend, key }: InstanceName): string {
  return `${backend}/${key}`
}
