import { Sorted } from './sorted.ts'

interface Deadline {
  readonly atMs: number
  readonly name: string
}

/** Names that are due at a time, one time each; finding what is due doesn't touch the others. */
export class Deadlines {
  readonly #times = new Map<string, number>()
  readonly #order = new Sorted<Deadline>(
    (one, other) => one.atMs - other.atMs || compareText(one.name, other.name),
  )

  get size(): number {
    return this.#times.size
  }

  set(name: string, atMs: number): void {
    this.delete(name)
    this.#times.set(name, atMs)
    this.#order.add({ atMs, name })
  }

  delete(name: string): void {
    const atMs = this.#times.get(name)
    if (atMs === undefined) return
    this.#times.delete(name)
    this.#order.delete({ atMs, name })
  }

  /** Those that are due, the longest due first, at most `limit`. */
  due(nowMs: number, limit: number): readonly string[] {
    const names: string[] = []
    for (const { atMs, name } of this.#order.from()) {
      if (atMs > nowMs || names.length >= limit) break
      names.push(name)
    }
    return names
  }
}

/** By code units, as `<` does. */
export function compareText(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
