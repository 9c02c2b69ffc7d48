/**
 * The tree rule, for both sides: at the end of a frame every node has one parent and hangs on
 * the root. Within a frame a node may have none or several, since a move is two changes.
 */
import { depthMax } from './values.ts'

/** A numbered container. Links are kept for holders with a number only. */
export interface Linked<Node> {
  /** Its number in frames; 0 when it is no part of the state (any more). */
  number: number
  /** Steps from the root, counting the root as 1; 0 before the first settling. */
  depth: number
  /** Who holds it, once per place. */
  readonly parents: Node[]
}

export function unlink<Node extends Linked<Node>>(child: Node, holder: Node): void {
  const index = child.parents.lastIndexOf(holder)
  if (index >= 0) child.parents.splice(index, 1)
}

/** Whether `node` is `holder` or holds it, at whatever distance. */
export function holds<Node extends Linked<Node>>(node: Node, holder: Node): boolean {
  const seen = new Set<Node>([holder])
  for (const one of seen) {
    if (one === node) return true
    for (const parent of one.parents) seen.add(parent)
  }
  return false
}

export interface Settling<Node> {
  readonly root: Node
  /** Nodes that were attached or detached. */
  readonly touched: Iterable<Node>
  childrenOf(node: Node): Iterable<Node>
  refuse(node: Node, why: string): never
}

/**
 * Takes the numbers of nodes that nothing holds any more and checks the tree rule.
 *
 * @returns the numbers taken; when `refuse` throws, everything is as it was
 */
export function settle<Node extends Linked<Node>>(settling: Settling<Node>): number[] {
  const { root, touched, childrenOf, refuse } = settling
  const dropped: [Node, number][] = []
  const moved: [Node, number][] = []
  const queue = [...touched]
  try {
    for (const node of queue) {
      if (node === root || node.number === 0 || node.parents.length > 0) continue
      dropped.push([node, node.number])
      moved.push([node, node.depth])
      node.number = 0
      node.depth = 0
      for (const child of childrenOf(node)) {
        unlink(child, node)
        queue.push(child)
      }
    }
    for (const node of queue)
      if (node.number !== 0 && node.parents.length > (node === root ? 0 : 1))
        refuse(node, 'a second place for the same object')
    for (const node of queue) if (node.number !== 0) deepen(node, depthOf(node, settling))
  } catch (error) {
    for (const [node, depth] of moved.reverse()) node.depth = depth
    for (const [node, number] of dropped.reverse()) {
      node.number = number
      for (const child of childrenOf(node)) child.parents.push(node)
    }
    throw error
  }
  return dropped.map(([, number]) => number)

  function deepen(node: Node, depth: number): void {
    if (depth > depthMax) refuse(node, `deeper than ${depthMax}`)
    if (node.depth === depth) return
    moved.push([node, node.depth])
    node.depth = depth
    for (const child of childrenOf(node)) deepen(child, depth + 1)
  }
}

function depthOf<Node extends Linked<Node>>(node: Node, { root, refuse }: Settling<Node>): number {
  let depth = 1
  for (let one = node; one !== root; depth++) {
    const parent = one.parents[0]
    if (parent === undefined || depth > depthMax) return refuse(node, `deeper than ${depthMax}`)
    one = parent
  }
  return depth
}
