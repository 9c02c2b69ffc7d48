import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  applyChanges,
  type Change,
  describeFrame,
  type Replica,
  replica,
  restore,
  type Tracked,
  track,
} from './index.ts'
import { deepEqual, plainCopy } from './values.ts'

type Any = Record<string, unknown> | unknown[] | Map<string, unknown>
type State = { a: Record<string, unknown>; list: unknown[]; map: Map<string, unknown> }

const start = (): State => ({
  a: { x: 1, inner: { y: [1, 2, { z: -0 }] } },
  list: [{ id: 1 }, { id: 2, tags: ['t'] }, 3, { id: 4 }],
  map: new Map<string, unknown>([
    ['k', { n: 1 }],
    ['l', [5, { m: 6 }]],
  ]),
})

/** One operation of a script: what to do, and numbers that pick where and with what. */
type Op = readonly [name: string, where: number, at: number, other: number]

/** All containers of a state, by one walk, so that both sides number them alike. */
function containers(root: unknown): Any[] {
  const found: Any[] = []
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    if (value instanceof Date || value instanceof Uint8Array) return
    found.push(value as Any)
    const inner =
      Array.isArray(value) || value instanceof Map ? value.values() : Object.values(value)
    for (const item of inner) visit(item)
  }
  visit(root)
  return found
}

const leaves = [
  0,
  -0,
  Number.NaN,
  1.5,
  'text',
  null,
  true,
  new Date(7),
  new Uint8Array([1]),
  '\ud83d',
]
const keys = ['k', 'l', 'x', '1', 'constructor']
const fresh: (() => unknown)[] = [
  () => ({ id: 9 }),
  () => [],
  () => ({ in: { deeper: [{ v: 1 }, 2] } }),
  () => new Map<string, unknown>([['k', [{}]]]),
  () => [[1], { w: null }],
]
const pick = <T>(from: readonly T[], n: number): T => from[n % from.length] as T
const anyValue = (n: number): unknown => (n % 3 === 0 ? pick(leaves, n) : pick(fresh, n)())
/** A total order by content, since both sides must sort alike. */
const rank = (value: unknown): string =>
  `${typeof value} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`

function write(target: Any, key: string, value: unknown): void {
  if (target instanceof Map) target.set(key, value)
  else if (Array.isArray(target)) target.push(value ?? null)
  else target[key] = value
}

function detach(target: Any, at: number): unknown {
  if (Array.isArray(target)) return target.splice(at % (target.length + 1), 1)[0]
  const names = target instanceof Map ? [...target.keys()] : Object.keys(target)
  const key = names.length === 0 ? 'none' : pick(names, at)
  if (target instanceof Map) {
    const value = target.get(key)
    target.delete(key)
    return value
  }
  const value = target[key]
  delete target[key]
  return value
}

interface Scene {
  readonly root: State
  readonly target: Any
  readonly list: unknown[]
  readonly index: number
  readonly at: number
  readonly other: number
  /** What an earlier operation took out of the state. */
  readonly held: unknown[]
}

function takeHeld({ held }: Scene): unknown {
  const [back] = held
  held[0] = undefined
  return back
}

const actions: Record<string, (scene: Scene) => void> = {
  set: ({ target, at, other }) => write(target, pick(keys, at), anyValue(other)),
  undefined: ({ target }) => Array.isArray(target) || write(target, 'u', undefined),
  delete: ({ target, at }) => detach(target, at),
  hold(scene) {
    scene.held[0] = detach(scene.target, scene.at)
  },
  return(scene) {
    const back = takeHeld(scene)
    if (back !== undefined) write(scene.target, pick(keys, scene.at), back)
  },
  wrap(scene) {
    const back = takeHeld(scene)
    if (back !== undefined) write(scene.target, pick(keys, scene.at), { wrapped: [back, {}] })
  },
  'change held': ({ held, at, other }) => {
    const inside = containers(held[0])
    if (inside.length > 0) write(pick(inside, at), 'h', anyValue(other))
  },
  'write again and again'({ target, at, other }) {
    if (Array.isArray(target)) return
    for (const n of [at, other, at + other, at * 2, other + 1]) {
      if (n % 5 > 0) write(target, 'k', anyValue(n))
      else if (target instanceof Map) target.delete('k')
      else delete target['k']
    }
  },
  push: ({ list, at, other }) => list.push(anyValue(at), anyValue(other)),
  pop: ({ list }) => list.pop(),
  shift: ({ list }) => list.shift(),
  unshift: ({ list, other }) => list.unshift(anyValue(other)),
  splice: ({ list, index, at, other }) => list.splice(index, other % 3, anyValue(at)),
  replace({ list, index, other }) {
    list[index] = anyValue(other)
  },
  length({ list, index }) {
    list.length = index
  },
  move: ({ list, index, at, other }) =>
    list.splice(other % (list.length + 1), 0, ...list.splice(index, 1 + (at % 2))),
  swap({ list, at, other }) {
    if (list.length < 2) return
    const [one, two] = [at % list.length, other % list.length]
    const kept = list[one]
    list[one] = list[two]
    list[two] = kept
  },
  sort: ({ list, other }) =>
    list.sort(
      (x, y) => (rank(x) < rank(y) ? -1 : rank(x) > rank(y) ? 1 : 0) * (other % 2 ? 1 : -1),
    ),
  reverse: ({ list }) => list.reverse(),
  fill: ({ list, index, other }) => list.fill(pick(leaves, other), index),
  copyWithin: ({ list, index }) =>
    list.every((item) => typeof item !== 'object') && list.copyWithin(0, index),
  clear: ({ target }) => target instanceof Map && target.clear(),
  lift({ target, list, at }) {
    const gone = detach(target, at)
    if (Array.isArray(gone)) list.push(...gone)
  },
  share: ({ target, list, at, other }) =>
    other % 8 === 0 && write(target, pick(keys, at), list.at(-1)),
}

/** The same on a plain state and on a tracked one. */
function run(root: State, [name, where, at, other]: Op, held: unknown[]): void {
  const all = containers(root)
  const lists = all.filter((one) => Array.isArray(one))
  const list = lists.length > 0 ? pick(lists, where) : []
  const index = at % (list.length + 1)
  actions[name]?.({ root, target: pick(all, where), list, index, at, other, held })
}

const often = ['set', 'return', 'hold', 'move', 'push']
const names = [...Object.keys(actions), ...often]
const op: fc.Arbitrary<Op> = fc.tuple(fc.constantFrom(...names), fc.nat(30), fc.nat(30), fc.nat(30))
const turn = fc.record({
  ops: fc.array(op, { maxLength: 8 }),
  end: fc.constantFrom('flush', 'flush', 'flush', 'rollback', 'restore', 'join'),
})
const script = fc.array(turn, { minLength: 1, maxLength: 8 })

/** Keys in their order too, numbers bit by bit, and no trace of anything but plain data. */
const expectSame = (actual: unknown, expected: unknown): void => {
  if (!deepEqual(actual, expected)) expect(actual).toStrictEqual(expected)
  const order = (value: unknown): unknown =>
    containers(value).map((one) => (one instanceof Map ? [...one.keys()] : Object.keys(one)))
  expect(order(actual)).toEqual(order(expected))
}

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
  visit(state, (describeFrame(snapshot) as { root: unknown }).root)
  return found
}

type Numbered = ReturnType<typeof numbered>

/** A node in which no operation took place is the same object as before, any other is not. */
function expectShared(before: Numbered, after: Numbered, frame: Uint8Array): void {
  const { operations } = describeFrame(frame) as { operations: { node: number }[] }
  const written = new Set(operations.map(({ node }) => node))
  for (const [number, [object, inside]] of after) {
    const old = before.get(number)
    if (old === undefined) continue
    const isWritten = [...inside, ...old[1]].some((one) => written.has(one))
    if (!isWritten) expect(old[0], `node ${number}`).toBe(object)
    else expect(Object.is(old[0], object), `node ${number}`).toBe(false)
  }
}

/** Plays a turn on a plain state, the model, and on the tracked one; false when both refuse. */
function play(
  model: State,
  tracked: Tracked<State>,
  ops: readonly Op[],
  held: [unknown[], unknown[]],
): boolean {
  for (const one of ops) {
    try {
      run(tracked.state, one, held[1])
    } catch (error) {
      expect(error).toMatchObject({ code: 'STATE_UNSUPPORTED' })
      return false
    }
    run(model, one, held[0])
  }
  return true
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
    expect(this.tracked.changes()).toEqual([])
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

function runScript(turns: readonly { ops: readonly Op[]; end: string }[]): void {
  const world = new World()
  for (const { ops, end } of turns) {
    const before = plainCopy(world.model) as State
    const snapshot = world.tracked.snapshot()
    const done = play(world.model, world.tracked, ops, world.held)
    if (!done || end === 'rollback') world.rollback(before)
    else world.flush(before, snapshot)
    if (end === 'restore') world.restore()
    if (end === 'join') world.join()
  }
}

describe('random scripts', () => {
  it('leave tracker, replicas and restored trackers equal to the plain state', () => {
    fc.assert(fc.property(script, runScript), { numRuns: 1_500 })
  })

  it('roll back to the bytes of the snapshot before', () => {
    fc.assert(
      fc.property(fc.array(op, { maxLength: 20 }), (ops) => {
        const tracked = track(start())
        const before = tracked.snapshot()
        play(start(), tracked, ops, [[], []])
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
        const tracked = track(start(), { recordReads: true })
        const model = start()
        if (!play(model, tracked, ops, [[], []])) return
        const after = plainCopy(tracked.state)
        const changes: readonly Change[] = tracked.changes()
        expectSame(tracked.state, after)
        const other = start()
        applyChanges(other, changes)
        if (!deepEqual(other, after)) expect(other).toStrictEqual(after)
        expect(tracked.changes()).toEqual(changes)
      }),
      { numRuns: 500 },
    )
  })
})
