import type { Piece } from '../codec/format.ts'

export interface Arrangement {
  readonly index: number
  /** How many items from `index` on it replaces. */
  readonly remove: number
  readonly pieces: readonly Piece[]
}

type Run = { start: number; count: number }

/**
 * How an array became another one: its middle that differs, as runs of items that were there and
 * new values. Each old item is used once at most, so that a decoder's work stays bounded.
 * `undefined` when nothing differs.
 */
export function arrange(
  before: readonly unknown[],
  after: readonly unknown[],
): Arrangement | undefined {
  const shorter = Math.min(before.length, after.length)
  let index = 0
  while (index < shorter && Object.is(before[index], after[index])) index++
  let same = 0
  while (
    same < shorter - index &&
    Object.is(before[before.length - 1 - same], after[after.length - 1 - same])
  )
    same++
  const from = before.slice(index, before.length - same)
  const to = after.slice(index, after.length - same)
  if (from.length === 0 && to.length === 0) return undefined
  return { index, remove: from.length, pieces: piecesOf(from, to) }
}

function piecesOf(from: readonly unknown[], to: readonly unknown[]): Piece[] {
  // The last of equal items wins, since a Map takes an entry for each in turn.
  const places = new Map(from.map((item, place) => [item, place]))
  const isUsed = new Uint8Array(from.length)
  const pieces: Piece[] = []
  let run: Run | undefined
  let values: unknown[] | undefined
  for (const item of to) {
    const next = run ? run.start + run.count : 0
    const place = Object.is(from[next], item) ? next : places.get(item)
    const isOld = place !== undefined && !isUsed[place] && Object.is(from[place], item)
    if (!isOld) {
      if (values) values.push(item)
      else {
        values = [item]
        pieces.push({ values })
      }
      continue
    }
    isUsed[place] = 1
    if (run && !values && place === next) run.count += 1
    else {
      run = { start: place, count: 1 }
      pieces.push(run)
    }
    values = undefined
  }
  return pieces
}
