/** Each planted fault is found within a few short runs; what is no fault is not. */
import { describe, expect, it } from 'vitest'
import { allFaults } from './faults.ts'
import { conditions, type Patch, plant, plants } from './planted.ts'
import { type RunOptions, run, type Verdict } from './run.ts'

const isLong = process.env['FAULTS'] === 'long'
const durationMs = 7_000
const runsMax = 5

async function runWith(
  patches: readonly Patch[],
  options: Pick<RunOptions, 'seed' | 'faults'>,
): Promise<Verdict> {
  const { main, remove } = plant(patches)
  try {
    return await run({ ...options, durationMs, inRow: 1, main })
  } finally {
    remove()
  }
}

it.each(Object.entries(plants))('there is still a place for %s', (_, { patches }) => {
  plant(patches).remove()
})

describe.runIf(isLong)('the checker', () => {
  it.each(Object.entries(plants))(
    'sees %s',
    async (name, { patches, faults }) => {
      for (let seed = 1; seed <= runsMax; seed += 1) {
        const { violations, counts } = await runWith(patches, { seed, faults })
        console.log(name, { seed, counts, violations: violations.length }, violations.slice(0, 3))
        if (violations.length > 0) return
      }
      expect.fail(`not seen in ${runsMax} runs`)
    },
    300_000,
  )

  it.each(Object.entries(conditions))(
    'finds nothing wrong with %s',
    async (_, patches) => {
      const verdict = await runWith(patches, { seed: 1, faults: allFaults })
      expect(verdict.violations).toEqual([])
      expect(verdict.counts['acknowledged']).toBeGreaterThan(30)
    },
    120_000,
  )
})
