import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { launcher } from './launch.ts'
import { boxes } from './sandbox.ts'

const run = mkdtempSync(join(tmpdir(), 'sojourn-launch-'))
afterEach(() => rmSync(run, { recursive: true, force: true }))

it('runs nothing outside of the box that it was to run in', () => {
  const spawn = vi.fn()
  const makeBox = boxes({ data: ':memory:', run })
  const main = new URL(import.meta.url)
  const launch = launcher({ main, run, spawn, makeBox })
  const numbers = { warm: 0, perProcess: 1, memoryBytesMax: 0, lifetimeMs: 0, idleAfterMs: 1 }
  const plan = { kind: 'module', module: import.meta.url, env: {}, ...numbers } as const
  const sandbox = { network: false }
  expect(() => launch({ ...plan, sandbox })).toThrow(TypeError)
  expect(spawn).not.toHaveBeenCalled()
})
