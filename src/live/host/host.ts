/**
 * The host: finds or starts the one instance of a key, hands sockets to it, and ends it. Starts
 * are single-flight per key; a connect that meets an ending process waits and starts the next.
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
  StopReason,
} from '../../base/protocol/index.ts'
import type { Directory } from '../directory/directory.ts'
import type { Journal } from './journal.ts'
import type { Launch } from './launch.ts'
import { InstanceProcess } from './process.ts'
import type { SocketHandle } from './sockets.ts'

export interface HostOptions {
  readonly backends: Readonly<Record<string, BackendPlan>>
  readonly directory: Directory
  readonly journal: Journal
  readonly launch: Launch
  readonly clock: Clock
  readonly log: Log
  readonly tell: (message: HostToDoor) => void
}

/** Pauses before starting a key again that keeps crashing; the first restart is at once. */
const restartPauseMsMin = 100
const restartPauseMsMax = 10_000
/** An instance that lived for so long starts with a clean record. */
const crashForgottenAfterMs = 3_000
/** Keys whose crashes are remembered; the oldest go first. */
const crashesKeptMax = 10_000

interface Slot {
  readonly instance: Promise<InstanceProcess>
}

export class Host {
  readonly #options: HostOptions
  readonly #slots = new Map<string, Slot>()
  /** Every process that is not known to be gone. */
  readonly #processes = new Set<InstanceProcess>()
  /** Where each handed-over connection lives. */
  readonly #homes = new Map<string, InstanceProcess>()
  /** Crashes in a row of keys that crashed lately; an entry goes when its record is clean. */
  readonly #crashes = new Map<string, number>()

  #isDraining = false

  constructor(options: HostOptions) {
    this.#options = options
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

  /** Ends all instances in good order. */
  async stop(): Promise<void> {
    this.#isDraining = true
    const running = [...this.#processes]
    for (const instance of running) instance.stop('host-drain')
    await Promise.all(running.map((instance) => instance.stopped))
  }

  /** Ends all instances at once; what they acknowledged is in the journal. */
  kill(): void {
    for (const instance of this.#processes) instance.kill('host-drain')
  }

  /** An instance that is ready, started if there is none. */
  async #serving(name: InstanceName): Promise<InstanceProcess> {
    const id = `${name.backend}/${name.key}`
    for (;;) {
      const slot = this.#slots.get(id) ?? this.#open(id, name)
      const instance = await slot.instance
      if (instance.phase === 'ready') return instance
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

  async #start(id: string, name: InstanceName): Promise<InstanceProcess> {
    const { backends, directory, journal, launch, clock, log, tell } = this.#options
    const plan = backends[name.backend]
    if (!plan) throw new SojournError('BACKEND_UNKNOWN', `There is no backend ${name.backend}.`)
    await this.#pause(this.#crashes.get(id) ?? 0)
    const claim = await directory.claim(name)
    const recovered = await journal.recover(claim)
    if (this.#isDraining) throw new SojournError('HOST_STOPPED')
    const instance = new InstanceProcess({
      ...plan,
      claim,
      recovered,
      journal,
      launch,
      clock,
      log,
      tell: (message) => {
        if (message.type === 'closed') this.#homes.delete(message.connection)
        tell(message)
      },
    })
    this.#processes.add(instance)
    instance.stopped.then((reason) => {
      this.#processes.delete(instance)
      this.#judge(id, reason)
    })
    await instance.ready
    clock.after(crashForgottenAfterMs, () => instance.phase === 'ready' && this.#crashes.delete(id))
    log.info({ ...name, epoch: claim.epoch }, 'instance ready')
    return instance
  }

  #pause(crashes: number): Promise<void> {
    if (crashes <= 1) return Promise.resolve()
    const pauseMs = Math.min(restartPauseMsMin * 2 ** (crashes - 2), restartPauseMsMax)
    return new Promise((resolve) => {
      this.#options.clock.after(pauseMs, resolve)
    })
  }

  #judge(id: string, reason: StopReason): void {
    const before = this.#crashes.get(id) ?? 0
    this.#crashes.delete(id)
    if (reason !== 'crashed' && reason !== 'start-failed') return
    this.#crashes.set(id, before + 1)
    const [oldest] = this.#crashes.keys()
    if (this.#crashes.size > crashesKeptMax && oldest) this.#crashes.delete(oldest)
  }
}
