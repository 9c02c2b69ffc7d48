import { defineConfig } from 'vitest/config'

const project = (name: string, include: string[], extra: object = {}) => ({
  test: { name, include, testTimeout: 20_000, hookTimeout: 30_000, ...extra },
})

/** What of the faults takes seconds; the others come along with `npm run test:faults`. */
const quickFaults = [
  'test/faults/{alarms,decoder,ends,gate,hibernation,live,secrets,tickets}.test.ts',
  'test/faults/history/**/*.test.ts',
]
const faults = process.env['FAULTS'] === 'long' ? ['test/faults/**/*.test.ts'] : quickFaults

const oneAtATime = { testTimeout: 90_000, hookTimeout: 120_000, fileParallelism: false }

export default defineConfig({
  test: {
    projects: [
      project('unit', ['src/**/*.test.ts']),
      project('budget', ['test/budget/**/*.test.ts']),
      project('e2e', ['test/e2e/**/*.test.ts'], oneAtATime),
      project('faults', faults, oneAtATime),
    ],
  },
})
