/** Measures contestants beside each other on a noisy machine. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { median } from '../figures.ts'

const warmUpRounds = 100
const warmUpMs = 400
const turns = 7
const turnRounds = 9
const turnMs = 20

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as NonNullable<typeof globalThis.gc>

/** One round of a contestant: makes a fresh state, then gives what it took, per unit of work. */
export type Round = () => readonly number[]

/** Called before a timed part: nobody pays for what others, or the fresh state, left behind. */
export function collectGarbage(): void {
  collect({ type: 'minor' })
}

export function msOf(work: () => void): number {
  const startedMs = performance.now()
  work()
  return performance.now() - startedMs
}

/** At least one round, and as many as a short one needs to find its code and data in the caches. */
function turn(round: Round, maxRounds: number, maxMs: number): number[] {
  const results: (readonly number[])[] = []
  const startedMs = performance.now()
  do results.push(round())
  while (results.length < maxRounds && performance.now() - startedMs < maxMs)
  return mediansOf(results)
}

function mediansOf(results: readonly (readonly number[])[]): number[] {
  const [first = []] = results
  return first.map((_, at) => median(results.map((result) => result[at] ?? Number.NaN)))
}

/** Warms every contestant up, then they take turns; the medians of what their turns gave. */
export function medians(contestants: readonly Round[]): number[][] {
  for (const round of contestants) turn(round, warmUpRounds, warmUpMs)
  const seen = contestants.map((): number[][] => [])
  for (let count = 0; count < turns; count += 1) {
    for (const [at, round] of contestants.entries()) seen[at]?.push(turn(round, turnRounds, turnMs))
  }
  return seen.map(mediansOf)
}
