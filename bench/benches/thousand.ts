/** A thousand keys, each in a process of its own, through a day of theirs. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Bench, type Figure, median } from '../figures.ts'
import type { Client } from '../live/clients/client.ts'
import { compare, type Runner } from '../live/field.ts'

const keys = Number(process.env['BENCH_KEYS'] ?? 1_000)
const name = 'thousand'
const joinsAtOnce = 4
const settleMs = 3_000
/** The application and its host. */
const processesAlone = 2
const hibernateMs = 600_000
const lookMs = 500

/** Does something for each key, a few at a time; what each took, and what all took. */
async function forEachKey(
  work: (at: number) => Promise<unknown>,
): Promise<{ each: number[]; allSeconds: number }> {
  const left = Array.from({ length: keys }, (_, at) => at)
  const each: number[] = []
  const startedMs = performance.now()
  const line = async (): Promise<void> => {
    for (let at = left.shift(); at !== undefined; at = left.shift()) {
      const beganMs = performance.now()
      await work(at)
      each.push(performance.now() - beganMs)
    }
  }
  await Promise.all(Array.from({ length: joinsAtOnce }, line))
  return { each, allSeconds: (performance.now() - startedMs) / 1_000 }
}

async function step(
  runner: Runner,
  what: string,
  work: (at: number) => Promise<unknown>,
): Promise<void> {
  const { each, allSeconds } = await forEachKey(work)
  runner.note(`${what}, all`, allSeconds, 's')
  runner.note(`${what}, one, p50`, median(each), 'ms')
  runner.note(`${what}, one, last`, Math.max(...each), 'ms')
}

async function weigh(runner: Runner, when: string, aloneBytes: number): Promise<void> {
  await sleep(settleMs)
  const { served } = runner
  runner.note(`${when}, processes`, served.pids().length - processesAlone, '')
  runner.note(`${when}, memory a key`, (served.pssBytes() - aloneBytes) / keys / 1_000, 'kB')
}

async function live(runner: Runner): Promise<void> {
  const clients: Client[] = []
  await sleep(settleMs)
  const aloneBytes = runner.served.pssBytes()
  await step(runner, 'started', async (at) => {
    clients[at] = await runner.join(`key-${at}`)
  })
  await weigh(runner, 'idle', aloneBytes)
  await step(runner, 'one message', async (at) => clients[at]?.add())
  const startedMs = performance.now()
  while (runner.served.pids().length > processesAlone) {
    if (performance.now() - startedMs > hibernateMs) throw new Error('they do not hibernate')
    await sleep(lookMs)
  }
  runner.note('hibernated, all', (performance.now() - startedMs) / 1_000, 's')
  await weigh(runner, 'hibernated', aloneBytes)
  await step(runner, 'woken by a message', async (at) => clients[at]?.add())
  await weigh(runner, 'woken', aloneBytes)
}

export const thousand: Bench = {
  name,
  about:
    `${keys} keys of Sojourn, each in a process of its own and with a client connected, ${joinsAtOnce} at a time: started, ` +
    'idle, one message each, hibernated with their sockets parked (the time includes the idle time of two minutes), and ' +
    'woken by a message. Memory is proportional (PSS), less that of the server without a key. A machine of 24 GB holds them.',
  run: (): Promise<readonly Figure[]> =>
    compare(name, ['sojourn, two minutes'], (field) => field.each(live)),
}
