/** Processes by backend: those that serve, and those that wait with the module loaded. */
import type { Clock } from '../../base/core/index.ts'
import type { BackendPlan, ModulePlan } from '../../base/protocol/index.ts'
import type { InstanceProcess } from './process.ts'

/** A start is not slowed down by that of its successor. */
const refillAfterMs = 50

export interface PoolOptions {
  readonly backends: Readonly<Record<string, BackendPlan>>
  readonly clock: Clock
  readonly open: (backend: string, plan: ModulePlan, folder?: string) => InstanceProcess
}

export class Pool {
  readonly #options: PoolOptions
  readonly #byBackend = new Map<string, Set<InstanceProcess>>()
  #isClosed = false

  constructor(options: PoolOptions) {
    this.#options = options
    for (const [backend, plan] of Object.entries(options.backends)) {
      if (plan.kind !== 'module') continue
      this.#byBackend.set(backend, new Set())
      this.#fill(backend, plan)
    }
  }

  /**
   * A process with room for an instance, which is kept: one that serves already, a warm one, or a
   * new one.
   *
   * @param folder of the key, for a process that may write to nothing else and serves no other
   */
  take(backend: string, plan: ModulePlan, folder?: string): InstanceProcess {
    const free = [...this.#of(backend)].filter((process) => process.hasRoom)
    const shared = free.find((process) => !process.isEmpty)
    const taken = shared ?? free[0] ?? this.#open(backend, plan, folder)
    taken.expect()
    if (!shared) this.#options.clock.after(refillAfterMs, () => this.#fill(backend, plan))
    return taken
  }

  /** All of them. */
  processes(): InstanceProcess[] {
    return [...this.#byBackend.values()].flatMap((processes) => [...processes])
  }

  /** Opens no more, and ends those that serve nobody. */
  close(): void {
    this.#isClosed = true
    for (const process of this.processes()) if (process.isEmpty) process.end('host-drain')
  }

  #of(backend: string): Set<InstanceProcess> {
    return this.#byBackend.get(backend) ?? new Set()
  }

  #fill(backend: string, plan: ModulePlan): void {
    if (this.#isClosed) return
    const idle = [...this.#of(backend)].filter(({ isEmpty, hasRoom }) => isEmpty && hasRoom)
    for (let have = idle.length; have < plan.warm; have += 1) this.#open(backend, plan)
  }

  #open(backend: string, plan: ModulePlan, folder?: string): InstanceProcess {
    const process = this.#options.open(backend, plan, folder)
    const all = this.#of(backend)
    all.add(process)
    process.gone.then(() => all.delete(process))
    return process
  }
}
