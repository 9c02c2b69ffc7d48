/** All keys that hibernate while clients are connected. */
import type { Clock, ErrorCode } from '../../base/core/index.ts'
import { Dormant, type Parked, type Successor } from './dormant.ts'

export interface DormitoryOptions {
  readonly clock: Clock
  /** Brings a key back to life. */
  readonly wake: (id: string) => void
  readonly onClosed: (connection: string) => void
}

export class Dormitory {
  readonly #options: DormitoryOptions
  readonly #byKey = new Map<string, Dormant>()

  constructor(options: DormitoryOptions) {
    this.#options = options
  }

  /** Keeps the sockets of an instance that hibernates. */
  park(id: string, sockets: readonly Parked[], mindsPartings: boolean): Dormant {
    const dormant: Dormant = new Dormant({
      clock: this.#options.clock,
      sockets,
      mindsPartings,
      onWake: () => this.#byKey.get(id) === dormant && this.#options.wake(id),
      onClosed: (connection) => {
        this.#options.onClosed(connection)
        if (dormant.isOver && this.#byKey.get(id) === dormant) this.#byKey.delete(id)
      },
    })
    this.#byKey.set(id, dormant)
    return dormant
  }

  /** Hands the sockets of a key to whoever serves it now. */
  async wake(id: string, successor: Successor): Promise<void> {
    const dormant = this.#byKey.get(id)
    this.#byKey.delete(id)
    await dormant?.handOver(successor)
  }

  /** Closes the sockets of a key that can't be served. */
  dismiss(id: string, code: ErrorCode): void {
    const dormant = this.#byKey.get(id)
    this.#byKey.delete(id)
    dormant?.close(dormant.connections, code)
  }

  dismissAll(code: ErrorCode): void {
    for (const id of [...this.#byKey.keys()]) this.dismiss(id, code)
  }
}
