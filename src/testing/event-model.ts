/** The contract of `EventStore` in its plainest form: every answer is worked out from all events. */
import type {
  Bucket,
  EventBatch,
  EventCount,
  EventStore,
  Lengths,
  Period,
  StoredEvent,
} from '../web/analytics/index.ts'
import type { SessionEvent } from '../web/session/index.ts'

const hourMs = 3600e3
const endNames = ['logout', 'expired', 'revoked']
type Entry = StoredEvent & { readonly stay: number }

/** Slow, in memory, without a limit: what drivers are compared with. */
export class EventModel implements EventStore {
  readonly #seqs = new Map<string, number>()
  readonly #stays = new Map<string, number>()
  #entries: Entry[] = []
  #position = 0

  append({ writer, seq, events }: EventBatch): void {
    if ((this.#seqs.get(writer) ?? 0) >= seq) return
    this.#seqs.set(writer, seq)
    for (const event of events) this.#add(event)
  }

  #add(event: SessionEvent): void {
    const { session, from } = event
    const ids = from === undefined ? [session] : [session, from]
    const [known] = ids.map((id) => this.#stays.get(id)).filter((stay) => stay !== undefined)
    const stay = known ?? this.#stays.size
    for (const id of ids) if (!this.#stays.has(id)) this.#stays.set(id, stay)
    this.#entries.push({ ...event, stay, position: ++this.#position })
  }

  countActive(sinceMs: number): number {
    const isActive = (entries: Entry[]): boolean => entries.some(({ atMs }) => atMs >= sinceMs)
    return this.#perStay().filter((entries) => isActive(entries) && endOf(entries) === undefined)
      .length
  }

  startsPerHour(period: Period): readonly Bucket[] {
    const counts = new Map<number, number>()
    for (const entries of this.#perStay()) {
      const startMs = startOf(entries)
      if (startMs === undefined || !isIn(period, startMs)) continue
      const fromMs = Math.floor(startMs / hourMs) * hourMs
      counts.set(fromMs, (counts.get(fromMs) ?? 0) + 1)
    }
    return [...counts]
      .map(([fromMs, count]) => ({ fromMs, count }))
      .sort((one, other) => one.fromMs - other.fromMs)
  }

  lengths(period: Period): Lengths {
    const lengths: number[] = []
    for (const entries of this.#perStay()) {
      const [startMs, endMs] = [startOf(entries), endOf(entries)]
      if (startMs !== undefined && endMs !== undefined && isIn(period, endMs))
        lengths.push(Math.max(endMs - startMs, 0))
    }
    lengths.sort((one, other) => one - other)
    const at = (percent: number): number | undefined =>
      lengths[Math.ceil((percent * lengths.length) / 100) - 1]
    return { count: lengths.length, p50Ms: at(50), p90Ms: at(90) }
  }

  count(name: string, period: Period): number {
    return this.#within(period).filter((entry) => entry.name === name).length
  }

  topEvents(period: Period, limit: number): readonly EventCount[] {
    const byName = Map.groupBy(this.#within(period), ({ name }) => name)
    return [...byName]
      .map(([name, entries]) => ({
        name,
        count: entries.length,
        sessions: new Set(entries.map(({ stay }) => stay)).size,
      }))
      .sort((one, other) => other.count - one.count || byCodePoints(one.name, other.name))
      .slice(0, limit)
  }

  funnel(
    steps: readonly string[],
    period: Period,
    withinMs: number = Number.POSITIVE_INFINITY,
  ): number[] {
    const perStay = this.#perStay(this.#within(period))
    const depths = perStay.map((entries) =>
      Math.max(...entries.map((_, index) => depthFrom(entries.slice(index), steps, withinMs))),
    )
    return steps.map((_, step) => depths.filter((depth) => depth > step).length)
  }

  list(after: number, limit: number): readonly StoredEvent[] {
    return this.#entries
      .filter(({ position }) => position > after)
      .slice(0, limit)
      .map(({ stay: _, ...event }) => event)
  }

  sweep(beforeMs: number, limit: number): number {
    const isOld = ({ atMs }: Entry): boolean => atMs < beforeMs
    const old = new Set(this.#entries.filter(isOld).sort(byTime).slice(0, limit))
    this.#entries = this.#entries.filter((entry) => !old.has(entry))
    return old.size
  }

  #within(period: Period): Entry[] {
    return this.#entries.filter(({ atMs }) => isIn(period, atMs))
  }

  #perStay(entries: readonly Entry[] = this.#entries): Entry[][] {
    return [...Map.groupBy(entries.toSorted(byTime), ({ stay }) => stay).values()]
  }
}

/** How many steps the first of these events begins, taking every next one as soon as it comes. */
function depthFrom(entries: readonly Entry[], steps: readonly string[], withinMs: number): number {
  const [first] = entries
  let depth = 0
  for (const { name, atMs } of entries) {
    if (depth === 0 && name !== steps[0]) return 0
    if (name === steps[depth] && atMs - (first?.atMs ?? 0) <= withinMs) depth++
  }
  return depth
}

function startOf(entries: readonly Entry[]): number | undefined {
  return entries.find(({ name }) => name === 'started')?.atMs
}

function endOf(entries: readonly Entry[]): number | undefined {
  return entries.find(({ name }) => endNames.includes(name))?.atMs
}

function isIn({ fromMs, toMs }: Period, atMs: number): boolean {
  return atMs >= fromMs && atMs < toMs
}

function byTime(one: Entry, other: Entry): number {
  return one.atMs - other.atMs || one.position - other.position
}

/** As bytes in UTF-8 are compared. */
function byCodePoints(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}
