import { type Bench, median } from '../../figures.ts'
import { openLoad } from '../../web/load.ts'
import { compare, type Runner } from '../field.ts'

const rounds = 5
const roundMs = 2_000
const path = '/live/site/bench/'
const name = 'live:http'

async function measure(runner: Runner): Promise<void> {
  const { port } = runner.served
  const answer = await fetch(`http://localhost:${port}${path}`)
  const site = (await answer.json()) as { port: number }
  const loads = {
    'through the door': await openLoad(port, path, 'theme=dark'),
    direct: await openLoad(site.port, '/', 'theme=dark'),
  }
  const ratios: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const rates: number[] = []
    for (const [metric, load] of Object.entries(loads)) {
      const { requests, seconds } = await load.run(roundMs)
      rates.push(requests / seconds)
      runner.note(metric, requests / seconds, '/s')
    }
    const [through = Number.NaN, direct = Number.NaN] = rates
    ratios.push(through / direct)
  }
  runner.note('through the door, of direct', median(ratios), '')
  for (const load of Object.values(loads)) load.close()
}

export const http: Bench = {
  name,
  about:
    `HTTP to a program that does nothing, over 16 connections: through Sojourn's door, which authorizes each request and ` +
    `says who asks, and straight to its port; median of ${rounds} interleaved rounds. Good: 0.6 of direct.`,
  run: () => compare(name, ['sojourn, process'], (field) => field.each(measure)),
}
