import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SessionRecord, SessionStore } from 'sojourn'
import { openSqlite } from 'sojourn/stores/sqlite'
import { type Bench, type Figure, median } from '../figures.ts'

const sizes = [1_000, 1_000_000]
const sessionsPerUser = 5
const calls = 500
const rounds = 9
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

const measured: readonly Call[] = [
  ['read', (store, n) => store.read(`hash-${n}`)],
  ['commit', (store, n) => store.commit(`s_${n}`, 1, bytes)],
  [
    'commit and touch',
    (store, n, nowMs) =>
      store.commit(`s_${n}`, 2, bytes, { touchedAtMs: nowMs, expiresAtMs: nowMs + hourMs }),
  ],
  ['list by user', (store, n) => store.listByUser(`user-${Math.floor(n / sessionsPerUser)}`)],
  ['sweep of one', (store, _, nowMs) => store.sweep(nowMs, 1, nowMs)],
]

/** A number below the size for each call, far apart, so that no page is in the cache by luck. */
const numberOf = (call: number, size: number): number => (call * 7_919 + 1) % size

function microseconds(store: SessionStore, [, run]: Call, size: number): number {
  const nowMs = Date.now()
  const seen: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const startedMs = performance.now()
    const count = Math.min(calls, size / 100)
    for (let call = 0; call < count; call += 1)
      run(store, numberOf(round * calls + call, size), nowMs)
    seen.push(((performance.now() - startedMs) * 1_000) / count)
  }
  return median(seen)
}

export const scale: Bench = {
  name: 'scale',
  about:
    'What a call of the SQLite store takes among a thousand and among a million sessions of 0.7 kB, median of 9 rounds; ' +
    'ratios to the thousand. Good: at most twice as much.',
  async run() {
    const figures: Figure[] = []
    for (const size of sizes) {
      const data = mkdtempSync(join(tmpdir(), 'sojourn-scale-'))
      const sqlite = openSqlite({ data })
      const store = sqlite.sessions()
      const nowMs = Date.now()
      for (let n = 0; n < size; n += 1) store.create(recordOf(n, nowMs), `hash-${n}`)
      for (const call of measured)
        figures.push({
          bench: 'scale',
          contestant: `${size.toLocaleString('en')} sessions`,
          metric: call[0],
          value: microseconds(store, call, size),
          unit: 'µs',
        })
      sqlite.close()
      rmSync(data, { recursive: true })
    }
    return figures.toSorted((a, b) => a.metric.localeCompare(b.metric))
  },
}
