/** The changes of an array in the order in which they happened, and what a frame tells of them. */

/** A change as a turn logs it. */
export interface Splice {
  readonly index: number
  readonly removed: readonly unknown[]
  /** Grows while later changes fall into it. */
  readonly inserted: unknown[]
}

/** A change that a replica carries out. */
export interface NetSplice {
  readonly index: number
  readonly remove: number
  readonly insert: readonly unknown[]
}

/**
 * The same without what changes nothing: items that were taken out and put back.
 *
 * @param placeholder stands for an item that a later change takes out again: it may have gone to
 * another audience, and nobody is to see what passed
 */
export function netSplices(splices: readonly Splice[], placeholder: unknown): NetSplice[] {
  const net = splices.map(trimmed).filter(({ remove, insert }) => remove > 0 || insert.length > 0)
  return net.map((splice, at) => ({
    ...splice,
    insert: splice.insert.map((item, i) =>
      isGone(splice.index + i, net, at + 1) ? placeholder : item,
    ),
  }))
}

function trimmed({ index, removed, inserted }: Splice): NetSplice {
  const shorter = Math.min(removed.length, inserted.length)
  let same = 0
  while (same < shorter && Object.is(removed[same], inserted[same])) same++
  return { index: index + same, remove: removed.length - same, insert: inserted.slice(same) }
}

/** Whether what is at a place is taken out by one of the changes from `next` on. */
function isGone(place: number, splices: readonly NetSplice[], next: number): boolean {
  let now = place
  for (let at = next; at < splices.length; at++) {
    const { index, remove, insert } = splices[at] as NetSplice
    if (now < index) continue
    if (now < index + remove) return true
    now += insert.length - remove
  }
  return false
}
