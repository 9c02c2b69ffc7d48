import type { Bench } from '../../figures.ts'
import { type Crowd, openCrowd } from '../crowd.ts'
import { compare, type Runner } from '../field.ts'

const keyCounts = [1, 10, 100] as const
const clientsPerKey = 4
const rounds = 3
const add = { type: 'add', forMs: 1_000, openMax: 16 } as const
const name = 'live:rate'

export const rate: Bench = {
  name,
  about:
    `Durable actions a second, over 1, 10 and 100 keys with ${clientsPerKey} clients each, of which each keeps ` +
    `${add.openMax} actions open; median of ${rounds} interleaved rounds of ${add.forMs / 1_000} s, the clients in a ` +
    'process of their own. Both peers fsync, as level disk does. Good: more than every durable peer.',
  run: () =>
    compare(
      name,
      ['sojourn, process', 'sojourn, disk', 'partyserver, durable', 'rivetkit, durable'],
      async (field) => {
        const open = new Map<Runner, Crowd>()
        await field.each(async (runner) => void open.set(runner, openCrowd(runner)))
        for (const keys of keyCounts) {
          await field.each(async (runner) => {
            const crowd = open.get(runner)!
            await crowd({ type: 'join', kind: 'counter', keys, perKey: clientsPerKey })
            await crowd({ ...add, forMs: 400 })
          })
          for (let count = 0; count < rounds; count += 1)
            await field.each(async (runner) => {
              const [perSecond = Number.NaN] = await open.get(runner)!(add)
              runner.note(keys === 1 ? '1 key' : `${keys} keys`, perSecond, '/s')
            })
          await field.each(async (runner) => void (await open.get(runner)!({ type: 'leave' })))
        }
      },
    ),
}
