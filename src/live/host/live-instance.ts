/** One instance as its host sees it: its life, its sockets, its claim on the journal. */
import { type Clock, type ErrorCode, limits, SojournError } from '../../base/core/index.ts'
import type {
  Address,
  CallerFacts,
  Claim,
  HostToDoor,
  JournalRequest,
  ModulePlan,
  ParkedInstance,
  Phase,
  ProcessToHost,
  Recovered,
  SocketFacts,
  StopReason,
} from '../../base/protocol/index.ts'
import type { Parked } from './dormant.ts'
import { Life } from './life.ts'
import type { InstanceProcess, ProcessEnd, Tenant } from './process.ts'
import type { Serving } from './serving.ts'
import { HeldSockets, type SocketHandle } from './sockets.ts'

export interface LiveInstanceStart {
  /** The number that stands for it in messages to its process. */
  readonly instance: number
  readonly claim: Claim
  readonly plan: ModulePlan
  readonly recovered: Recovered
  readonly folder: string | undefined
  readonly process: InstanceProcess
  readonly clock: Clock
  /** Writes to the journal; false when the claim is not the newest any more. */
  readonly write: (claim: Claim, request: JournalRequest) => Promise<boolean>
  readonly tell: (message: HostToDoor) => void
  /** Takes the sockets of an instance that hibernates. */
  readonly park: (sockets: readonly Parked[], mindsPartings: boolean) => void
}

export class LiveInstance implements Tenant, Serving {
  readonly instance: number
  readonly backend: string
  readonly key: string
  readonly #given: LiveInstanceStart
  readonly #life: Life
  readonly #sockets: HeldSockets
  /** Ends what its process said last of being awake. */
  #letSleep = (): void => {}

  constructor(given: LiveInstanceStart) {
    const { claim, clock, instance, plan, process, recovered, folder, tell } = given
    this.#given = given
    this.instance = instance
    this.backend = claim.backend
    this.key = claim.key
    this.#sockets = new HeldSockets(clock, (connection) => {
      tell({ type: 'closed', connection })
      this.#life.stir()
    })
    const pid = (): number | undefined => process.pid
    const onDue = (reason: StopReason): void => this.stop(reason)
    this.#life = new Life({ claim, plan, clock, pid, tell, onDue })
    this.#life.start(limits.startMs, () => this.#failStart())
    process.admit(this)
    const { backend, key, epoch, nonce } = claim
    const name = { backend, key }
    const { perProcess } = plan
    const order = { instance, name, epoch, nonce, recovered, perProcess, ...(folder && { folder }) }
    process.say({ type: 'start', ...order })
  }

  get phase(): Phase {
    return this.#life.phase
  }

  get isUp(): boolean {
    return this.phase === 'ready' && this.process.isUp
  }

  get lines(): readonly string[] {
    return this.process.output.lines
  }

  get ready(): Promise<void> {
    return this.#life.ready
  }

  get stopped(): Promise<StopReason> {
    return this.#life.stopped
  }

  get process(): InstanceProcess {
    return this.#given.process
  }

  /** Whether its process has to show that it still answers. */
  get isWatched(): boolean {
    return this.#sockets.size > 0
  }

  locate(): Promise<Address> {
    const ended = this.stopped.then(() => {
      throw new SojournError('INSTANCE_STOPPED')
    })
    return Promise.race([this.process.address(), ended])
  }

  hold(): () => void {
    return this.#life.hold()
  }

  /** Hands a socket over. Only while `ready`. */
  connect(socket: SocketFacts, handle: SocketHandle): void {
    this.#sockets.hold({ socket, handle })
    this.#life.stir()
    this.process.say({ type: 'connect', instance: this.instance, socket }, handle)
  }

  /** Has connections closed with a code; cuts those that the process does not close in time. */
  close(connections: readonly string[], code: ErrorCode): void {
    this.process.say({ type: 'close', instance: this.instance, connections, code })
    for (const connection of connections) this.#sockets.closing(connection, code)
  }

  /** Connections that were parked, and closed before they could be handed back. */
  parted(callers: readonly CallerFacts[]): void {
    this.process.say({ type: 'parted', instance: this.instance, callers })
  }

  /** The instance writes a snapshot; its process is killed after `stopMs`. */
  stop(reason: StopReason): void {
    const kill = (): void => this.process.kill(reason, this)
    if (!this.#life.wane(reason, limits.stopMs, kill)) return
    // Who is quiet stays connected while the instance hibernates.
    this.process.say({ type: reason === 'idle' ? 'park' : 'stop', instance: this.instance })
  }

  kill(): void {
    this.process.kill('host-drain')
  }

  hear(message: ProcessToHost): void {
    const { tell } = this.#given
    switch (message.type) {
      case 'ready':
        this.#life.begin()
        break
      case 'failed':
        if (this.phase === 'starting') this.#failStart()
        break
      case 'stopped':
        this.#leave('requested')
        break
      case 'parked':
        this.#given.park(this.#takeParked(message), message.mindsPartings)
        this.#leave('idle')
        break
      case 'adopted':
        this.#adopted(message.connection)
        break
      case 'closed': {
        const { connection } = message
        if (this.#sockets.closed(connection)) tell({ type: 'closed', connection })
        this.#life.stir()
        break
      }
      case 'active':
        this.#life.stir()
        tell({ type: 'active', connections: message.connections })
        break
      case 'awake':
        this.#letSleep()
        this.#letSleep = message.isAwake ? this.#life.hold() : () => {}
        break
    }
  }

  async write(request: JournalRequest): Promise<boolean> {
    const written = await this.#given.write(this.#given.claim, request)
    if (!written) this.process.kill('fenced', this)
    return written
  }

  lost({ reason, lastOutput }: ProcessEnd): void {
    const hasFailed = this.phase === 'starting' && reason !== 'neighbour'
    this.#finish(hasFailed ? 'start-failed' : reason, lastOutput)
  }

  #adopted(connection: string): void {
    const adopted = this.#sockets.adopted(connection)
    // Cut meanwhile, so nobody counts it any more: it must not go on unseen.
    if (!adopted) this.close([connection], 'CONNECTION_CLOSED')
    // Of one that was parked the door knows already.
    else if (!adopted.socket.parked) this.#given.tell({ type: 'adopted', connection })
  }

  #takeParked({ sockets }: ParkedInstance): Parked[] {
    return sockets.flatMap(({ connection, facts }) => {
      const held = this.#sockets.giveUp(connection)
      if (!held) return []
      const { handle, closing } = held
      const caller = { ...held.socket.caller, attachment: facts.attachment }
      return { handle, facts, caller, ...(closing && { closing }) }
    })
  }

  /** Its process says why, and says it last: what it said is told when it has ended. */
  #failStart(): void {
    this.process.kill('start-failed', this)
  }

  #leave(reason: StopReason): void {
    this.process.dismiss(this)
    this.#finish(reason)
  }

  #finish(reason: StopReason, lastOutput?: string): void {
    this.#life.end(reason, lastOutput)
    this.#sockets.cutAll()
  }
}
