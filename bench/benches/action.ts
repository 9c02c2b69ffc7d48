import { once } from 'node:events'
import { connect } from 'sojourn/client'
import { WebSocket } from 'ws'
import { startContestant } from '../contestant.ts'
import type counter from '../contestants/counter.ts'
import { type Bench, type Figure, median } from '../figures.ts'
import { freePort } from '../free-port.ts'

const rounds = 5
const tripsPerRound = 1_000

interface Course {
  readonly contestant: string
  trip(): Promise<unknown>
}

async function microsecondsPerTrip({ trip }: Course): Promise<number> {
  const seen: number[] = []
  for (let count = 0; count < tripsPerRound; count += 1) {
    const startedMs = performance.now()
    await trip()
    seen.push((performance.now() - startedMs) * 1_000)
  }
  return median(seen)
}

async function measure(courses: readonly Course[]): Promise<Figure[]> {
  const seen = courses.map((): number[] => [])
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, course] of courses.entries())
      seen[index]?.push(await microsecondsPerTrip(course))
  }
  return courses.map(({ contestant }, index) => ({
    bench: 'action',
    contestant,
    metric: 'round trip',
    value: median(seen[index] ?? []),
    unit: 'µs',
  }))
}

export const action: Bench = {
  name: 'action',
  about:
    'Round trip of one message, one client, median of 5 interleaved rounds of 1,000. An action is validated, run as a ' +
    'transaction and journaled before it is answered. Good: below three times a bare ws echo.',
  async run() {
    const bare = await startContestant('bare-ws.ts')
    const ours = await startContestant('sojourn.ts', String(await freePort()))
    const echo = new WebSocket(`ws://127.0.0.1:${bare.port}`)
    await once(echo, 'open')
    const live = connect<typeof counter>(`ws://localhost:${ours.port}/live/counter/bench`)
    const message = Buffer.alloc(16)
    const figures = await measure([
      {
        contestant: 'bare ws echo',
        trip: () => {
          const answered = once(echo, 'message')
          echo.send(message)
          return answered
        },
      },
      { contestant: 'sojourn, action without a change', trip: () => live.actions.ask() },
      { contestant: 'sojourn, action that changes the state', trip: () => live.actions.add() },
    ])
    live.close()
    echo.close()
    await Promise.all([bare.stop(), ours.stop()])
    return figures
  },
}
