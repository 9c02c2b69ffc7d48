import type { ArrayNode } from './array-node.ts'
import { shown } from './node.ts'

type Compare = (left: unknown, right: unknown) => number
type Search = 'indexOf' | 'lastIndexOf' | 'includes'

/** The mutators as splices, and the searches that also know objects which were copied in. */
export function makeArrayMethods(node: ArrayNode): Record<string, unknown> {
  const { raw, graph } = node
  const search =
    (name: Search) =>
    (...[item, ...from]: [unknown, number]) => {
      graph.reads?.note(node)
      return raw[name](graph.find(item), ...(from as [number]))
    }
  const splice = (index: number, remove: number, values: readonly unknown[]): unknown[] => {
    const removed = raw.slice(index, index + remove)
    node.splice(index, remove, values)
    return removed.map(shown)
  }
  return {
    push(...values: unknown[]) {
      node.splice(raw.length, 0, values)
      return raw.length
    },
    unshift(...values: unknown[]) {
      node.splice(0, 0, values)
      return raw.length
    },
    pop: () => splice(Math.max(raw.length - 1, 0), 1, [])[0],
    shift: () => splice(0, 1, [])[0],
    splice(...values: unknown[]) {
      const [start, remove, ...items] = values as [number, number, ...unknown[]]
      const relative = Math.trunc(Number(start)) || 0
      const index =
        relative < 0 ? Math.max(raw.length + relative, 0) : Math.min(relative, raw.length)
      const rest = raw.length - index
      const asked = values.length === 1 ? rest : Math.trunc(Number(remove)) || 0
      return splice(index, values.length === 0 ? 0 : Math.min(Math.max(asked, 0), rest), items)
    },
    sort: (compare?: Compare) => node.rearrange((items) => items.sort(compare)),
    reverse: () => node.rearrange((items) => items.reverse()),
    fill: (...values: [unknown, number?, number?]) =>
      node.rearrange((items) => items.fill(...values)),
    copyWithin: (...values: [number, number, number?]) =>
      node.rearrange((items) => items.copyWithin(...values)),
    indexOf: search('indexOf'),
    lastIndexOf: search('lastIndexOf'),
    includes: search('includes'),
  }
}
