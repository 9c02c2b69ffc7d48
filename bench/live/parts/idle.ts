import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench } from '../../figures.ts'
import type { Client } from '../clients/client.ts'
import { contestants, type Mode, type Name } from '../contestants.ts'
import { compare, type Runner } from '../field.ts'

const keys = 200
/** So many tell whether an option does anything, before all of them are started for nothing. */
const keysTried = 10
const joinsAtOnce = 4
/** Garbage of the joins goes, and processes settle. */
const settleMs = 2_000
const shrinkMs = 8_000
const pauseMs = 100
/** Sojourn without an instance: the application and its host. */
const processesAlone = 2
const name = 'live:idle'

async function join(runner: Runner, from: number, to: number): Promise<readonly Client[]> {
  const left = Array.from({ length: to - from }, (_, at) => `key-${from + at}`)
  const clients: Client[] = []
  const lines = Array.from({ length: joinsAtOnce }, async () => {
    for (let key = left.shift(); key; key = left.shift()) clients.push(await runner.join(key))
  })
  await Promise.all(lines)
  return clients
}

/** An option that is ignored would put a figure under another name. */
async function expectFewProcesses(runner: Runner, used: number): Promise<void> {
  const { perProcess, idleAfterMs } = contestants[runner.name].mode as Mode
  if (!perProcess && !idleAfterMs) return
  const instancesMax = perProcess ? Math.ceil(used / perProcess) + 1 : 0
  const untilMs = performance.now() + shrinkMs
  while (runner.served.pids().length - processesAlone > instancesMax) {
    if (performance.now() > untilMs)
      throw new Error(
        perProcess
          ? 'instances do not share a process yet'
          : 'an instance with a connection does not hibernate yet',
      )
    await sleep(pauseMs)
  }
}

async function measure(runner: Runner): Promise<void> {
  await sleep(settleMs)
  const alone = runner.served.pssBytes()
  const [first] = await join(runner, 0, keysTried)
  await expectFewProcesses(runner, keysTried)
  await join(runner, keysTried, keys)
  await expectFewProcesses(runner, keys)
  await sleep(settleMs)
  runner.note('memory a key', (runner.served.pssBytes() - alone) / keys / 1_000, 'kB')
  // Idle, not lost.
  await first?.add()
}

const names: readonly Name[] = [
  'raw ws',
  'socket.io',
  'colyseus',
  'partyserver',
  'rivetkit',
  'sojourn, process',
  'sojourn, 50 a process',
  'sojourn, hibernated',
]

export const idle: Bench = {
  name,
  about:
    `What a key costs that nothing happens to, with one client connected to it: proportional memory (PSS) of all ` +
    `processes of the server with ${keys} such keys, less that without any. Good for Sojourn: 18 MB with a process for ` +
    'each key, 80 kB with 50 keys a process, 20 kB hibernated with the socket parked.',
  async run() {
    // One after the other: pages that two contestants shared would count half for each.
    const figures = []
    for (const one of names)
      figures.push(...(await compare(name, [one], (field) => field.each(measure))))
    return figures
  },
}
