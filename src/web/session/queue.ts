import { SojournError } from '../../base/core/index.ts'
import { sessionLimits } from './policy.ts'

/**
 * Work of one session after each other, so that parallel updates within this process don't use up
 * their tries against one another.
 */
export class Queue {
  readonly #lines = new Map<string, { tail: Promise<unknown>; waiting: number }>()

  /** @throws SojournError `SESSION_CONFLICT` when too many wait already */
  async run<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const line = this.#lines.get(key) ?? { tail: Promise.resolve(), waiting: 0 }
    if (line.waiting >= sessionLimits.updatesWaitingMax)
      throw new SojournError('SESSION_CONFLICT', 'Too many updates of this session wait.')
    this.#lines.set(key, line)
    line.waiting++
    const result = line.tail.then(work)
    line.tail = result.catch(() => {})
    try {
      return await result
    } finally {
      line.waiting--
      if (line.waiting === 0) this.#lines.delete(key)
    }
  }
}
