import { setTimeout as sleep } from 'node:timers/promises'
import { type Bench, median } from '../../figures.ts'
import type { Client } from '../clients/client.ts'
import { compare, type Runner } from '../field.ts'
import { openRelay } from '../relay.ts'
import { within } from '../within.ts'

const clients = 50
const rounds = 5
const backMs = 20_000
/**
 * Whoever comes and goes often is made to wait longer: PartySocket and Colyseus count as up after
 * five seconds, an instance of Sojourn after three.
 */
const calmMs = 5_200
const name = 'live:back'

/** How long after `run` each of so many clients was back. */
class Returns {
  #back: number[] = []
  #startedMs = 0
  #all: () => void = () => {}
  #expected = 0

  readonly onBack = (): void => {
    this.#back.push(performance.now() - this.#startedMs)
    if (this.#back.length === this.#expected) this.#all()
  }

  async after(run: () => void, expected: number): Promise<readonly number[]> {
    this.#back = []
    this.#expected = expected
    const all = new Promise<void>((resolve) => {
      this.#all = resolve
    })
    this.#startedMs = performance.now()
    run()
    await within(backMs, all)
    return this.#back
  }
}

/** A client behind a relay that can be cut. */
async function openCut(runner: Runner): Promise<() => Promise<void>> {
  const relay = await openRelay(runner.served.port)
  runner.onStop(() => relay.close())
  const returns = new Returns()
  const client = await runner.join('cut', { port: relay.port, onBack: returns.onBack })
  return async () => {
    const [back = Number.NaN] = await returns.after(relay.cut, 1)
    runner.note('connection cut', back, 'ms')
    await client.add()
  }
}

/** Clients of an instance whose process can be killed, where there is one. */
async function openKill(runner: Runner): Promise<() => Promise<void>> {
  const returns = new Returns()
  const joined: Client[] = [await runner.join('killed', { onBack: returns.onBack })]
  const [first] = joined
  if (!first?.pid) return async () => {}
  while (joined.length < clients)
    joined.push(await runner.join('killed', { onBack: returns.onBack }))
  return async () => {
    const pid = await first.pid!()
    const back = await returns.after(() => process.kill(pid, 'SIGKILL'), clients)
    runner.note(`process killed, ${clients} clients, p50`, median(back), 'ms')
    runner.note(`process killed, ${clients} clients, last`, Math.max(...back), 'ms')
  }
}

export const back: Bench = {
  name,
  about:
    'Until a client has the state again by itself, with its default pauses. The connection of one client is cut by a ' +
    `relay; for Sojourn the process of an instance with ${clients} clients is killed with -9: half of the clients, and ` +
    `the last one. Median of ${rounds} interleaved rounds, ${calmMs / 1_000} s apart. RivetKit tells its client no ` +
    'state to come back to, raw ws does not come back. Good: 10 ms after a cut, all within 250 ms of a kill.',
  run: () =>
    compare(name, ['sojourn, process', 'socket.io', 'colyseus', 'partyserver'], async (field) => {
      const turns = new Map<Runner, () => Promise<void>>()
      await field.each(async (runner) => {
        const cut = await openCut(runner)
        const kill = await openKill(runner)
        turns.set(runner, async () => {
          await cut()
          await kill()
        })
      })
      for (let count = 0; count < rounds; count += 1) {
        await sleep(calmMs)
        await field.each(async (runner) => await turns.get(runner)?.())
      }
    }),
}
