import { type Bench, median } from '../../figures.ts'
import { type Crowd, openCrowd } from '../crowd.ts'
import { compare, type Runner } from '../field.ts'

/** Short ones: another program that comes and goes hits few of them. */
const rounds = 21
const trips = { type: 'trips', count: 300 } as const
const warmUp = { type: 'trips', count: 1_500 } as const
const name = 'live:trip'

export const trip: Bench = {
  name,
  about:
    `Round trip of one action that changes the state, one client, p50 the median of ${rounds} interleaved rounds of ` +
    `${trips.count}, p99 that of all; the client has a process of its own and speaks through \`ws\`, without compression. Raw ws and socket.io keep ` +
    'a number in memory; an action of Sojourn is validated, a transaction, run exactly once, and durable before it is ' +
    'answered at level process (survives kill -9) and disk (fsynced). Durable: PartyServer behind the output gate of its ' +
    'SQLite, RivetKit after saveState({ immediate: true }); both fsync, as level disk does. Good for p50: memory at most 1.15 times raw ws, process 2.5 ' +
    'times, disk 4 times and below every durable peer.',
  run: () =>
    compare(
      name,
      [
        'raw ws',
        'socket.io',
        'colyseus',
        'partyserver',
        'rivetkit',
        'sojourn, memory',
        'partyserver, durable',
        'rivetkit, durable',
        'sojourn, process',
        'sojourn, disk',
      ],
      async (field) => {
        const open = new Map<Runner, Crowd>()
        const all = new Map<Runner, number[]>()
        await field.each(async (runner) => {
          const crowd = openCrowd(runner)
          open.set(runner, crowd)
          all.set(runner, [])
          await crowd({ type: 'join', kind: 'counter', keys: 1, perKey: 1 })
          await crowd(warmUp)
        })
        for (let round = 0; round < rounds; round += 1)
          await field.each(async (runner) => {
            const seen = await open.get(runner)!(trips)
            runner.note('p50', median(seen), 'µs')
            all.get(runner)?.push(...seen)
          })
        await field.each(async (runner) => {
          const sorted = all.get(runner)!.toSorted((a, b) => a - b)
          runner.note('p99', sorted[Math.floor(sorted.length * 0.99)]!, 'µs')
        })
      },
    ),
}
