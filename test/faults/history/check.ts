/**
 * Whether the history of a list is one that a single list in one place could have (linearizability).
 * For an append list that can be told exactly and in O(n log n), because everything says where it
 * stands: an append at position p comes between the lists of p and of p + 1 entries.
 */
import type { Append, History, Read, View } from './history.ts'

export interface Violation {
  readonly kind: /** Was acknowledged, or shown, and is not there. */
    | 'lost'
    | 'duplicated'
    /** Stands elsewhere than its answer said, or before what the same client appended earlier. */
    | 'reordered'
    /** A replica had another entry at that place, or had to take one back. */
    | 'forked'
    /** Nobody appended it, or it was refused for good. */
    | 'phantom'
    /** Came after something, and did not know of it. */
    | 'stale'
  readonly what: string
}

type Report = (kind: Violation['kind'], what: string) => void

/** Everything that is wrong with a history; nothing for one that is consistent. */
export function check(history: History): Violation[] {
  const violations: Violation[] = []
  const report: Report = (kind, what) => violations.push({ kind, what })
  const positions = positionsOf(history.final, report)
  checkOutcomes(history, positions, report)
  checkViews(history, report)
  checkOrderOfClients(history.appends, positions, report)
  checkOwnViews(history, report)
  checkRealTime(history, positions, report)
  return violations
}

function positionsOf(final: readonly string[], report: Report): Map<string, number> {
  const positions = new Map<string, number>()
  for (const [index, value] of final.entries()) {
    const first = positions.get(value)
    if (first === undefined) positions.set(value, index)
    else report('duplicated', `${value} stands at ${first} and at ${index}`)
  }
  return positions
}

function checkOutcomes(
  { appends, final }: History,
  positions: ReadonlyMap<string, number>,
  report: Report,
): void {
  const outcomes = new Map(appends.map(({ value, outcome }) => [value, outcome]))
  for (const value of final) {
    const outcome = outcomes.get(value)
    if (outcome === undefined) report('phantom', `nobody appended ${value}`)
    if (outcome === 'refused') report('phantom', `${value} was refused, and is there`)
  }
  for (const { value, outcome, index } of appends) {
    if (outcome !== 'acknowledged') continue
    const position = positions.get(value)
    if (position === undefined) report('lost', `${value} was acknowledged at ${index}`)
    else if (position !== index) report('reordered', `${value} is at ${position}, not at ${index}`)
  }
}

/** Every list that any replica ever had is a beginning of the final one, and none became shorter. */
function checkViews({ views, final }: History, report: Report): void {
  const lengths = new Map<string, number>()
  for (const { client, at, kept, added } of views) {
    const before = lengths.get(client) ?? 0
    if (kept < before) report('forked', `${client} had ${before} entries, and ${kept} at ${at}`)
    lengths.set(client, kept + added.length)
    for (const [offset, value] of added.entries()) {
      const there = final[kept + offset]
      if (there === value) continue
      const place = `${client} was shown ${value} as entry ${kept + offset} at ${at}`
      if (there === undefined) report('lost', place)
      else report('forked', `${place}; there is ${there}`)
    }
  }
}

/** The actions of one connection run in the order in which they were called. */
function checkOrderOfClients(
  appends: readonly Append[],
  positions: ReadonlyMap<string, number>,
  report: Report,
): void {
  const last = new Map<string, Append>()
  for (const append of appends.toSorted((a, b) => a.called - b.called)) {
    const position = positions.get(append.value)
    if (position === undefined) continue
    const before = last.get(append.client)
    if (before && (positions.get(before.value) ?? 0) > position)
      report('reordered', `${append.value} stands before ${before.value}, which was called earlier`)
    last.set(append.client, append)
  }
}

/** Who was answered sees it: the answer never comes before the change that it is about. */
function checkOwnViews({ appends, views }: History, report: Report): void {
  const viewsOf = Map.groupBy(views, ({ client }) => client)
  const answers = appends.filter(({ outcome }) => outcome === 'acknowledged')
  const answersOf = Map.groupBy(answers, ({ client }) => client)
  for (const [client, mine] of answersOf) {
    const shown = viewsOf.get(client) ?? []
    let next = 0
    let length = 0
    for (const { value, index = 0, returned } of mine.toSorted(byReturn)) {
      for (; (shown[next]?.at ?? Infinity) < returned; next += 1) length = lengthOf(shown[next])
      if (length <= index)
        report('stale', `${client} was told of ${value} at ${index} and saw ${length} entries`)
    }
  }
}

const byReturn = (a: { returned: number }, b: { returned: number }): number =>
  a.returned - b.returned
const lengthOf = (view: View | undefined): number => (view ? view.kept + view.added.length : 0)

/** Something with a place in the order: of two, the one that was over first has the lower rank. */
interface Ranked {
  /** `undefined` for a view: a replica may lag, but what it shows has happened. */
  readonly called: number | undefined
  readonly returned: number
  readonly rank: number
  readonly what: string
}

/** What had returned before something else was called comes before it. */
function checkRealTime(
  { appends, reads, views }: History,
  positions: ReadonlyMap<string, number>,
  report: Report,
): void {
  const all = [
    ...appends.flatMap((append) => rankAppend(append, positions.get(append.value)) ?? []),
    ...reads.map(rankRead),
    ...views.map(rankView),
  ]
  const returned = all.toSorted(byReturn)
  const called = all.filter((one) => one.called !== undefined)
  let next = 0
  let highest: Ranked | undefined
  for (const one of called.toSorted((a, b) => (a.called ?? 0) - (b.called ?? 0))) {
    for (; (returned[next]?.returned ?? Infinity) < (one.called ?? 0); next += 1) {
      const over = returned[next]
      if (over && over.rank > (highest?.rank ?? -1)) highest = over
    }
    if (highest && highest.rank > one.rank) report('stale', `${one.what}, after ${highest.what}`)
  }
}

/** One that nobody was told of may have happened at any time since its call. */
function rankAppend(append: Append, position: number | undefined): Ranked | undefined {
  if (position === undefined || append.outcome === 'refused') return undefined
  const { called, outcome, value } = append
  const returned = outcome === 'acknowledged' ? append.returned : Infinity
  return { called, returned, rank: 2 * position + 1, what: `${value} became entry ${position}` }
}

function rankRead({ client, called, returned, length }: Read): Ranked {
  return { called, returned, rank: 2 * length, what: `${client} came and found ${length} entries` }
}

function rankView(view: View): Ranked {
  const length = lengthOf(view)
  const what = `${view.client} was shown ${length} entries`
  return { called: undefined, returned: view.at, rank: 2 * length, what }
}
