import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SessionRecord, SessionStore } from 'sojourn'
import { openSqlite } from 'sojourn/stores/sqlite'
import { type Bench, type Figure, median } from '../figures.ts'

const sizes = [1_000, 1_000_000] as const
const sessionsPerUser = 5
const rounds = 9
/** Sessions in use, far apart in the file: as many of a million as of a thousand. */
const usedCount = 500
const bytes = new Uint8Array(700)
const hourMs = 3_600_000

/** Every tenth session is past its times: sweeping has something to do. */
function recordOf(n: number, nowMs: number): SessionRecord {
  const isExpired = n % 10 === 0
  const createdAtMs = nowMs - 2 * hourMs
  const user = { id: `user-${Math.floor(n / sessionsPerUser)}`, authenticatedAtMs: 0, factors: [] }
  return {
    id: `s_${n}`,
    version: 1,
    bytes,
    user,
    createdAtMs,
    touchedAtMs: createdAtMs,
    expiresAtMs: isExpired ? nowMs - hourMs : nowMs + hourMs,
    endsAtMs: nowMs + hourMs,
    device: undefined,
    parentId: undefined,
  }
}

type Call = readonly [name: string, run: (store: SessionStore, n: number, nowMs: number) => unknown]

const calls: readonly Call[] = [
  ['read', (store, n) => store.read(`hash-${n}`)],
  ['commit', commit],
  ['commit and touch', (store, n, nowMs) => commit(store, n, nowMs, nowMs)],
  ['list by user', (store, n) => store.listByUser(`user-${Math.floor(n / sessionsPerUser)}`)],
]

/** Each session has one that counts its commits: they go upon the newest version. */
const versions = new Map<number, number>()

function commit(store: SessionStore, n: number, nowMs: number, touchedAtMs?: number): void {
  const version = versions.get(n) ?? 1
  const times = touchedAtMs === undefined ? undefined : { touchedAtMs, expiresAtMs: nowMs + hourMs }
  if (store.commit(`s_${n}`, version, bytes, times) === 'committed') versions.set(n, version + 1)
}

/** Far apart, so that no page is in the cache by luck. */
const numberOf = (call: number, size: number): number => (call * 7_919 + 1) % size

function medianOf(count: number, run: (call: number) => unknown): number {
  const seen: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const startedMs = performance.now()
    for (let call = 0; call < count; call += 1) run(round * count + call)
    seen.push(((performance.now() - startedMs) * 1_000) / count)
  }
  return median(seen)
}

/** A file so small is in the cache as a whole: nothing of it is used for the first time. */
const isCached = (size: number): boolean => size === sizes[0]

function figuresOf(store: SessionStore, size: number): (readonly [string, number])[] {
  const nowMs = Date.now()
  const found = calls.flatMap(([name, run], at) => {
    // What another call brought into the cache is no first time.
    const unused = usedCount * (1 + at * rounds)
    const use = (call: number): unknown => run(store, numberOf(call % usedCount, size), nowMs)
    const first = (call: number): unknown => run(store, numberOf(unused + call, size), nowMs)
    const warmed = medianOf(usedCount, use)
    return [
      [name, warmed],
      [`${name}, first time`, isCached(size) ? warmed : medianOf(usedCount, first)],
    ] as const
  })
  // As many of the million as the thousand has, or checkpoints would count for the one only.
  const sweep = medianOf(sizes[0] / 100, () => store.sweep(nowMs, 1, nowMs))
  return [...found, ['sweep of one', sweep]]
}

export const scale: Bench = {
  name: 'scale',
  about:
    'What a call of the SQLite store takes among a thousand and among a million sessions of 0.7 kB, median of 9 rounds; ' +
    'ratios to the thousand. 500 sessions are in use, far apart in the file; among the million each is also used for the ' +
    'first time, when its pages come from the file system. Good: at most twice as much.',
  async run() {
    const figures: Figure[] = []
    for (const size of sizes) {
      const data = mkdtempSync(join(tmpdir(), 'sojourn-scale-'))
      const sqlite = openSqlite({ data })
      const store = sqlite.sessions()
      const nowMs = Date.now()
      for (let n = 0; n < size; n += 1) store.create(recordOf(n, nowMs), `hash-${n}`)
      versions.clear()
      for (const [metric, value] of figuresOf(store, size))
        figures.push({
          bench: 'scale',
          contestant: `${size.toLocaleString('en')} sessions`,
          metric,
          value,
          unit: 'µs',
        })
      sqlite.close()
      rmSync(data, { recursive: true })
    }
    return figures.toSorted((a, b) => a.metric.localeCompare(b.metric))
  },
}
