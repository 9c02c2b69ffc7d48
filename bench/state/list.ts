/** Scenario: a list of 1,000 items with one operation in each tick. */
import { seeded } from './random.ts'

export interface Item {
  id: string
  text: string
  done: boolean
}

export interface ListState {
  items: Item[]
}

export type ListOperation = 'insert' | 'toggle' | 'move'

export type ListTick =
  | { readonly operation: 'insert'; readonly index: number; readonly item: Item }
  | { readonly operation: 'toggle'; readonly index: number }
  | { readonly operation: 'move'; readonly from: number; readonly to: number }

const itemCount = 1_000
const tickCount = 100

export function changeList({ items }: ListState, tick: ListTick): void {
  if (tick.operation === 'insert') {
    items.splice(tick.index, 0, { ...tick.item })
  } else if (tick.operation === 'toggle') {
    const item = items[tick.index]!
    item.done = !item.done
  } else {
    const [item] = items.splice(tick.from, 1)
    items.splice(tick.to, 0, item!)
  }
}

/** The first state and what happens to it. */
export function listCase(operation: ListOperation): { initial: ListState; ticks: ListTick[] } {
  const random = seeded(41)
  const below = (limit: number) => Math.floor(random() * limit)
  const item = (number: number): Item => ({
    id: `t${number}`,
    text: `Buy milk number ${number}`,
    done: random() < 0.5,
  })
  const items = Array.from({ length: itemCount }, (_, index) => item(1_000 + index))
  const ticks = Array.from({ length: tickCount }, (_, count): ListTick => {
    if (operation === 'insert')
      return { operation, index: below(itemCount + count + 1), item: item(2_000 + count) }
    if (operation === 'toggle') return { operation, index: below(itemCount) }
    const from = below(itemCount)
    // Anywhere else: every tick has to change something.
    return { operation, from, to: (from + 1 + below(itemCount - 1)) % itemCount }
  })
  return { initial: { items }, ticks }
}
