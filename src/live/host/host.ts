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
  CommandPlan,
  HostToDoor,
  InstanceName,
  ModulePlan,
  SocketFacts,
} from '../../base/protocol/index.ts'
import type { Directory } from '../directory/directory.ts'
import { Command } from './command.ts'
import { Commits } from './commits.ts'
import { CrashRecord } from './crash-record.ts'
import { Dormant, type Parked } from './dormant.ts'
import { freePort } from './free-port.ts'
import type { Journal } from './journal.ts'
import type { Launch } from './launch.ts'
import { LiveInstance } from './live-instance.ts'
import { Pool } from './pool.ts'
import { InstanceProcess } from './process.ts'
import type { Serving } from './serving.ts'
import type { SocketHandle } from './sockets.ts'
import { Wakes } from './wakes.ts'
import { watchProcesses } from './watchdog.ts'

export interface HostOptions {
  readonly backends: Readonly<Record<string, BackendPlan>>
  readonly directory: Directory
  readonly journal: Journal
  readonly launch: Launch
  /** The file that relays into a box without a network. */
  readonly relay: string
  /** Folder of the Unix sockets that processes serve HTTP on. */
  readonly run: string
  /** The working folder of a key, made if missing; `undefined` where nothing is kept. */
  readonly folderOf: (name: InstanceName) => string | undefined
  readonly clock: Clock
  readonly log: Log
  readonly tell: (message: HostToDoor) => void
  /** Runs something after what is already due, such as `setImmediate`. */
  readonly defer: (run: () => void) => void
  /** The journal takes no more, and what became of the last writes is unknown: start over. */
  readonly onBroken: (error: SojournError) => void
}

/** An instance that lived for so long starts with a clean record. */
const crashForgottenAfterMs = 3_000

interface Slot {
  readonly serving: Promise<Serving>
}

export class Host {
  readonly #options: HostOptions
  readonly #pool: Pool
  readonly #commits: Commits
  readonly #crashes: CrashRecord
  readonly #slots = new Map<string, Slot>()
  /** Everything that is not known to be gone. */
  readonly #running = new Set<Serving>()
  /** What keeps instances awake for the door, by the id of its question. */
  readonly #holds = new Map<number, () => void>()
  /** Keys that hibernate with clients connected. */
  readonly #dormant = new Map<string, Dormant>()
  /** Where each handed-over connection lives. */
  readonly #homes = new Map<string, LiveInstance | Dormant>()
  readonly #stopWatching: () => void
  readonly #wakes: Wakes
  #lastInstance = 0
  #isDraining = false

  constructor(options: HostOptions) {
    const { backends, clock, launch, log, run, journal, defer, onBroken } = options
    this.#options = options
    this.#crashes = new CrashRecord(clock)
    this.#commits = new Commits({ journal, defer, onBroken })
    this.#pool = new Pool({
      backends,
      clock,
      open: (backend, plan) => new InstanceProcess({ backend, plan, launch, run, clock, log }),
    })
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
      this.#options.tell({ type: 'refused', connection, code })
    }
  }

  #enter(instance: LiveInstance, socket: SocketFacts, handle: SocketHandle): void {
    this.#homes.set(socket.caller.connection, instance)
    instance.connect(socket, handle)
  }

  /** Closes connections, wherever they live. */
  close(connections: readonly string[], code: ErrorCode): void {
    const byHome = Map.groupBy(connections, (connection) => this.#homes.get(connection))
    for (const [home, group] of byHome) home?.close(group, code)
  }

  /** Tells the door where a key is served, and keeps that awake until its release. */
  async locate(id: number, name: InstanceName, user?: string): Promise<void> {
    const { tell } = this.#options
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
      tell({ type: 'located', id, address, instance })
    } catch (error) {
      this.release(id)
      tell({ type: 'unlocated', id, code: toSojournError(error).code })
    }
  }

  /** The door does not need what it located any more. */
  release(id: number): void {
    this.#holds.get(id)?.()
    this.#holds.delete(id)
  }

  /** Ends one instance in good order, and gives its key a clean record. */
  async end(name: InstanceName): Promise<void> {
    const id = idOf(name)
    this.#crashes.forgive(id)
    const serving = await this.#slots.get(id)?.serving.catch(() => undefined)
    serving?.stop('requested')
    await serving?.stopped
  }

  /** Ends everything in good order. */
  async stop(): Promise<void> {
    this.#isDraining = true
    this.#wakes.stop()
    this.#pool.close()
    for (const dormant of this.#dormant.values()) dormant.close(dormant.connections, 'HOST_STOPPED')
    const running = [...this.#running]
    for (const serving of running) serving.stop('host-drain')
    await Promise.all(running.map((serving) => serving.stopped))
    await Promise.all(this.#pool.processes().map((process) => process.gone))
    this.#stopWatching()
  }

  /** Ends everything at once; what instances acknowledged is in the journal. */
  kill(): void {
    this.#isDraining = true
    this.#wakes.stop()
    for (const process of this.#pool.processes()) process.kill('host-drain')
    for (const serving of this.#running) if (serving instanceof Command) serving.kill()
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

  /** What serves a key and is ready, started if there is nothing. */
  async #serving(name: InstanceName, user?: string): Promise<Serving> {
    const id = idOf(name)
    for (;;) {
      const slot = this.#slots.get(id) ?? this.#open(id, name, user)
      const serving = await slot.serving
      if (serving.phase === 'ready') return serving
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
    const { backends, clock, log } = this.#options
    const plan = backends[name.backend]
    if (!plan) throw new SojournError('BACKEND_UNKNOWN', `There is no backend ${name.backend}.`)
    await this.#crashes.pause(id)
    if (this.#isDraining) throw new SojournError('HOST_STOPPED')
    const serving =
      plan.kind === 'module'
        ? await this.#startInstance(name, plan)
        : await this.#startCommand(name, plan, user)
    this.#running.add(serving)
    serving.stopped.then((reason) => {
      this.#running.delete(serving)
      this.#crashes.ended(id, reason)
    })
    await this.#succeed(id, serving)
    clock.after(crashForgottenAfterMs, () => serving.phase === 'ready' && this.#crashes.forgive(id))
    log.info({ ...name }, 'instance ready')
    return serving
  }

  /** Waits until it is ready, and gives it the sockets of the one before. */
  async #succeed(id: string, serving: Serving): Promise<void> {
    const dormant = this.#dormant.get(id)
    try {
      await serving.ready
    } catch (error) {
      this.#dormant.delete(id)
      dormant?.close(dormant.connections, 'INSTANCE_START_FAILED')
      throw error
    }
    this.#dormant.delete(id)
    if (!dormant || !(serving instanceof LiveInstance)) return
    await dormant.handOver({
      connect: (socket, handle) => this.#enter(serving, socket, handle),
      parted: (callers) => serving.parted(callers),
    })
  }

  /** Takes the key over, and settles its instance in a process. */
  async #startInstance(name: InstanceName, plan: ModulePlan): Promise<LiveInstance> {
    const process = this.#pool.take(name.backend, plan)
    try {
      return await this.#settle(name, plan, process)
    } catch (error) {
      process.release()
      throw error
    }
  }

  async #settle(
    name: InstanceName,
    plan: ModulePlan,
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
      write: async (by, { type, level, ...entry }) => {
        const written = await this.#commits.add(by, type, entry, level)
        if (written) this.#wakes.noticed(entry.wakeAtMs)
        return written
      },
      tell: (message) => {
        if (message.type === 'closed') this.#homes.delete(message.connection)
        tell(message)
      },
      park: (sockets, mindsPartings) => this.#park(name, sockets, mindsPartings),
    })
  }

  async #startCommand(
    name: InstanceName,
    plan: CommandPlan,
    user: string | undefined,
  ): Promise<Command> {
    const { directory, clock, log, tell, folderOf, relay } = this.#options
    const claim = await directory.claim(name)
    const port = await freePort()
    if (this.#isDraining) throw new SojournError('HOST_STOPPED')
    const folder = folderOf(name)
    return new Command({ claim, plan, folder, port, relay, user, clock, log, tell })
  }

  /** Keeps the sockets of an instance that hibernates. */
  #park(name: InstanceName, sockets: readonly Parked[], mindsPartings: boolean): void {
    if (sockets.length === 0) return
    const id = idOf(name)
    const dormant: Dormant = new Dormant({
      sockets,
      mindsPartings,
      onWake: () => this.#dormant.get(id) === dormant && this.#wake(name),
      onClosed: (connection) => {
        this.#homes.delete(connection)
        this.#options.tell({ type: 'closed', connection })
        if (dormant.isOver && this.#dormant.get(id) === dormant) this.#dormant.delete(id)
      },
    })
    this.#dormant.set(id, dormant)
    for (const { caller } of sockets) this.#homes.set(caller.connection, dormant)
  }

  #wake(name: InstanceName): void {
    if (this.#isDraining) return
    this.#serving(name).catch((error) => {
      this.#options.log.warn({ ...name, err: error }, 'a hibernating instance did not wake')
    })
  }
}

const idOf = ({ backend, key }: InstanceName): string => `${backend}/${key}`
