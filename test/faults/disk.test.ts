/** The disk under a running host: full, harmed, or put back to what it was. */
import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { freePort, instancesOf, run, scratchFolder, until } from '../e2e/scratch.ts'
import type log from './backends/log.ts'
import { canTrace, inject } from './machine.ts'
import { type LogLive, openWorld, type World } from './world.ts'

let world: World | undefined
afterEach(async () => {
  await world?.close()
  world = undefined
})

const isLive = (live: LogLive) => until(() => live.status === 'live', 'live')

describe('a disk', () => {
  it('F32, F33, I7, I10, I26: that is full delays what it can not keep, and then keeps it once', async (context) => {
    const { path, remove } = scratchFolder()
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', path]).status !== 0)
      return context.skip('no right to mount')
    const unmount = (): void => {
      spawnSync('umount', ['-l', path])
      remove()
    }
    const data = { path, remove: unmount }
    world = await openWorld(undefined, { data })
    const live = world.connect('a')
    const answered: string[] = []
    const say = async (entry: string): Promise<void> => {
      await live.actions.append(entry)
      answered.push(entry)
    }
    await say('before')
    const filler = join(data.path, 'filler')
    spawnSync('sh', ['-c', `cat /dev/zero > ${filler}`])
    const said = Array.from({ length: 40 }, (_, n) => say(`${n} ${'x'.repeat(8_000)}`))
    await until(() => world?.logged.some(({ level }) => level === 'error'), 'the host noticed')
    const some = answered.length
    expect(some).toBeLessThan(41)
    rmSync(filler)
    await Promise.all(said)
    await isLive(live)
    expect(live.state?.entries.toSorted()).toEqual(answered.toSorted())
    expect(new Set(live.state?.entries).size).toBe(41)
  })

  it.skipIf(!canTrace)(
    'F35, I24, I28: that takes a second for each flush delays those who wait for it, and no others',
    async () => {
      world = await openWorld()
      const live = world.connect('a')
      await live.actions.append('0')
      const host = instancesOf(process.pid)[0]?.parent ?? 0
      const detach = await inject(host, 'fdatasync', 'delay_enter=1000000')
      const late = world.connect('b')
      let answered = 0
      while (late.status !== 'live') {
        await live.actions.append('x')
        answered += 1
      }
      detach()
      expect(answered).toBeGreaterThan(20)
      expect(await late.actions.append('x')).toBe(1)
    },
  )

  it('F38, I8, I14, I24: that lost bytes of one key stops that key, and no other', async () => {
    const data = scratchFolder()
    world = await openWorld(undefined, { data })
    const [live, other] = [world.connect('a'), world.connect('b')]
    for (const entry of ['0', '1', '2']) await live.actions.append(`canary-${entry}`)
    await other.actions.append('x')
    await world.host.stop()
    const file =
      ['journal.db', 'journal.db-wal']
        .map((name) => join(data.path, name))
        .find((path) => readFileSync(path).includes('canary-1')) ?? ''
    const bytes = readFileSync(file)
    for (let at = bytes.indexOf('canary-1'); at >= 0; at = bytes.indexOf('canary-1', at + 1))
      bytes[at] = 0x43
    writeFileSync(file, bytes)
    await world.host.start()
    const [harmed, whole] = [world.connect('a'), world.connect('b')]
    await isLive(whole)
    expect(whole.state?.entries).toEqual(['x'])
    const said = () =>
      world?.logged.some(({ facts }) => (facts as { code?: string }).code === 'JOURNAL_DAMAGED')
    await until(said, 'refused with the reason')
    await until(() => harmed.status === 'closed', 'told')
    expect([harmed.error?.code, harmed.state]).toEqual(['JOURNAL_DAMAGED', undefined])
  })
})

it('F42, F43, I1: clients of a later history get that of a backup which was put back, whole', async () => {
  const data = scratchFolder()
  const port = await freePort()
  const backup = scratchFolder()
  const script = new URL('./server-main.ts', import.meta.url).pathname
  const start = () =>
    run(script, { cwd: data.path, args: [data.path, String(port)], ready: /listening/ })
  const live = connect<typeof log>(`ws://localhost:${port}/live/log/a`)
  let server = await start()
  try {
    await live.actions.append('x')
    await server.end('SIGKILL')
    await pause(300)
    cpSync(data.path, backup.path, { recursive: true })
    server = await start()
    await live.actions.append('lost')
    await live.actions.append('lost as well')
    await server.end('SIGKILL')
    await pause(300)
    rmSync(data.path, { recursive: true })
    cpSync(backup.path, data.path, { recursive: true })
    server = await start()
    await isLive(live)
    expect(live.state?.entries).toEqual(['x'])
    expect(await live.actions.append('y')).toBe(2)
    const fresh = connect<typeof log>(`ws://localhost:${port}/live/log/a`)
    await isLive(fresh)
    expect(fresh.state?.entries).toEqual(['x', 'y'])
    expect(live.state).toEqual(fresh.state)
    fresh.close()
  } finally {
    live.close()
    await server.end('SIGKILL')
    for (const folder of [data, backup]) folder.remove()
  }
})
