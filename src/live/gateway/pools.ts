/** HTTP connections to the addresses of instances, kept while they are of use. */
import { Pool } from 'undici'
import { type Clock, limits } from '../../base/core/index.ts'
import type { Address } from '../../base/protocol/index.ts'

interface Kept {
  readonly pool: Pool
  users: number
  /** Calls off the end of a pool that nobody uses. */
  keep: () => void
}

/**
 * One pool an address. A pool has a connection for each request in flight, whose number the door
 * limits, and is closed some seconds after the last one: a process that is gone leaves nothing.
 */
export class Pools {
  readonly #clock: Clock
  readonly #kept = new Map<string, Kept>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#kept.size
  }

  /** Lends the pool of an address until `work` is done. */
  async use(address: Address, work: (pool: Pool) => Promise<void>): Promise<void> {
    const id = 'path' in address ? address.path : `:${address.port}`
    const kept = this.#kept.get(id) ?? { pool: poolFor(address), users: 0, keep: () => {} }
    this.#kept.set(id, kept)
    kept.keep()
    kept.users += 1
    try {
      await work(kept.pool)
    } finally {
      kept.users -= 1
      if (kept.users === 0)
        kept.keep = this.#clock.after(limits.poolIdleMs, () => this.#end(id, kept))
    }
  }

  /** Closes them all; requests in flight fail. */
  destroy(): void {
    for (const { pool, keep } of this.#kept.values()) {
      keep()
      pool.destroy()
    }
    this.#kept.clear()
  }

  #end(id: string, kept: Kept): void {
    // All of them were destroyed, and another may be in its place.
    if (this.#kept.get(id) !== kept) return
    this.#kept.delete(id)
    kept.pool.close()
  }
}

function poolFor(address: Address): Pool {
  const times = { headersTimeout: limits.answerMs, bodyTimeout: 0, pipelining: 1 }
  if ('path' in address) return new Pool('http://localhost', { ...times, socketPath: address.path })
  return new Pool(`http://127.0.0.1:${address.port}`, times)
}
