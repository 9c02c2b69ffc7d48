/** The checker, checked: it finds what is planted, and nothing in what a correct list does. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { check, type Violation } from './check.ts'
import type { Append, History, Read, View } from './history.ts'

/** A correct list, whose clients see it late, are answered late, and come back at any time. */
class Model {
  readonly #list: string[] = []
  readonly #appends: Append[] = []
  readonly #reads: Read[] = []
  readonly #views: View[] = []
  readonly #shown = new Map<string, number>()
  readonly #open: { client: string; value: string; called: number; index?: number }[] = []
  #now = 0

  call(client: string): void {
    const value = `${client}-${this.#now}`
    this.#now += 1
    this.#open.push({ client, value, called: this.#now })
  }

  /** The oldest call of a client takes effect. */
  run(client: string): void {
    const open = this.#open.find((call) => call.client === client && call.index === undefined)
    if (open) open.index = this.#list.push(open.value) - 1
  }

  /** A client is shown so many of the entries that it has not seen. */
  show(client: string, count: number): void {
    const kept = this.#shown.get(client) ?? 0
    const added = this.#list.slice(kept, kept + count)
    if (added.length === 0) return
    this.#now += 1
    this.#views.push({ client, at: this.#now, kept, added })
    this.#shown.set(client, kept + added.length)
  }

  answer(client: string): void {
    const at = this.#open.findIndex((open) => open.client === client && open.index !== undefined)
    if (at >= 0) this.#settle(at, 'acknowledged')
  }

  /** A client goes away, and nobody ever learns what became of its calls. */
  abandon(client: string): void {
    const at = this.#open.findIndex((open) => open.client === client)
    if (at >= 0) this.#settle(at, 'unknown')
  }

  refuse(client: string): void {
    const value = `${client}-no-${this.#now}`
    this.#now += 2
    const times = { called: this.#now - 1, returned: this.#now }
    this.#appends.push({ client, value, ...times, outcome: 'refused' })
  }

  read(client: string): void {
    const called = this.#now + 1
    this.#now += 2
    const { length } = this.#list
    this.#reads.push({ client, called, returned: this.#now, length })
    this.show(client, length)
  }

  history(): History {
    while (this.#open.length > 0) this.#settle(0, 'unknown')
    return {
      appends: this.#appends,
      reads: this.#reads,
      views: this.#views,
      final: [...this.#list],
    }
  }

  #settle(at: number, outcome: 'acknowledged' | 'unknown'): void {
    const [open] = this.#open.splice(at, 1)
    if (!open) return
    const { index, ...call } = open
    if (outcome === 'acknowledged') this.show(call.client, this.#list.length)
    this.#now += 1
    const place = outcome === 'acknowledged' && index !== undefined && { index }
    this.#appends.push({ ...call, returned: this.#now, outcome, ...place })
  }
}

const step = fc.record({
  do: fc.constantFrom('call', 'call', 'run', 'run', 'show', 'answer', 'abandon', 'refuse', 'read'),
  client: fc.constantFrom('ada', 'bob', 'eve'),
  count: fc.integer({ min: 1, max: 5 }),
} as const)

function play(steps: readonly { do: string; client: string; count: number }[]): History {
  const model = new Model()
  for (const { do: what, client, count } of steps)
    model[what as 'call' | 'run' | 'show'](client, count)
  return model.history()
}

const steps = fc.array(step, { minLength: 1, maxLength: 200, size: 'max' })

/** Two clients, four entries, all of it acknowledged; `c` comes at the end and sees all of it. */
const whole: History = {
  appends: [
    { client: 'a', value: 'a1', called: 1, returned: 4, outcome: 'acknowledged', index: 0 },
    { client: 'b', value: 'b1', called: 5, returned: 8, outcome: 'acknowledged', index: 1 },
    { client: 'a', value: 'a2', called: 9, returned: 15, outcome: 'acknowledged', index: 2 },
    { client: 'a', value: 'a3', called: 10, returned: 16, outcome: 'acknowledged', index: 3 },
    { client: 'b', value: 'no', called: 17, returned: 18, outcome: 'refused' },
    { client: 'b', value: 'b2', called: 19, returned: 30, outcome: 'unknown' },
  ],
  reads: [{ client: 'c', called: 20, returned: 23, length: 4 }],
  views: [
    { client: 'a', at: 3, kept: 0, added: ['a1'] },
    { client: 'b', at: 7, kept: 0, added: ['a1', 'b1'] },
    { client: 'a', at: 14, kept: 1, added: ['b1', 'a2', 'a3'] },
    { client: 'c', at: 22, kept: 0, added: ['a1', 'b1', 'a2', 'a3'] },
  ],
  final: ['a1', 'b1', 'a2', 'a3'],
}

type Change = (history: History) => Partial<History>
const withAppend =
  (value: string, change: Partial<Append>): Change =>
  ({ appends }) => ({
    appends: appends.map((append) => (append.value === value ? { ...append, ...change } : append)),
  })
const withView =
  (at: number, change: Partial<View>): Change =>
  ({ views }) => ({ views: views.map((view) => (view.at === at ? { ...view, ...change } : view)) })

describe('the checker', () => {
  it('finds nothing in a history that is whole, with or without what is unknown', () => {
    expect(check(whole)).toEqual([])
    expect(check({ ...whole, final: [...whole.final, 'b2'] })).toEqual([])
  })

  it.each<[Violation['kind'], string, Change]>([
    ['lost', 'an acknowledged append is gone', () => ({ final: ['a1', 'b1', 'a2'] })],
    [
      'lost',
      'what was shown of an unknown append is gone',
      withView(22, { added: [...whole.final, 'b2'] }),
    ],
    ['duplicated', 'an append is there twice', () => ({ final: [...whole.final, 'a3'] })],
    [
      'duplicated',
      'an unknown one is there twice',
      () => ({ final: [...whole.final, 'b2', 'b2'] }),
    ],
    ['reordered', 'an entry is not where its answer said', withAppend('a3', { index: 2 })],
    [
      'reordered',
      'a client has its appends in another order',
      () => ({
        appends: whole.appends.map((append) => ({ ...append, outcome: 'unknown' as const })),
        final: ['b1', 'a2', 'a1', 'a3'],
      }),
    ],
    ['forked', 'a replica had another entry', withView(14, { added: ['b1', 'b2', 'a3'] })],
    ['forked', 'a replica took an entry back', withView(14, { kept: 0, added: ['a1', 'b1'] })],
    ['phantom', 'nobody appended an entry', () => ({ final: [...whole.final, 'x'] })],
    ['phantom', 'a refused append is there', () => ({ final: [...whole.final, 'no'] })],
    [
      'stale',
      'a newcomer is shown less than what was acknowledged',
      () => ({ reads: [{ client: 'c', called: 20, returned: 23, length: 3 }] }),
    ],
    [
      'stale',
      'a newcomer is shown less than what another replica had',
      (history) => ({
        ...withAppend('a3', { outcome: 'unknown' })(history),
        reads: [{ client: 'c', called: 20, returned: 23, length: 3 }],
      }),
    ],
    [
      'stale',
      'an append stands before one that was over before its call',
      withAppend('b1', { called: 17, returned: 19 }),
    ],
    ['stale', 'an entry was seen before its call', withAppend('a3', { called: 15 })],
    ['stale', 'an answer overtook its change', withView(7, { at: 8.5 })],
  ])('finds %s: %s', (kind, _, change) => {
    const kinds = check({ ...whole, ...change(whole) }).map((violation) => violation.kind)
    expect(kinds).toContain(kind)
  })

  it('finds nothing in any history of a correct list', () => {
    fc.assert(
      fc.property(steps, (taken) => {
        expect(check(play(taken))).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  it('finds any acknowledged append that goes missing, and any entry that comes twice', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (taken, pick) => {
        const history = play(taken)
        const acknowledged = history.appends.filter(({ outcome }) => outcome === 'acknowledged')
        const victim = acknowledged[pick % acknowledged.length]?.value
        fc.pre(victim !== undefined)
        const lost = { ...history, final: history.final.filter((value) => value !== victim) }
        expect(check(lost)).toContainEqual(expect.objectContaining({ kind: 'lost' }))
        const twice = { ...history, final: [...history.final, victim as string] }
        expect(check(twice)).toContainEqual(expect.objectContaining({ kind: 'duplicated' }))
      }),
    )
  })

  it('tells twenty thousand operations at once', () => {
    const model = new Model()
    for (let n = 0; n < 10_000; n += 1) {
      const client = ['ada', 'bob', 'eve'][n % 3] as string
      model.call(client)
      model.run(client)
      model.answer(client)
      if (n % 2) model.read(client)
    }
    expect(check(model.history())).toEqual([])
  })
})
