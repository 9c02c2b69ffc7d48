/** Which values a turn read, so that a replay knows which of them must not have changed. */
import { TrackedNode } from './node.ts'

export class Reads {
  /** Keys of single values that were read, or asked for in vain. */
  #keys: Map<TrackedNode, Set<string>> | undefined
  /** Nodes that were looked at as a whole: their keys were listed, or they were moved. */
  #whole: Set<TrackedNode> | undefined

  note(node: TrackedNode, key?: string): void {
    if (key === undefined) {
      this.#whole ??= new Set()
      this.#whole.add(node)
      return
    }
    this.#keys ??= new Map()
    const keys = this.#keys.get(node)
    if (keys) keys.add(key)
    else this.#keys.set(node, new Set([key]))
  }

  /** Whether what a key holds was read: itself, anything inside, or which keys there are. */
  has(node: TrackedNode, key: string, value: unknown): boolean {
    if (this.#whole?.has(node) || this.#keys?.get(node)?.has(key)) return true
    return value instanceof TrackedNode && this.#wasSeen(value)
  }

  #wasSeen(node: TrackedNode): boolean {
    return (
      this.#whole?.has(node) ||
      this.#keys?.has(node) ||
      node.children().some((child) => this.#wasSeen(child))
    )
  }

  clear(): void {
    this.#keys = undefined
    this.#whole = undefined
  }
}
