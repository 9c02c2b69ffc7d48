/** The wall clock of a server jumps by hours and years, and its host's with it (libfaketime). */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { limits } from '../../src/base/core/index.ts'
import { connect } from '../../src/client/index.ts'
import { freePort, instancesOf, run, scratchFolder } from '../e2e/scratch.ts'
import type log from './backends/log.ts'

const library = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1'
const script = new URL('./server-main.ts', import.meta.url).pathname

describe.skipIf(!existsSync(library))('a wall clock that jumps (libfaketime)', () => {
  it('F44, F45, I1, I3, I7: ends no instance, and changes no owner', async () => {
    const data = scratchFolder()
    const port = await freePort()
    const clock = join(data.path, 'clock')
    writeFileSync(clock, '+0')
    const server = await run(script, {
      cwd: data.path,
      args: [data.path, String(port)],
      env: {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: clock,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
      ready: /listening/,
    })
    const dateOf = async (): Promise<number> => {
      const { headers } = await fetch(`http://localhost:${port}/`)
      return Date.parse(headers.get('date') ?? '')
    }
    const live = connect<typeof log>(`ws://localhost:${port}/live/log/a`)
    try {
      const entries = ['0']
      await live.actions.append('0')
      const pids = instancesOf(server.pid).map(({ pid }) => pid)
      for (const jump of ['+1h', '-1h', '+3650d', '-3650d', '+0']) {
        writeFileSync(clock, jump)
        entries.push(jump)
        expect(await live.actions.append(jump)).toBe(entries.length)
        await pause(1.5 * limits.beatEveryMs)
        const offBy = Math.abs((await dateOf()) - Date.now())
        expect(offBy > 1_800_000).toBe(jump !== '+0')
      }
      expect(instancesOf(server.pid).map(({ pid }) => pid)).toEqual(pids)
      expect(live.state).toEqual({ entries, starts: 1 })
    } finally {
      live.close()
      await server.end('SIGKILL')
      data.remove()
    }
  })
})
