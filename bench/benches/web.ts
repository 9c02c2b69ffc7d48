import autocannon from 'autocannon'
import { startContestant } from '../contestant.ts'
import { type Bench, type Figure, median } from '../figures.ts'
import { freePort } from '../free-port.ts'

const rounds = 5
const secondsPerRound = 2
const connections = 10

interface Course {
  readonly contestant: string
  readonly url: string
  readonly headers: Record<string, string>
}

async function requestsPerSecond({ url, headers }: Course): Promise<number> {
  const result = await autocannon({ url, headers, connections, duration: secondsPerRound })
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${url}: ${result.non2xx} refused`)
  return result.requests.average
}

/** A visitor that has been here before. */
async function cookieFrom(origin: string): Promise<string> {
  const response = await fetch(`${origin}/write`)
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

async function measure(courses: readonly Course[]): Promise<Figure[]> {
  const seen = courses.map((): number[] => [])
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, course] of courses.entries())
      seen[index]?.push(await requestsPerSecond(course))
  }
  return courses.map(({ contestant }, index) => ({
    bench: 'web',
    contestant,
    metric: 'requests',
    value: median(seen[index] ?? []),
    unit: '/s',
  }))
}

export const web: Bench = {
  name: 'web',
  about:
    'Requests a second through one process, 10 connections, median of 5 interleaved rounds. Good: an untouched ' +
    'session above two thirds of bare node:http, a read above half, a write (one commit that survives kill -9) ' +
    'above a quarter. On few cores the bare server also gains from a client that never sleeps.',
  async run() {
    const bare = await startContestant('bare-http.ts')
    const ours = await startContestant('sojourn.ts', String(await freePort()))
    const origin = `http://localhost:${ours.port}`
    const cookie = await cookieFrom(origin)
    const figures = await measure([
      { contestant: 'bare node:http', url: `http://localhost:${bare.port}/`, headers: {} },
      { contestant: 'sojourn, session untouched', url: `${origin}/untouched`, headers: {} },
      { contestant: 'sojourn, new visitor reads', url: `${origin}/read`, headers: {} },
      { contestant: 'sojourn, session read', url: `${origin}/read`, headers: { cookie } },
      { contestant: 'sojourn, session written', url: `${origin}/write`, headers: { cookie } },
    ])
    await Promise.all([bare.stop(), ours.stop()])
    return figures
  },
}
