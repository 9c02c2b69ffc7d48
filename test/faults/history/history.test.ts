/**
 * Session backends under kill -9, with clients that write down everything: the histories have to be
 * those of single lists. A few seconds here, two minutes with `npm run test:faults`.
 */
import { expect, it } from 'vitest'
import { allFaults } from './faults.ts'
import { run } from './run.ts'

const isLong = process.env['FAULTS'] === 'long'
/** The short run has an order of faults that is known to hit. */
const seed = Number(process.env['SEED'] ?? (isLong ? Math.floor(Math.random() * 2 ** 31) : 1))

it('keeps every list whole while processes are killed, frozen and cut off', async () => {
  console.log(`seed ${seed}`)
  const durationMs = isLong ? 120_000 : 4_000
  const verdict = await run({ seed, durationMs, faults: allFaults, inRow: 6 })
  console.log(verdict)
  expect(verdict.violations).toEqual([])
  expect(verdict.served).toBe(true)
  // A run in which little happened shows nothing.
  const { counts, kills } = verdict
  expect(counts['acknowledged']).toBeGreaterThan(isLong ? 2_000 : 15)
  expect(kills).toBeGreaterThan(isLong ? 15 : 0)
  if (isLong) expect(Math.min(counts['resumes'] ?? 0, counts['snapshots'] ?? 0)).toBeGreaterThan(20)
}, 300_000)
