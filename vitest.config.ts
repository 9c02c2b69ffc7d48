import { defineConfig } from 'vitest/config'

const project = (name: string, include: string[], extra: object = {}) => ({
  test: { name, include, testTimeout: 20_000, hookTimeout: 30_000, ...extra },
})

export default defineConfig({
  test: {
    projects: [
      project('unit', ['src/**/*.test.ts']),
      project('budget', ['test/budget/**/*.test.ts']),
      project('e2e', ['test/{e2e,faults}/**/*.test.ts'], {
        testTimeout: 90_000,
        hookTimeout: 120_000,
        fileParallelism: false,
      }),
    ],
  },
})
