/** Random turns that run on a plain state, the model, and on a tracked one alike. */
import fc from 'fast-check'
import { expect } from 'vitest'
import { deepEqual } from '../../src/base/state/values.ts'

type Any = Record<string, unknown> | unknown[] | Map<string, unknown>
export type State = { a: Record<string, unknown>; list: unknown[]; map: Map<string, unknown> }

/** Where every script begins. */
export const start = (): State => ({
  a: { x: 1, inner: { y: [1, 2, { z: -0 }] } },
  list: [{ id: 1 }, { id: 2, tags: ['t'] }, 3, { id: 4 }],
  map: new Map<string, unknown>([
    ['k', { n: 1 }],
    ['l', [5, { m: 6 }]],
  ]),
})

/** One operation of a script: what to do, and numbers that pick where and with what. */
export type Op = readonly [name: string, where: number, at: number, other: number]

/** All containers of a state, by one walk, so that both sides number them alike. */
export function containers(root: unknown): Any[] {
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
  123.45,
  -0.1,
  52.520008,
  1 / 3,
  2 ** 40 + 1,
  -(2 ** 31),
  1e21,
  'Jürgen',
  'a longer text, ümläuts and all: well beyond what a byte counts',
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

function detachKey(target: Record<string, unknown> | Map<string, unknown>, key: string): void {
  if (target instanceof Map) target.delete(key)
  else delete target[key]
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
  'alias, change, overwrite'({ target, list, at, other }) {
    const item = list[at % (list.length + 1)]
    if (typeof item !== 'object' || item === null || target === item) return
    if (item instanceof Date || item instanceof Uint8Array) return
    if (containers(item).includes(target)) return
    write(target, 'alias', item)
    write(item as Any, 'inside', anyValue(other))
    list[at % (list.length + 1)] = other
  },
  'clear and fill'({ target, at, other }) {
    if (Array.isArray(target)) return
    const entries = target instanceof Map ? [...target] : Object.entries(target)
    for (const [key] of entries) detachKey(target, key)
    for (const [key, value] of at % 2 ? entries : entries.reverse()) write(target, key, value)
    write(target, pick(keys, at), anyValue(other))
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
export const op: fc.Arbitrary<Op> = fc.tuple(
  fc.constantFrom(...names),
  fc.nat(30),
  fc.nat(30),
  fc.nat(30),
)

/** What happens in a turn, what ends it, and whom it concerns. */
export interface Turn {
  readonly ops: readonly Op[]
  readonly end: string
  readonly who: number
}

/** @param ends what may end a turn beside a flush, which more than every other has */
export const scriptOf = (ends: readonly string[]): fc.Arbitrary<Turn[]> =>
  fc.array(
    fc.record({
      ops: fc.array(op, { maxLength: 8 }),
      end: fc.constantFrom(...ends, ...ends.map(() => 'flush')),
      who: fc.nat(11),
    }),
    { minLength: 1, maxLength: 8 },
  )

/**
 * How many scripts, and from which seed: `FUZZ_RUNS` and `FUZZ_SEED`. The seed is printed, so that
 * what was seen once can be seen again.
 */
export function fuzzRuns(name: string, numRuns: number): fc.Parameters<unknown> {
  const { FUZZ_RUNS, FUZZ_SEED } = process.env
  const seed = Number(FUZZ_SEED ?? Date.now() % 2 ** 31)
  const runs = Number(FUZZ_RUNS ?? numRuns)
  process.stdout.write(`${name}: ${runs} scripts from seed ${seed}\n`)
  return { seed, numRuns: runs }
}

/** Keys in their order too, numbers bit by bit, and no trace of anything but plain data. */
export const expectSame = (actual: unknown, expected: unknown): void => {
  if (!deepEqual(actual, expected)) expect(actual).toStrictEqual(expected)
  const order = (value: unknown): unknown =>
    containers(value).map((one) => (one instanceof Map ? [...one.keys()] : Object.keys(one)))
  expect(order(actual)).toEqual(order(expected))
}

/** Plays a turn on a plain state, the model, and on the tracked one; false when both refuse. */
export function play(
  model: State,
  state: State,
  ops: readonly Op[],
  held: [unknown[], unknown[]],
): boolean {
  for (const one of ops) {
    try {
      run(state, one, held[1])
    } catch (error) {
      expect(error).toMatchObject({ code: 'STATE_UNSUPPORTED' })
      return false
    }
    run(model, one, held[0])
  }
  return true
}
