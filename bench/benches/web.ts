import { RedisServer } from '../../test/fakes/redis-server.ts'
import { type Bench, type Figure, median } from '../figures.ts'
import { contestants, type Entry } from '../web/contestants.ts'
import { type Load, openLoad } from '../web/load.ts'
import { cookiesAfter, type Served, serve } from '../web/served.ts'

const pairs = 11
const roundMs = 90
const warmUpMs = 300
const sizes = { '0.7 kB': 700, '8 kB': 8_000 } as const
const measured = ['read', 'write', 'untouched'] as const
/** As long as the cookie of a session by reference, so that the bare framework reads one too. */
const bareCookie = `other=${'x'.repeat(60)}`

interface Round {
  readonly cpuUs: number
  readonly perSecond: number
}

async function roundOf(served: Served, load: Load, forMs: number): Promise<Round> {
  const beforeUs = await served.cpuUs()
  const { requests, seconds } = await load.run(forMs)
  const usedUs = (await served.cpuUs()) - beforeUs
  return { cpuUs: usedUs / requests, perSecond: requests / seconds }
}

/** All that is measured later, so that what comes first isn't the one that is still compiled. */
async function warmUp({ port }: Served, seeds: readonly string[]): Promise<void> {
  for (const cookie of seeds)
    for (const action of measured) {
      const load = await openLoad(port, `/${action}`, cookie)
      await load.run(warmUpMs)
      load.close()
    }
}

/** How far from their median half of the values are. */
function spread(values: readonly number[]): number {
  const middle = median(values)
  return median(values.map((value) => Math.abs(value - middle)))
}

/** Bare and contestant take turns, each first every other time; what the machine does hits both. */
async function compare(bare: Served, served: Served, path: string, cookie: string) {
  const base = await openLoad(bare.port, '/untouched', bareCookie)
  const load = await openLoad(served.port, path, cookie)
  await roundOf(bare, base, roundMs)
  await roundOf(served, load, warmUpMs)
  const over: number[] = []
  const perSecond: number[] = []
  for (let count = 0; count < pairs; count += 1) {
    const isFirst = count % 2 === 0
    const early = isFirst ? await roundOf(served, load, roundMs) : undefined
    const { cpuUs } = await roundOf(bare, base, roundMs)
    const round = early ?? (await roundOf(served, load, roundMs))
    over.push(round.cpuUs - cpuUs)
    perSecond.push(round.perSecond)
  }
  base.close()
  load.close()
  return { over: median(over), spread: spread(over), perSecond: median(perSecond) }
}

/** Sessions of each size; the bare framework has none. */
async function cookiesOf({ port }: Served, isBare = false): Promise<readonly string[]> {
  if (isBare) return Object.values(sizes).map(() => bareCookie)
  const seeds = Object.values(sizes).map((bytes) =>
    fetch(`http://localhost:${port}/seed?bytes=${bytes}`),
  )
  return (await Promise.all(seeds)).map((response) => cookiesAfter(response))
}

async function figuresOf(name: string, entry: Entry, bare: Served, redis: string) {
  const served = await serve(name, redis)
  try {
    const actions = measured.filter((one) =>
      one === 'untouched' ? !entry.isOnDemand : !entry.isBare,
    )
    const cookies = await cookiesOf(served, entry.isBare)
    if (!entry.isBare) await warmUp(served, cookies)
    const figures: Figure[] = []
    for (const [at, size] of Object.keys(sizes).entries())
      for (const action of actions) {
        const found = await compare(bare, served, `/${action}`, cookies[at] ?? '')
        const figure = { bench: 'web', contestant: name }
        const metric = `${action}, ${size}`
        figures.push(
          { ...figure, metric, value: found.over, unit: 'µs over bare' },
          { ...figure, metric: `${metric}, spread`, value: found.spread, unit: 'µs' },
          { ...figure, metric: `${metric}, rate`, value: found.perSecond, unit: '/s' },
        )
      }
    return figures
  } finally {
    await served.stop()
  }
}

/** One row per contestant, one column for what was done with how much data. */
function grid(figures: readonly Figure[]): string {
  const columns = Object.keys(sizes).flatMap((size) => measured.map((one) => `${one}, ${size}`))
  const names = [...new Set(figures.map(({ contestant }) => contestant))]
  const cell = (contestant: string, metric: string): number | undefined =>
    figures.find((one) => one.contestant === contestant && one.metric === metric)?.value
  const rows = (title: string, text: (contestant: string, metric: string) => string) => [
    [title, ...columns],
    ...names.map((name) => [name, ...columns.map((metric) => text(name, metric))]),
  ]
  const lines = [
    ...rows('server CPU, µs a request over bare', (name, metric) => {
      const value = cell(name, metric)
      return value === undefined
        ? '–'
        : `${value.toFixed(1)} ±${cell(name, `${metric}, spread`)?.toFixed(1)}`
    }),
    [],
    ...rows(
      'requests a second',
      (name, metric) => cell(name, `${metric}, rate`)?.toFixed(0) ?? '–',
    ),
  ]
  return lines
    .map(([first = '', ...rest]) => first.padEnd(36) + rest.map((one) => one.padStart(19)).join(''))
    .join('\n')
}

export const web: Bench = {
  name: 'web',
  about:
    'What a session costs a server: CPU of its process (user and system) a request, over that of its framework ' +
    `without one; median of ${pairs} rounds of each, in turns, ± how far half of the pairs are from it. Rows of bare ` +
    'frameworks are the framework against itself in a second process: the noise. Plain preferences and a cart of ' +
    '0.7 and 8 kB; a route reads one value, writes one, or leaves the session alone. 16 connections, the client awake on ' +
    'a core of its own. Goal on SQLite, where a commit survives kill -9: read 8, write 40, untouched 2, read at 8 kB ' +
    '15. Measured earlier on such a machine, read / write / untouched / read at 8 kB: express-session in memory ' +
    '193 / 147 / 54 / 577, with Redis 246 / 192 / 63 / 682, @fastify/session in memory 105 / 152 / 61 / 442, ' +
    'iron-session 711 / 1,487 / – / 1,937, better-auth 1,098.',
  print: grid,
  async run() {
    const redis = await RedisServer.start()
    const figures: Figure[] = []
    let bare: Served | undefined
    try {
      for (const [name, entry] of Object.entries(contestants)) {
        if (entry.isBare) {
          await bare?.stop()
          bare = await serve(name, redis.url)
        }
        if (bare) figures.push(...(await figuresOf(name, entry, bare, redis.url)))
      }
      return figures
    } finally {
      await bare?.stop()
      await redis.stop()
    }
  },
}
