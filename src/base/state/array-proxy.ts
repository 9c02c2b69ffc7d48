import type { Graph } from './graph.ts'
import type { Access } from './proxies.ts'
import type { TrackedNode } from './steps.ts'
import { stepName, unsupported } from './values.ts'

const indexPattern = /^(0|[1-9]\d{0,9})$/

export function arrayTraps(access: Access, node: TrackedNode): ProxyHandler<unknown[]> {
  const { graph } = access
  const methods = arrayMethods(access, node)
  return {
    get(target, key, receiver) {
      if (typeof key === 'string' && Object.hasOwn(methods, key)) return methods[key]
      const value: unknown = Reflect.get(target, key, receiver)
      return typeof key === 'string' && Object.hasOwn(target, key)
        ? access.read(node, key, value)
        : value
    },
    set(target, key, value, receiver) {
      if (receiver !== node.proxy) return Reflect.set(target, key, value, receiver)
      writeIndex(graph, node, target, key, value)
      return true
    },
    deleteProperty(target, key) {
      if (Object.hasOwn(target, key)) refuseKey(graph, node, key, 'a hole in an array')
      return true
    },
    defineProperty(target, key, descriptor) {
      const full = { ...Object.getOwnPropertyDescriptor(target, key), ...descriptor }
      const isIndex = key !== 'length'
      const isPlain = full.writable && full.enumerable === isIndex && full.configurable === isIndex
      if (!('value' in full) || !isPlain)
        refuseKey(graph, node, key, 'a property with a getter or flags')
      writeIndex(graph, node, target, key, full.value)
      return true
    },
  }
}

function refuseKey(graph: Graph, node: TrackedNode, key: string | symbol, why: string): never {
  const name = typeof key === 'string' && indexPattern.test(key) ? Number(key) : String(key)
  return unsupported(() => graph.pathOf(node) + stepName(node.raw, name), why)
}

function writeIndex(
  graph: Graph,
  node: TrackedNode,
  raw: readonly unknown[],
  key: string | symbol,
  value: unknown,
): void {
  if (key === 'length') {
    const length = Number(value)
    if (length >>> 0 !== length) throw new RangeError(`Invalid array length: ${String(value)}`)
    if (length > raw.length) refuseKey(graph, node, String(raw.length), 'a hole in an array')
    graph.splice(node, length, raw.length - length, [])
    return
  }
  if (typeof key === 'symbol' || !indexPattern.test(key))
    refuseKey(graph, node, key, 'a key that is no index of an array')
  const index = Number(key)
  if (index > raw.length) refuseKey(graph, node, String(raw.length), 'a hole in an array')
  if (index < raw.length && Object.is(raw[index], graph.nodeOf(value)?.raw ?? value)) return
  graph.splice(node, index, index < raw.length ? 1 : 0, [value])
}

type Compare = (left: unknown, right: unknown) => number

/** The mutators as splices, and the searches that also know objects which were copied in. */
function arrayMethods(
  { graph, wrap }: Access,
  node: TrackedNode,
): Record<string, (...values: never[]) => unknown> {
  const raw = node.raw as unknown[]
  const whole = (): unknown[] => raw.map(wrap)
  const search =
    (name: 'indexOf' | 'lastIndexOf' | 'includes') =>
    (...[item, ...from]: [unknown, number]) => {
      graph.noteRead(node)
      return raw[name](graph.find(item)?.raw ?? item, ...(from as [number]))
    }
  const splice = (index: number, remove: number, values: readonly unknown[]): unknown[] => {
    const removed = raw.slice(index, index + remove)
    graph.splice(node, index, remove, values)
    return removed.map(wrap)
  }
  const rearrange = (change: (items: unknown[]) => void): unknown => {
    const items = whole()
    change(items)
    replaceChanged(graph, node, items)
    return node.proxy
  }
  return {
    push(...values) {
      splice(raw.length, 0, values)
      return raw.length
    },
    unshift(...values) {
      splice(0, 0, values)
      return raw.length
    },
    pop: () => splice(Math.max(raw.length - 1, 0), 1, [])[0],
    shift: () => splice(0, 1, [])[0],
    splice(...values: unknown[]) {
      // The plain method decides what its odd arguments mean.
      const [start, remove, ...items] = values as [number, number, ...unknown[]]
      const index = raw.slice(0, values.length === 0 ? 0 : start).length
      const rest = raw.length - index
      const asked = values.length === 1 ? rest : Math.trunc(Number(remove)) || 0
      return splice(index, values.length === 0 ? 0 : Math.min(Math.max(asked, 0), rest), items)
    },
    sort: (compare?: Compare) => rearrange((items) => items.sort(compare)),
    reverse: () => rearrange((items) => items.reverse()),
    fill: (...values: [unknown, number?, number?]) => rearrange((items) => items.fill(...values)),
    copyWithin: (...values: [number, number, number?]) =>
      rearrange((items) => items.copyWithin(...values)),
    indexOf: search('indexOf'),
    lastIndexOf: search('lastIndexOf'),
    includes: search('includes'),
  }
}

/** Splices the middle that differs, so that a local change stays a small operation. */
function replaceChanged(graph: Graph, node: TrackedNode, items: readonly unknown[]): void {
  const raw = node.raw as readonly unknown[]
  const isSame = (i: number): boolean => Object.is(raw[i], graph.nodeOf(items[i])?.raw ?? items[i])
  let start = 0
  let end = raw.length
  while (start < end && isSame(start)) start++
  while (end > start && isSame(end - 1)) end--
  graph.splice(node, start, end - start, items.slice(start, end))
}
