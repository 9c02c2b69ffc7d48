import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  applyChanges,
  type Change,
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
const valueOf = (n: number): unknown => (n % 3 === 0 ? pick(leaves, n) : pick(fresh, n)())
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

/** The same on a plain state and on a tracked one; `held` keeps what was taken out earlier. */
function run(root: State, [name, where, at, other]: Op, held: unknown[]): void {
  const all = containers(root)
  const target = pick(all, where)
  const lists = all.filter((one) => Array.isArray(one))
  const list = pick(lists.length > 0 ? lists : [[]], where)
  const index = at % (list.length + 1)
  switch (name) {
    case 'set':
      return write(target, pick(keys, at), valueOf(other))
    case 'undefined':
      return Array.isArray(target) ? undefined : write(target, 'u', undefined)
    case 'delete':
      return void detach(target, at)
    case 'hold':
      return void (held[0] = target === root ? undefined : detach(target, at))
    case 'return': {
      const back = held[0]
      held[0] = undefined
      // What was taken out may hold the target itself: that would be a cycle.
      if (back === undefined) return
      return write(target, pick(keys, at), back)
    }
    case 'change held':
      return containers(held[0]).length > 0 ? write(held[0] as Any, 'h', valueOf(other)) : undefined
    case 'wrap': {
      const back = held[0]
      held[0] = undefined
      return back === undefined ? undefined : write(target, pick(keys, at), { wrapped: [back] })
    }
    case 'push':
      return void list.push(valueOf(at), valueOf(other))
    case 'pop':
      return void list.pop()
    case 'shift':
      return void list.shift()
    case 'unshift':
      return void list.unshift(valueOf(other))
    case 'splice':
      return void list.splice(index, other % 3, valueOf(at))
    case 'replace':
      return void (list[index] = valueOf(other))
    case 'length':
      return void (list.length = index === list.length ? list.length : index)
    case 'move':
      return void list.splice(other % (list.length + 1), 0, ...list.splice(index, 1 + (at % 2)))
    case 'swap': {
      if (list.length < 2) return
      const [one, two] = [at % list.length, other % list.length]
      const kept = list[one]
      list[one] = list[two]
      list[two] = kept
      return
    }
    case 'sort':
      return void list.sort((x, y) => (rank(x) < rank(y) ? -1 : 1) * (other % 2 ? 1 : -1))
    case 'reverse':
      return void list.reverse()
    case 'fill':
      return void list.fill(pick(leaves, other), index)
    case 'copyWithin':
      return list.every((item) => typeof item !== 'object')
        ? void list.copyWithin(0, index)
        : undefined
    case 'clear':
      return target instanceof Map ? target.clear() : undefined
    case 'lift': {
      const gone = detach(target, at)
      if (Array.isArray(gone)) list.push(...gone)
      return
    }
    default:
      throw new Error(name)
  }
}

const names = [
  'set',
  'set',
  'undefined',
  'delete',
  'hold',
  'return',
  'return',
  'change held',
  'wrap',
  'push',
  'pop',
  'shift',
  'unshift',
  'splice',
  'replace',
  'length',
  'move',
  'move',
  'swap',
  'sort',
  'reverse',
  'fill',
  'copyWithin',
  'clear',
  'lift',
]
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

/** Every object of the new state that equals its former self, place by place, is the same. */
function expectShared(before: unknown, after: unknown, changed: (value: unknown) => boolean): void {
  if (typeof after !== 'object' || after === null || before === after) return
  if (!changed(after)) expect(deepEqual(before, after), 'a copy of an unchanged object').toBe(false)
  if (Array.isArray(after)) {
    const old = Array.isArray(before) ? before : []
    if (old.length === after.length)
      after.forEach((item, i) => {
        expectShared(old[i], item, changed)
      })
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
  flush(before: State): void {
    let frame: Uint8Array | undefined
    try {
      frame = this.tracked.flush()
    } catch (error) {
      expect(error).toMatchObject({ code: 'STATE_UNSUPPORTED' })
      this.rollback(before)
      return
    }
    expectSame(this.tracked.state, this.model)
    if (frame === undefined) return
    this.frames.push(frame)
    for (const one of this.replicas) {
      const old = one.state
      expect(one.apply(frame)).toBe('applied')
      expectSame(one.state, this.model)
      expectShared(old?.list, one.state?.list, () => true)
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
    const done = play(world.model, world.tracked, ops, world.held)
    if (!done || end === 'rollback') world.rollback(before)
    else world.flush(before)
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
