/** One instance as its host sees it: its life, its sockets, its claim on the journal. */
import { type Clock, type ErrorCode, limits, SojournError } from '../../base/core/index.ts'
import {
  type BackendPlan,
  type Claim,
  type HostToDoor,
  type JournalRequest,
  type Phase,
  type ProcessToHost,
  phases,
  type Recovered,
  type SocketFacts,
  type StopReason,
} from '../../base/protocol/index.ts'
import type { InstanceProcess, ProcessEnd, Tenant } from './process.ts'
import { HeldSockets, type SocketHandle } from './sockets.ts'

export interface LiveInstanceStart {
  /** The number that stands for it in messages to its process. */
  readonly instance: number
  readonly claim: Claim
  readonly plan: BackendPlan
  readonly recovered: Recovered
  readonly folder: string | undefined
  readonly process: InstanceProcess
  readonly clock: Clock
  /** Writes to the journal; false when the claim is not the newest any more. */
  readonly write: (claim: Claim, request: JournalRequest) => Promise<boolean>
  readonly tell: (message: HostToDoor) => void
}

export class LiveInstance implements Tenant {
  readonly instance: number
  readonly backend: string
  readonly key: string
  /** Resolves when connections may be handed over; rejects with `INSTANCE_START_FAILED`. */
  readonly ready: Promise<void>
  /** Resolves when nothing of it runs any more. */
  readonly stopped: Promise<StopReason>
  readonly #given: LiveInstanceStart
  readonly #sockets: HeldSockets
  #phase: Phase = 'claimed'
  #reason: StopReason | undefined
  #cancelIdle = (): void => {}
  #cancelDeadline = (): void => {}
  #settleReady: { resolve: () => void; reject: (error: SojournError) => void }
  #settleStopped: (reason: StopReason) => void

  constructor(given: LiveInstanceStart) {
    const { claim, clock, instance, process, recovered, folder } = given
    this.#given = given
    this.instance = instance
    this.backend = claim.backend
    this.key = claim.key
    this.#sockets = new HeldSockets(clock, (connection) => {
      given.tell({ type: 'closed', connection })
      this.#watchIdle()
    })
    const ready = Promise.withResolvers<void>()
    const stopped = Promise.withResolvers<StopReason>()
    this.ready = ready.promise
    this.ready.catch(() => {})
    this.stopped = stopped.promise
    this.#settleReady = ready
    this.#settleStopped = stopped.resolve
    process.admit(this)
    this.#report()
    this.#move('starting')
    const { backend, key, epoch, nonce } = claim
    const name = { backend, key }
    const order = { instance, name, epoch, nonce, recovered, ...(folder && { folder }) }
    process.say({ type: 'start', ...order })
    this.#cancelDeadline = clock.after(limits.startMs, () => this.#failStart('It took too long.'))
  }

  get phase(): Phase {
    return this.#phase
  }

  get process(): InstanceProcess {
    return this.#given.process
  }

  /** Whether its process has to show that it still answers. */
  get isWatched(): boolean {
    return this.#sockets.size > 0
  }

  /** Hands a socket over. Only while `ready`. */
  connect(socket: SocketFacts, handle: SocketHandle): void {
    this.#cancelIdle()
    this.#sockets.hold(socket.caller.connection, handle)
    this.process.say({ type: 'connect', instance: this.instance, socket }, handle)
  }

  /** Has connections closed with a code; cuts those that the process does not close in time. */
  close(connections: readonly string[], code: ErrorCode): void {
    this.process.say({ type: 'close', instance: this.instance, connections, code })
    for (const connection of connections) this.#sockets.closing(connection)
  }

  /** Orderly end: the instance writes a snapshot; its process is killed after `stopMs`. */
  stop(reason: StopReason): void {
    if (!this.#move('stopping', reason)) return
    this.#cancelIdle()
    this.#cancelDeadline()
    this.process.say({ type: 'stop', instance: this.instance })
    this.#cancelDeadline = this.#given.clock.after(limits.stopMs, () =>
      this.process.kill(reason, this),
    )
  }

  hear(message: ProcessToHost): void {
    const { tell } = this.#given
    switch (message.type) {
      case 'ready':
        this.#begin()
        break
      case 'failed':
        if (this.#phase === 'starting') this.#failStart('It failed while starting.')
        break
      case 'stopped':
        this.process.dismiss(this)
        this.#finish(this.#reason ?? 'requested')
        break
      case 'adopted':
        this.#adopted(message.connection)
        break
      case 'closed': {
        const { connection } = message
        if (this.#sockets.closed(connection)) tell({ type: 'closed', connection })
        this.#watchIdle()
        break
      }
      case 'active':
        tell({ type: 'active', connections: message.connections })
        break
    }
  }

  async write(request: JournalRequest): Promise<boolean> {
    const written = await this.#given.write(this.#given.claim, request)
    if (!written) this.process.kill('fenced', this)
    return written
  }

  lost({ reason, lastOutput }: ProcessEnd): void {
    const hasFailed = this.#phase === 'starting' && reason !== 'neighbour'
    if (hasFailed) this.#failStart('Its process ended.', lastOutput)
    else this.#finish(this.#reason ?? reason, lastOutput)
  }

  #adopted(connection: string): void {
    if (this.#sockets.adopted(connection)) this.#given.tell({ type: 'adopted', connection })
    // Cut meanwhile, so nobody counts it any more: it must not go on unseen.
    else this.close([connection], 'CONNECTION_CLOSED')
  }

  #begin(): void {
    if (!this.#move('ready')) return
    const { clock, plan } = this.#given
    this.#cancelDeadline()
    if (plan.lifetimeMs > 0)
      this.#cancelDeadline = clock.after(plan.lifetimeMs, () => this.stop('lifetime'))
    this.#watchIdle()
    this.#settleReady.resolve()
  }

  #failStart(why: string, lastOutput?: string): void {
    this.#settleReady.reject(new SojournError('INSTANCE_START_FAILED', why))
    this.process.kill('start-failed', this)
    this.#finish('start-failed', lastOutput)
  }

  #finish(reason: StopReason, lastOutput?: string): void {
    if (!this.#move('stopped', reason, lastOutput)) return
    this.#cancelIdle()
    this.#cancelDeadline()
    this.#sockets.cutAll()
    this.#settleReady.reject(new SojournError('INSTANCE_STOPPED'))
    this.#settleStopped(reason)
  }

  #move(phase: Phase, reason?: StopReason, lastOutput?: string): boolean {
    if (phases.indexOf(phase) <= phases.indexOf(this.#phase)) return false
    this.#phase = phase
    this.#reason ??= reason
    this.#report(lastOutput)
    return true
  }

  #report(lastOutput?: string): void {
    const { claim, clock, process, tell } = this.#given
    const { backend, key, epoch } = claim
    const { pid } = process
    tell({
      type: 'status',
      backend,
      key,
      epoch,
      phase: this.#phase,
      atMs: clock.nowMs(),
      ...(pid !== undefined && { pid }),
      ...(this.#reason && { reason: this.#reason }),
      ...(lastOutput && { lastOutput }),
    })
  }

  #watchIdle(): void {
    this.#cancelIdle()
    if (this.#phase !== 'ready' || this.#sockets.size > 0) return
    const { clock, plan } = this.#given
    this.#cancelIdle = clock.after(plan.idleAfterMs, () => this.stop('idle'))
  }
}
