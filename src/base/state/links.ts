/**
 * The tree rule, for both sides: at the end of a frame every node has one place and hangs on the
 * root. Within a frame a node may have none or several, since a move is two changes.
 */
import { depthMax } from '../codec/format.ts'

/** A container. Links are kept for holders that joined the tree only. */
export interface Linked<Node> {
  /** Steps from the root, counting the root as 1; 0 before the first settling. */
  depth: number
  /** Whether it is part of the tree, so that what is inside is linked to it. */
  joined: boolean
  /** Who holds it; with a second place, `others` names the earlier holders. */
  parent: Node | undefined
  others: Node[] | undefined
}

export function link<Node extends Linked<Node>>(child: Node, holder: Node): void {
  if (child.parent !== undefined) {
    child.others ??= []
    child.others.push(child.parent)
  }
  child.parent = holder
}

export function unlink<Node extends Linked<Node>>(child: Node, holder: Node): void {
  const { others } = child
  if (child.parent === holder) child.parent = others?.pop()
  else if (others) {
    const index = others.lastIndexOf(holder)
    if (index >= 0) others.splice(index, 1)
  }
  if (others?.length === 0) child.others = undefined
}

/** Whether `node` is `holder` or holds it, at whatever distance. */
export function holds<Node extends Linked<Node>>(node: Node, holder: Node): boolean {
  const seen = new Set<Node>([holder])
  for (const one of seen) {
    if (one === node) return true
    if (one.parent) seen.add(one.parent)
    for (const other of one.others ?? []) seen.add(other)
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
 * Lets go of the nodes that nothing holds any more and checks the tree rule.
 *
 * @returns the nodes that left; when `refuse` throws, everything is as it was
 */
export function settle<Node extends Linked<Node>>(settling: Settling<Node>): readonly Node[] {
  const { root, refuse } = settling
  const { left, queue } = release(settling)
  const deepened: [Node, number][] = []
  try {
    for (const node of queue)
      if (node.joined && (node.others || (node === root && node.parent)))
        refuse(node, 'a second place for the same object')
    for (const node of queue)
      if (node.joined) deepen(settling, node, depthOf(node, settling), deepened)
  } catch (error) {
    for (const [node, depth] of deepened.reverse()) node.depth = depth
    for (const node of left.toReversed()) {
      node.joined = true
      for (const child of settling.childrenOf(node)) link(child, node)
    }
    throw error
  }
  for (const node of left) node.depth = 0
  return left
}

/** Takes nodes without a holder out of the tree, and with them what only they held. */
export function release<Node extends Linked<Node>>(
  settling: Pick<Settling<Node>, 'root' | 'touched' | 'childrenOf'>,
): { left: Node[]; queue: Node[] } {
  const left: Node[] = []
  const queue = [...settling.touched]
  for (const node of queue) {
    if (node === settling.root || !node.joined || node.parent) continue
    left.push(node)
    node.joined = false
    for (const child of settling.childrenOf(node)) {
      unlink(child, node)
      queue.push(child)
    }
  }
  return { left, queue }
}

function deepen<Node extends Linked<Node>>(
  settling: Settling<Node>,
  node: Node,
  depth: number,
  deepened: [Node, number][],
): void {
  if (depth > depthMax) settling.refuse(node, `deeper than ${depthMax}`)
  if (node.depth === depth) return
  deepened.push([node, node.depth])
  node.depth = depth
  for (const child of settling.childrenOf(node)) deepen(settling, child, depth + 1, deepened)
}

function depthOf<Node extends Linked<Node>>(node: Node, { root, refuse }: Settling<Node>): number {
  let depth = 1
  for (let one = node; one !== root; depth++) {
    const { parent } = one
    if (parent === undefined || depth > depthMax) return refuse(node, `deeper than ${depthMax}`)
    one = parent
  }
  return depth
}
