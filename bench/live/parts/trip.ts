import { type Bench, median } from '../../figures.ts'
import type { Client } from '../clients/client.ts'
import { compare, type Runner } from '../field.ts'

const rounds = 5
const tripsPerRound = 1_000
const name = 'live:trip'

async function tripsUs(client: Client): Promise<readonly number[]> {
  const seen: number[] = []
  while (seen.length < tripsPerRound) {
    const startedMs = performance.now()
    await client.add()
    seen.push((performance.now() - startedMs) * 1_000)
  }
  return seen.toSorted((a, b) => a - b)
}

export const trip: Bench = {
  name,
  about:
    `Round trip of one action that changes the state, one client, median of ${rounds} interleaved rounds of ` +
    `${tripsPerRound.toLocaleString('en')}; all clients speak through the WebSocket of \`ws\`. Raw ws and socket.io keep ` +
    'a number in memory; an action of Sojourn is validated, a transaction, run exactly once, and durable before it is ' +
    'answered at level process (survives kill -9) and disk (fsynced). Durable: PartyServer behind the output gate of its ' +
    'SQLite, RivetKit after saveState({ immediate: true }). Good for p50: memory at most 1.15 times raw ws, process 2.5 ' +
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
        await field.each(async (runner) => {
          const client = await runner.join('trip')
          clients.set(runner, client)
          await tripsUs(client)
        })
        for (let round = 0; round < rounds; round += 1)
          await field.each(async (runner) => {
            const trips = await tripsUs(clients.get(runner)!)
            runner.note('p50', median(trips), 'µs')
            runner.note('p99', trips[Math.floor(trips.length * 0.99)]!, 'µs')
          })
      },
    ),
}
