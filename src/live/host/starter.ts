/** Starts what serves a key: takes the key over, then an instance in a process, or a command. */
import { type Clock, type Log, SojournError } from '../../base/core/index.ts'
import type {
  BackendPlan,
  CommandPlan,
  HostToDoor,
  InstanceName,
  JournalRequest,
  ModulePlan,
} from '../../base/protocol/index.ts'
import type { Directory } from '../directory/directory.ts'
import { Command } from './command.ts'
import { Commits } from './commits.ts'
import type { Parked } from './dormant.ts'
import { freePort } from './free-port.ts'
import type { Journal } from './journal.ts'
import type { Launch } from './launch.ts'
import { LiveInstance } from './live-instance.ts'
import { Pool } from './pool.ts'
import { InstanceProcess } from './process.ts'
import type { MakeBox } from './sandbox.ts'
import type { Serving } from './serving.ts'
import type { Spawn } from './spawn.ts'

export interface StarterOptions {
  readonly backends: Readonly<Record<string, BackendPlan>>
  readonly directory: Directory
  readonly journal: Journal
  readonly launch: Launch
  /** The file that relays into a box without a network. */
  readonly relay: string
  readonly spawn: Spawn
  readonly makeBox: MakeBox
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

/** What an instance needs of its host besides. */
export interface Surroundings {
  /** Takes the sockets of an instance that hibernates. */
  readonly park: (name: InstanceName, sockets: readonly Parked[], mindsPartings: boolean) => void
  /** A record says when the next alarm of its key is due. */
  readonly noticed: (wakeAtMs: number | undefined) => void
}

export class Starter {
  readonly #options: StarterOptions
  readonly #around: Surroundings
  readonly #pool: Pool
  readonly #commits: Commits
  #lastInstance = 0
  #isClosed = false

  constructor(options: StarterOptions, around: Surroundings) {
    const { backends, clock, launch, log, journal, defer, onBroken } = options
    this.#options = options
    this.#around = around
    this.#commits = new Commits({ journal, defer, onBroken })
    this.#pool = new Pool({
      backends,
      clock,
      open: (backend, plan, folder) =>
        new InstanceProcess({ backend, plan, folder, launch, clock, log }),
    })
  }

  /**
   * Resolves when something starts; it need not be ready.
   *
   * @throws SojournError `BACKEND_UNKNOWN`, `HOST_STOPPED`, and what the journal throws
   */
  start(name: InstanceName, user: string | undefined): Promise<Serving> {
    const plan = this.#options.backends[name.backend]
    if (!plan) throw new SojournError('BACKEND_UNKNOWN', `There is no backend ${name.backend}.`)
    this.#needsOpen()
    return plan.kind === 'module' ? this.#instance(name, plan) : this.#command(name, plan, user)
  }

  /** Starts nothing any more, and ends the processes that serve nobody. */
  close(): void {
    this.#isClosed = true
    this.#pool.close()
  }

  /** All processes of instances. */
  processes(): InstanceProcess[] {
    return this.#pool.processes()
  }

  #needsOpen(): void {
    if (this.#isClosed) throw new SojournError('HOST_STOPPED')
  }

  async #instance(name: InstanceName, plan: ModulePlan): Promise<LiveInstance> {
    // Before the claim, so that a new process starts while the disk is at work.
    const folder = plan.sandbox && this.#options.folderOf(name)
    const process = this.#pool.take(name.backend, plan, folder)
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
    this.#needsOpen()
    this.#lastInstance += 1
    return new LiveInstance({
      instance: this.#lastInstance,
      claim,
      plan,
      recovered,
      folder: folderOf(name),
      process,
      clock,
      tell,
      write: async (by, { type, level, ...entry }: JournalRequest) => {
        const written = await this.#commits.add(by, type, entry, level)
        if (written) this.#around.noticed(entry.wakeAtMs)
        return written
      },
      park: (sockets, mindsPartings) => this.#around.park(name, sockets, mindsPartings),
    })
  }

  async #command(
    name: InstanceName,
    plan: CommandPlan,
    user: string | undefined,
  ): Promise<Command> {
    const { directory, folderOf, ...tools } = this.#options
    const claim = await directory.claim(name)
    const port = await freePort()
    this.#needsOpen()
    return new Command({ ...tools, claim, plan, folder: folderOf(name), port, user })
  }
}
