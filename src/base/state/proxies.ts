/** What users touch: proxies that read like the plain thing and turn writes into steps. */
import { arrayTraps } from './array-proxy.ts'
import type { Graph } from './graph.ts'
import { mapTraps } from './map-proxy.ts'
import type { TrackedNode } from './steps.ts'
import { checkKey, type PlainObject, stepName, unsupported } from './values.ts'

/** How the traps of all kinds reach the graph and make proxies of what they read. */
export interface Access {
  readonly graph: Graph
  /** A raw as its proxy, anything else as it is. */
  wrap(value: unknown): unknown
  /** Reads a key that may be recorded: a container on the way to something else is not. */
  read(node: TrackedNode, key: string, value: unknown): unknown
}

export function createAccess(graph: Graph): Access {
  const access: Access = {
    graph,
    wrap(value) {
      const node = graph.nodeOf(value)
      if (node === undefined) return value
      if (node.proxy === undefined) graph.addProxy(node, createProxy(access, node))
      return node.proxy
    },
    read(node, key, value) {
      const wrapped = access.wrap(value)
      if (wrapped === value) graph.noteRead(node, key)
      return wrapped
    },
  }
  return access
}

function createProxy(access: Access, node: TrackedNode): object {
  const { raw } = node
  const traps = Array.isArray(raw)
    ? arrayTraps(access, node)
    : raw instanceof Map
      ? mapTraps(access, node)
      : objectTraps(access, node)
  return new Proxy(raw, { ...commonTraps(access, node), ...traps })
}

/** The traps that see structure, alike for all kinds. */
function commonTraps({ graph, wrap }: Access, node: TrackedNode): ProxyHandler<object> {
  const place = (): string => graph.pathOf(node)
  return {
    ownKeys(target) {
      graph.noteRead(node)
      return Reflect.ownKeys(target)
    },
    getOwnPropertyDescriptor(target, key) {
      const descriptor = Reflect.getOwnPropertyDescriptor(target, key)
      // Listing keys asks for each that is there; asking for an absent one is a read.
      if (descriptor === undefined && typeof key === 'string') graph.noteRead(node, key)
      return descriptor && { ...descriptor, value: wrap(descriptor.value) }
    },
    has(target, key) {
      if (typeof key === 'string') graph.noteRead(node, key)
      return Reflect.has(target, key)
    },
    setPrototypeOf: (target, prototype) =>
      prototype === Object.getPrototypeOf(target) || unsupported(place, 'another prototype'),
    preventExtensions: () => unsupported(place, 'a frozen or sealed object'),
  }
}

function objectTraps({ graph, read }: Access, node: TrackedNode): ProxyHandler<PlainObject> {
  const placeOf = (key: string | symbol) => (): string =>
    graph.pathOf(node) + stepName(node.raw, String(key))
  return {
    get(target, key, receiver) {
      const value: unknown = Reflect.get(target, key, receiver)
      return typeof key === 'string' ? read(node, key, value) : value
    },
    set(target, key, value, receiver) {
      // An object that merely inherits from the state gets the property itself.
      if (receiver !== node.proxy) return Reflect.set(target, key, value, receiver)
      checkKey(key, placeOf(key))
      graph.set(node, key, value)
      return true
    },
    deleteProperty(_target, key) {
      if (typeof key === 'string') graph.delete(node, key)
      return true
    },
    defineProperty(target, key, descriptor) {
      checkKey(key, placeOf(key))
      const full = { ...Object.getOwnPropertyDescriptor(target, key), ...descriptor }
      if (!('value' in full) || !full.writable || !full.enumerable || !full.configurable)
        unsupported(placeOf(key), 'a property with a getter or flags')
      graph.set(node, key, full.value)
      return true
    },
  }
}
