/**
 * Session backends under kill -9, with clients that write down everything: the histories have to be
 * those of single lists. A few seconds here, two minutes with `npm run test:faults`.
 */
import { expect, it } from 'vitest'
import { allFaults } from './faults.ts'
import { run } from './run.ts'

const isLong = process.env['FAULTS'] === 'long'
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))

it('keeps every list whole while processes are killed, frozen and cut off', async () => {
  console.log(`seed ${seed}`)
  const durationMs = isLong ? 120_000 : 6_000
  const verdict = await run({ seed, durationMs, faults: allFaults })
  console.log(verdict)
  expect(verdict.violations).toEqual([])
  // A run in which little happened shows nothing.
  const { counts, kills } = verdict
  expect(counts['acknowledged']).toBeGreaterThan(isLong ? 2_000 : 50)
  expect(kills).toBeGreaterThan(isLong ? 25 : 1)
  expect(Math.min(counts['resumes'] ?? 0, counts['snapshots'] ?? 0)).toBeGreaterThan(0)
}, 300_000)
