import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench } from '../../figures.ts'
import { contestants } from '../contestants.ts'
import { compare, type Runner } from '../field.ts'

const rounds = 15
const name = 'live:first'
const poolMs = 3_000
const pauseMs = 20
/** Sojourn without an instance: the application and its host. */
const processesAlone = 2

/** An option that is ignored would put the figure of a cold start under another name. */
async function waitForPool(runner: Runner): Promise<void> {
  const { warm = 0 } = contestants[runner.name].mode as { warm?: number }
  const untilMs = performance.now() + poolMs
  while (runner.served.pids().length < processesAlone + warm && warm > 0) {
    if (performance.now() > untilMs) throw new Error('it keeps no warm processes yet')
    await sleep(pauseMs)
  }
}

export const firstState: Bench = {
  name,
  about:
    `From the call that connects to the first state at the client, of a key that nobody used yet; median of ${rounds} ` +
    'interleaved keys. A cold key of Sojourn starts a process, everybody else makes an object in one that runs. ' +
    'RivetKit has no state at its client: the first answer to an action counts. Good: at most 5 ms from the warm ' +
    'pool, at most 60 ms cold.',
  run: () =>
    compare(
      name,
      [
        'raw ws',
        'socket.io',
        'colyseus',
        'partyserver',
        'rivetkit',
        'sojourn, process',
        'sojourn, warm',
      ],
      async (field) => {
        await field.each(async (runner) => (await runner.join('warm-up')).close())
        for (let round = 0; round < rounds; round += 1)
          await field.each(async (runner) => {
            await waitForPool(runner)
            const startedMs = performance.now()
            const client = await runner.join(`key-${round}`)
            runner.note('first state', performance.now() - startedMs, 'ms')
            client.close()
          })
      },
    ),
}
