/**
 * The life of what serves a key, an instance or a command: forward only, told step by step. It
 * ends by itself when nothing happens for `idleAfterMs`, or when it is as old as `lifetimeMs`.
 */
import { type Clock, SojournError } from '../../base/core/index.ts'
import {
  type BackendPlan,
  type Claim,
  type HostToDoor,
  type Phase,
  phases,
  type StopReason,
} from '../../base/protocol/index.ts'

export interface LifeOptions {
  readonly claim: Claim
  readonly plan: Pick<BackendPlan, 'idleAfterMs' | 'lifetimeMs'>
  readonly clock: Clock
  readonly pid: () => number | undefined
  readonly tell: (message: HostToDoor) => void
  /** It has no more reason to live. */
  readonly onDue: (reason: 'idle' | 'lifetime') => void
}

export class Life {
  /** Resolves when it may be used; rejects with `INSTANCE_START_FAILED`. */
  readonly ready: Promise<void>
  /** Resolves when nothing of it runs any more. */
  readonly stopped: Promise<StopReason>
  readonly #options: LifeOptions
  readonly #settleReady: { resolve: () => void; reject: (error: SojournError) => void }
  readonly #settleStopped: (reason: StopReason) => void
  #phase: Phase = 'claimed'
  #reason: StopReason | undefined
  #holds = 0
  #cancelIdle = (): void => {}
  #cancelDeadline = (): void => {}

  constructor(options: LifeOptions) {
    this.#options = options
    const ready = Promise.withResolvers<void>()
    const stopped = Promise.withResolvers<StopReason>()
    this.ready = ready.promise
    this.ready.catch(() => {})
    this.stopped = stopped.promise
    this.#settleReady = ready
    this.#settleStopped = stopped.resolve
    this.#report()
  }

  get phase(): Phase {
    return this.#phase
  }

  /** Something was started that has to be ready within `ms`; otherwise `late` is called. */
  start(ms: number, late: () => void): void {
    if (this.#move('starting')) this.#deadline(ms, late)
  }

  begin(): void {
    if (!this.#move('ready')) return
    this.#cancelDeadline()
    const { plan, onDue } = this.#options
    if (plan.lifetimeMs > 0) this.#deadline(plan.lifetimeMs, () => onDue('lifetime'))
    this.stir()
    this.#settleReady.resolve()
  }

  /** It begins to end, and has to be gone within `ms`. False when it does already. */
  wane(reason: StopReason, ms: number, late: () => void): boolean {
    if (!this.#move('stopping', reason)) return false
    this.#cancelIdle()
    this.#deadline(ms, late)
    return true
  }

  /** It is gone; the reason that was given first counts. */
  end(reason: StopReason, lastOutput?: string): void {
    if (!this.#move('stopped', reason, lastOutput)) return
    this.#cancelIdle()
    this.#cancelDeadline()
    const hasFailed = this.#reason === 'start-failed'
    const code = hasFailed ? 'INSTANCE_START_FAILED' : 'INSTANCE_STOPPED'
    this.#settleReady.reject(new SojournError(code))
    this.#settleStopped(this.#reason ?? reason)
  }

  /** Something happened that counts: the time until it is idle begins anew. */
  stir(): void {
    this.#cancelIdle()
    if (this.#phase !== 'ready' || this.#holds > 0) return
    const { clock, plan, onDue } = this.#options
    this.#cancelIdle = clock.after(plan.idleAfterMs, () => onDue('idle'))
  }

  /** Keeps it from being idle until the function that is returned is called. */
  hold(): () => void {
    this.#holds += 1
    this.#cancelIdle()
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#holds -= 1
      this.stir()
    }
  }

  #deadline(ms: number, late: () => void): void {
    this.#cancelDeadline()
    this.#cancelDeadline = this.#options.clock.after(ms, late)
  }

  #move(phase: Phase, reason?: StopReason, lastOutput?: string): boolean {
    if (phases.indexOf(phase) <= phases.indexOf(this.#phase)) return false
    this.#phase = phase
    this.#reason ??= reason
    this.#report(lastOutput)
    return true
  }

  #report(lastOutput?: string): void {
    const { claim, clock, pid, tell } = this.#options
    const { backend, key, epoch } = claim
    const id = pid()
    tell({
      type: 'status',
      backend,
      key,
      epoch,
      phase: this.#phase,
      atMs: clock.nowMs(),
      ...(id !== undefined && { pid: id }),
      ...(this.#reason && { reason: this.#reason }),
      ...(lastOutput && { lastOutput }),
    })
  }
}
