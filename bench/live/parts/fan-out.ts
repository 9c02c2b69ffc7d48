import type { Bench } from '../../figures.ts'
import { type Crowd, openCrowd } from '../crowd.ts'
import { compare, type Runner } from '../field.ts'

const crowds = [
  { clients: 50, rounds: 2 },
  { clients: 200, rounds: 5 },
] as const
const listen = { type: 'listen', forMs: 2_000, everyMs: 50 } as const
const name = 'live:fan'

async function round(runner: Runner, crowd: Crowd, clients: number): Promise<void> {
  const before = runner.served.cpuSeconds()
  const [bytes = Number.NaN] = await crowd(listen)
  const usedMs = (runner.served.cpuSeconds() - before) * 1_000
  runner.note(`${clients} clients, CPU`, usedMs / (listen.forMs / 1_000), 'ms/s')
  runner.note(`${clients} clients, sent to each`, bytes, 'B/s')
}

export const fanOut: Bench = {
  name,
  about:
    'One key with 50 and 200 clients in a process of their own, 20 times a second ten of its 100 players move and ' +
    `everybody is told; median of 2 and 5 interleaved rounds of ${listen.forMs / 1_000} s. CPU of all processes of the ` +
    'server, user and system, and the bytes on the wire to one client. Raw ws sends JSON patches written by hand. ' +
    'Good: CPU for 200 clients at most that of raw ws.',
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
        'sojourn, process',
      ],
      async (field) => {
        const open = new Map<Runner, Crowd>()
        await field.each(async (runner) => void open.set(runner, openCrowd(runner)))
        let there = 0
        for (const { clients, rounds } of crowds) {
          const perKey = clients - there
          await field.each(async (runner) => {
            const crowd = open.get(runner)!
            await crowd({ type: 'join', kind: 'players', keys: 1, perKey })
            await crowd({ ...listen, forMs: 500 })
          })
          there = clients
          for (let count = 0; count < rounds; count += 1)
            await field.each((runner) => round(runner, open.get(runner)!, clients))
        }
      },
    ),
}
