import type { Access } from './proxies.ts'
import type { TrackedNode } from './steps.ts'
import { checkKey, stepName, unsupported } from './values.ts'

/** A Map's methods work on an inner slot that a proxy lacks, so each is made anew. */
export function mapTraps(access: Access, node: TrackedNode): ProxyHandler<Map<string, unknown>> {
  const { graph } = access
  const methods = mapMethods(access, node)
  const refuse = (_target: unknown, key: string | symbol): never =>
    unsupported(
      () => `${graph.pathOf(node)}.${String(key)}`,
      'a property of a Map, which keeps entries only',
    )
  return {
    get(target, key) {
      if (key === 'size') {
        graph.noteRead(node)
        return target.size
      }
      if (key === Symbol.iterator) return methods['entries']
      if (typeof key === 'string' && Object.hasOwn(methods, key)) return methods[key]
      return Reflect.get(target, key)
    },
    set: refuse,
    defineProperty: refuse,
  }
}

type Visit = (value: unknown, key: string, map: unknown) => void

function mapMethods(
  { graph, wrap, read }: Access,
  node: TrackedNode,
): Record<string, (...values: never[]) => unknown> {
  const raw = node.raw as Map<string, unknown>
  function* entries(): Generator<[string, unknown]> {
    graph.noteRead(node)
    for (const [key, value] of raw) yield [key, read(node, key, value)]
  }
  function* values(): Generator<unknown> {
    for (const [, value] of entries()) yield value
  }
  return {
    get: (key: string) => read(node, key, raw.get(key)),
    has(key: string) {
      graph.noteRead(node, key)
      return raw.has(key)
    },
    set(key: unknown, value: unknown) {
      checkKey(key, () => graph.pathOf(node) + stepName(raw, String(key)))
      graph.set(node, key, value)
      return node.proxy
    },
    delete(key: string) {
      const had = raw.has(key)
      graph.delete(node, key)
      return had
    },
    clear() {
      for (const key of [...raw.keys()]) graph.delete(node, key)
    },
    keys() {
      graph.noteRead(node)
      return raw.keys()
    },
    values,
    entries,
    forEach(visit: Visit, self?: unknown) {
      graph.noteRead(node)
      raw.forEach((value, key) => {
        visit.call(self, read(node, key, value), key, wrap(raw))
      })
    },
  }
}
