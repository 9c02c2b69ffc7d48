import { fileURLToPath } from 'node:url'
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

/** The same tests of the hooks, with the oldest React that they are for. */
const react18 = (name: string) =>
  fileURLToPath(new URL(`test/react-18/node_modules/${name}`, import.meta.url))
const olderReact = {
  ...project('react-18', ['src/client/react/*.test.ts'], { env: { REACT: '18' } }),
  resolve: { alias: { react: react18('react'), 'react-dom': react18('react-dom') } },
}

const oneAtATime = { testTimeout: 90_000, hookTimeout: 120_000, fileParallelism: false }

export default defineConfig({
  test: {
    projects: [
      project('unit', ['src/**/*.test.ts']),
      olderReact,
      project('budget', ['test/budget/**/*.test.ts']),
      project('e2e', ['test/e2e/**/*.test.ts'], oneAtATime),
      project('faults', faults, oneAtATime),
    ],
  },
})
