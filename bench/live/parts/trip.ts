import { type Bench, median } from '../../figures.ts'
import type { Client } from '../clients/client.ts'
import { compare, type Runner } from '../field.ts'

/** Short ones: another program that comes and goes hits few of them. */
const rounds = 21
const tripsPerRound = 300
const warmUpRounds = 5
const name = 'live:trip'

async function tripsUs(client: Client): Promise<readonly number[]> {
  const seen: number[] = []
  while (seen.length < tripsPerRound) {
    const startedMs = performance.now()
    await client.add()
    seen.push((performance.now() - startedMs) * 1_000)
  }
  return seen
}

export const trip: Bench = {
  name,
  about:
    `Round trip of one action that changes the state, one client, p50 the median of ${rounds} interleaved rounds of ` +
    `${tripsPerRound}, p99 that of all; all clients speak through \`ws\`, without compression. Raw ws and socket.io keep ` +
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
        const clients = new Map<Runner, Client>()
        const all = new Map<Runner, number[]>()
        await field.each(async (runner) => {
          const client = await runner.join('trip')
          clients.set(runner, client)
          all.set(runner, [])
          for (let round = 0; round < warmUpRounds; round += 1) await tripsUs(client)
        })
        for (let round = 0; round < rounds; round += 1)
          await field.each(async (runner) => {
            const trips = await tripsUs(clients.get(runner)!)
            runner.note('p50', median(trips), 'µs')
            all.get(runner)?.push(...trips)
          })
        await field.each(async (runner) => {
          const sorted = all.get(runner)!.toSorted((a, b) => a - b)
          runner.note('p99', sorted[Math.floor(sorted.length * 0.99)]!, 'µs')
        })
      },
    ),
}
