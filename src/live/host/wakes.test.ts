import { beforeEach, describe, expect, it } from 'vitest'
import { settle } from '../../../test/fakes/instance.ts'
import { limits, silentLog } from '../../base/core/index.ts'
import type { InstanceName } from '../../base/protocol/index.ts'
import { type VirtualClock, virtualClock } from '../../testing/index.ts'
import { Wakes } from './wakes.ts'

let clock: VirtualClock
let jumpedMs: number
/** When each key is due, and what becomes of its start. */
let rows: Map<string, number>
let running: Set<string>
let started: string[]
let broken: Set<string>
let asked: number
let fault: Error | undefined
/** Starts that are under way, when they don't end at once. */
let open: (() => void)[] | undefined
let wakes: Wakes

beforeEach(() => {
  const inner = virtualClock()
  jumpedMs = 0
  clock = { ...inner, nowMs: () => inner.nowMs() + jumpedMs }
  rows = new Map()
  running = new Set()
  started = []
  broken = new Set()
  asked = 0
  fault = undefined
  open = undefined
})

const sorted = () => [...rows].sort(([, one], [, other]) => one - other)

function begin(): void {
  wakes = new Wakes({
    journal: {
      due: (nowMs, max) => {
        asked += 1
        if (fault) throw fault
        const due = sorted().filter(([, atMs]) => atMs <= nowMs)
        return due.slice(0, max).map(([key]) => ({ backend: 'b', key }))
      },
      nextWakeMs: () => sorted()[0]?.[1],
    },
    clock,
    log: silentLog,
    running,
    start: async ({ key }: InstanceName) => {
      started.push(key)
      if (open) await new Promise<void>((resolve) => open?.push(resolve))
      if (broken.has(key)) throw new Error('no')
      // It rings, and its record says that there is nothing more.
      rows.delete(key)
    },
  })
}
async function later(ms: number): Promise<void> {
  for (const end = clock.monotonicMs() + ms; ; ) {
    await settle()
    const leftMs = end - clock.monotonicMs()
    if (leftMs <= 0) return
    clock.advance(Math.min(leftMs, 500))
  }
}
function record(key: string, inMs: number): void {
  rows.set(key, clock.nowMs() + inMs)
  wakes.noticed(clock.nowMs() + inMs)
}

describe('the host', () => {
  it('starts at once what became due while it was away, and later what comes', async () => {
    rows.set('past', clock.nowMs() - 1_000)
    rows.set('soon', clock.nowMs() + 5_000)
    begin()
    await later(0)
    expect(started).toEqual(['past'])
    await later(4_999)
    expect(started).toEqual(['past'])
    await later(1)
    expect(started).toEqual(['past', 'soon'])
  })

  it('follows what is written: an earlier alarm, and one that is taken back', async () => {
    begin()
    await later(0)
    record('late', 60_000)
    record('early', 1_000)
    record('gone', 2_000)
    await later(1_000)
    expect(started).toEqual(['early'])
    rows.delete('gone')
    await later(10_000)
    expect(started).toEqual(['early'])
    await later(60_000)
    expect(started).toEqual(['early', 'late'])
  })

  it('does not overlook what is written while it looks', async () => {
    begin()
    // The first look is under way.
    record('now', 0)
    clock.advance(0)
    await later(1_000)
    expect(started).toEqual(['now'])
  })

  it('does not ask as long as nothing is due', async () => {
    rows.set('next year', clock.nowMs() + 365 * 86_400_000)
    begin()
    await later(3_600_000)
    expect(asked).toBe(1)
  })

  it('starts what is due when the machine was asleep, or its clock was set', async () => {
    begin()
    await later(0)
    record('a', 3_600_000)
    jumpedMs = 3_600_000
    await later(10_000)
    expect(started).toEqual(['a'])
  })

  it('leaves those alone that run, until they end with something due', async () => {
    running.add('b/busy')
    rows.set('busy', clock.nowMs())
    begin()
    await later(5_000)
    expect(started).toEqual([])
    expect(asked).toBeLessThan(8)
    running.delete('b/busy')
    await later(1_000)
    expect(started).toEqual(['busy'])
  })

  it('starts a few at a time, and all of them in the end', async () => {
    open = []
    for (let n = 0; n < 30; n += 1) rows.set(`k${n}`, clock.nowMs() - 100 + n)
    begin()
    await later(5_000)
    expect(started).toHaveLength(limits.wakesAtOnceMax)
    for (let round = 0; round < 200 && rows.size > 0; round += 1) {
      open.shift()?.()
      await later(500)
      expect(open.length).toBeLessThanOrEqual(limits.wakesAtOnceMax)
    }
    expect(started.toSorted()).toEqual(Array.from({ length: 30 }, (_, n) => `k${n}`).toSorted())
  })

  it('tries those again that do not start, ever more rarely, and others do not wait for them', async () => {
    for (let n = 0; n < 50; n += 1) {
      rows.set(`broken ${n}`, clock.nowMs() - 1_000)
      broken.add(`broken ${n}`)
    }
    rows.set('sound', clock.nowMs())
    begin()
    await later(20_000)
    expect(started).toContain('sound')
    const tries = () => started.filter((key) => key === 'broken 0').length
    expect(tries()).toBeGreaterThan(2)
    expect(tries()).toBeLessThan(7)
    broken.clear()
    await later(60_000)
    expect(rows.size).toBe(0)
  })

  it('goes on after a fault of the journal', async () => {
    rows.set('a', clock.nowMs())
    fault = new Error('no')
    begin()
    await later(3_000)
    expect(started).toEqual([])
    fault = undefined
    await later(1_000)
    expect(started).toEqual(['a'])
  })

  it('starts nothing any more once it stops', async () => {
    begin()
    await later(0)
    record('a', 1_000)
    wakes.stop()
    record('b', 500)
    await later(5_000)
    expect(started).toEqual([])
  })
})
