import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  expectSame,
  fuzzRuns,
  op,
  play,
  type State,
  scriptOf,
  start,
  type Turn,
} from '../../../test/fakes/state-scripts.ts'
import { describeFrame, type Replica, replica, restore, track } from './index.ts'
import { applyChanges, type Change, revise } from './revisions.ts'
import { deepEqual, plainCopy } from './values.ts'

interface DescribedNode {
  node: number
  kind: string
  content: unknown[]
}

/** The objects of a state by node number, and which numbers are inside of each. */
function numbered(state: unknown, snapshot: Uint8Array): Map<number, [object, Set<number>]> {
  const found = new Map<number, [object, Set<number>]>()
  const visit = (value: unknown, described: unknown): number[] => {
    if (typeof described !== 'object' || described === null || !('node' in described)) return []
    const { node, kind, content } = described as DescribedNode
    const inner = value instanceof Map || Array.isArray(value) ? [...value.values()] : []
    const inside = content.flatMap((item, i) => {
      if (kind === 'array') return visit(inner[i], item)
      const [key, described] = item as [string, unknown]
      return visit(
        value instanceof Map ? value.get(key) : (value as Record<string, unknown>)[key],
        described,
      )
    })
    found.set(node, [value as object, new Set([node, ...inside])])
    return [node, ...inside]
  }
  visit(state, (linesOf(snapshot)[0] as { root: unknown }).root)
  return found
}

const linesOf = (bytes: Uint8Array): unknown[] =>
  describeFrame(bytes)
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line) as unknown)

type Numbered = ReturnType<typeof numbered>

/** A node in which no operation took place is the same object as before, any other is not. */
function expectShared(before: Numbered, after: Numbered, frame: Uint8Array): void {
  const operations = linesOf(frame) as { node: number }[]
  const written = new Set(operations.map(({ node }) => node))
  for (const [number, [object, inside]] of after) {
    const old = before.get(number)
    if (old === undefined) continue
    const isWritten = [...inside, ...old[1]].some((one) => written.has(one))
    if (!isWritten) expect(old[0], `node ${number}`).toBe(object)
    else expect(Object.is(old[0], object), `node ${number}`).toBe(false)
  }
}

class World {
  model = start()
  tracked = track(start())
  readonly snapshot = this.tracked.snapshot()
  readonly frames: Uint8Array[] = []
  readonly replicas: Replica<State>[] = []
  held: [unknown[], unknown[]] = [[], []]

  constructor() {
    this.join()
  }
  join(): void {
    const one = replica<State>()
    one.apply(this.tracked.snapshot())
    this.replicas.push(one)
  }
  rollback(before: State): void {
    this.tracked.rollback()
    expectSame(this.tracked.state, before)
    this.model = before
    this.held = [[], []]
  }
  flush(model: State, before: Uint8Array): void {
    let frame: Uint8Array | undefined
    try {
      frame = this.tracked.flush()
    } catch (error) {
      expect(error).toMatchObject({ code: 'STATE_UNSUPPORTED' })
      this.rollback(model)
      return
    }
    expectSame(this.tracked.state, this.model)
    if (frame === undefined) return
    this.frames.push(frame)
    for (const one of this.replicas) {
      const old = one.state
      expect(one.apply(frame)).toBe('applied')
      expectSame(one.state, this.model)
      expectShared(numbered(old, before), numbered(one.state, this.tracked.snapshot()), frame)
    }
  }
  restore(): void {
    this.tracked = restore(this.snapshot, this.frames)
    expectSame(this.tracked.state, this.model)
    this.held = [[], []]
  }
}

function runScript(turns: readonly Turn[]): void {
  const world = new World()
  for (const { ops, end } of turns) {
    const before = plainCopy(world.model) as State
    const snapshot = world.tracked.snapshot()
    const done = play(world.model, world.tracked.state, ops, world.held)
    if (!done || end === 'rollback') world.rollback(before)
    else world.flush(before, snapshot)
    if (end === 'restore') world.restore()
    if (end === 'join') world.join()
  }
}

describe('random scripts', () => {
  it('I13: leave tracker, replicas and restored trackers equal to the plain state', () => {
    const script = scriptOf(['rollback', 'restore', 'join'])
    fc.assert(fc.property(script, runScript), fuzzRuns('state', 500))
  })

  it('roll back to the bytes of the snapshot before', () => {
    fc.assert(
      fc.property(fc.array(op, { maxLength: 20 }), (ops) => {
        const tracked = track(start())
        const before = tracked.snapshot()
        play(start(), tracked.state, ops, [[], []])
        tracked.rollback()
        expect(tracked.flush()).toBeUndefined()
        expectSame(tracked.state, start())
        expect(restore(before, []).snapshot()).toEqual(tracked.snapshot())
        ;(tracked.state.a as { x: number }).x = 77
        const seen = replica<State>()
        seen.apply(before)
        seen.apply(tracked.flush()!)
        expectSame(seen.state, tracked.state)
      }),
      { numRuns: 500 },
    )
  })

  it('have changes that lead from the plain state before to the one after', () => {
    fc.assert(
      fc.property(fc.array(op, { maxLength: 12 }), (ops) => {
        const data = start()
        const revision = revise(data, { guard() {} })
        const model = start()
        if (!play(model, revision.state, ops, [[], []])) return
        const outcome = revision.outcome()
        expectSame(outcome, model)
        const changes: readonly Change[] = revision.changes()
        expectSame(revision.state, model)
        const other = applyChanges(data, changes)
        if (!deepEqual(other, model)) expect(other).toStrictEqual(model)
        expect(revision.changes()).toEqual(changes)
        if (revision.isChanged()) expect(changes).not.toEqual([])
        else expectSame(outcome, data)
        expectSame(data, start())
      }),
      fuzzRuns('revisions', 500),
    )
  })
})
