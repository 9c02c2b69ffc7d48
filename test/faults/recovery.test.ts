/** Recovery is killed again and again, call by call (strace); damage and ends of files are met. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { openSqlite } from '../../src/stores/sqlite/index.ts'
import { scratchFolder } from '../e2e/scratch.ts'
import { journalKeys, recoverKeys } from './journal-entries.ts'
import { canTrace } from './machine.ts'

const folder = scratchFolder()
afterAll(() => folder.remove())

const script = (name: string): string => new URL(name, import.meta.url).pathname

/** A data folder whose writer was killed, with a long log beside a file that is behind. */
async function crashed(): Promise<string> {
  const data = join(folder.path, 'crashed')
  mkdirSync(data)
  const args = [script('./journal-writer.ts'), data, '100000', '3000']
  const writer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  let lines = 0
  writer.stdout.on('data', (text: Buffer) => {
    lines += String(text).split('\n').length - 1
  })
  while (lines < 100) await pause(2)
  writer.kill('SIGKILL')
  await once(writer, 'close')
  return data
}

/** What a recovery finds; the claims under which it looks are new each time. */
const plain = (found: Awaited<ReturnType<typeof recoverKeys>>): unknown =>
  JSON.parse(JSON.stringify([...found]))

async function epochsOf(data: string): Promise<number[]> {
  const sqlite = openSqlite({ data })
  const directory = await sqlite.directory()
  const claims = []
  for (const key of journalKeys) claims.push(await directory.claim({ backend: 'board', key }))
  sqlite.close()
  return claims.map(({ epoch }) => epoch)
}

describe.skipIf(!canTrace)('a recovery (strace)', () => {
  it('F2, F40, I1, I12: is the same after a kill at each of its calls, and so is the one after', {
    timeout: 240_000,
  }, async () => {
    const data = await crashed()
    const copyOf = (name: string): string => {
      const copy = join(folder.path, name)
      cpSync(data, copy, { recursive: true })
      return copy
    }
    const reference = plain(await recoverKeys(copyOf('reference')))
    const epochsBefore = await epochsOf(join(folder.path, 'reference'))
    let kills = 0
    for (const call of ['pwrite64', 'fdatasync', 'fsync', 'ftruncate', 'unlink']) {
      // One folder for all kills at this call: each recovery meets what the one before left.
      const copy = copyOf(call)
      for (let n = 1, isReached = true; isReached; n += 1) {
        const inject = `inject=${call}:signal=SIGKILL:when=${n}`
        const log = join(folder.path, 'strace.log')
        const { signal, status } = spawnSync(
          'strace',
          [
            '-f',
            '-qq',
            '-o',
            log,
            '-e',
            `trace=${call}`,
            '-e',
            inject,
            process.execPath,
            script('./journal-recoverer.ts'),
            copy,
          ],
          { env: { ...process.env, UV_THREADPOOL_SIZE: '1', NODE_OPTIONS: '' } },
        )
        isReached = signal === 'SIGKILL' || status === 137
        if (isReached) kills += 1
        if (!isReached) expect(readFileSync(log, 'utf8')).not.toContain('INJECTED')
      }
      expect(plain(await recoverKeys(copy)), call).toEqual(reference)
      expect(plain(await recoverKeys(copy)), call).toEqual(reference)
      const epochs = await epochsOf(copy)
      expect(epochs.every((epoch, at) => epoch > (epochsBefore[at] ?? 0))).toBe(true)
      rmSync(copy, { recursive: true })
    }
    console.info(`recoveries killed: ${kills}`)
    expect(kills).toBeGreaterThan(5)
  })
})
