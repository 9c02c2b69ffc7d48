/** Which values a turn read, so that a replay knows which of them must not have changed. */
import { TrackedNode } from './node.ts'

export class Reads {
  /** Keys of single values read in this turn; a node without keys was looked at as a whole. */
  readonly #keys = new Map<TrackedNode, Set<string>>()

  note(node: TrackedNode, key?: string): void {
    const keys = this.#keys.get(node) ?? new Set()
    if (key !== undefined) keys.add(key)
    this.#keys.set(node, keys)
  }

  /** Whether the value of a key was read: itself, or anything inside. */
  has(node: TrackedNode, key: string, value: unknown): boolean {
    if (this.#keys.get(node)?.has(key)) return true
    return value instanceof TrackedNode && this.#wasSeen(value)
  }

  #wasSeen(node: TrackedNode): boolean {
    if (this.#keys.has(node)) return true
    for (const child of node.children()) if (this.#wasSeen(child)) return true
    return false
  }

  clear(): void {
    this.#keys.clear()
  }
}
