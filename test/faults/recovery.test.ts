/** Recovery is killed again and again, call by call (strace); damage and ends of files are met. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSqlite } from '../../src/stores/sqlite/index.ts'
import { scratchFolder } from '../e2e/scratch.ts'
import { journalKeys, recoverKeys } from './journal-entries.ts'
import { canTrace } from './machine.ts'

const folder = scratchFolder()
const crashed = join(folder.path, 'crashed')
afterAll(() => folder.remove())

const script = (name: string): string => new URL(name, import.meta.url).pathname

/** A data folder whose writer was killed, with a long log beside a file that is behind. */
async function crash(): Promise<void> {
  mkdirSync(crashed)
  const data = crashed
  const args = [script('./journal-writer.ts'), data, '100000', '3000']
  const writer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  let lines = 0
  writer.stdout.on('data', (text: Buffer) => {
    lines += String(text).split('\n').length - 1
  })
  while (lines < 100) await pause(2)
  writer.kill('SIGKILL')
  await once(writer, 'close')
}
beforeAll(crash)

function copyOf(name: string): string {
  const copy = join(folder.path, name)
  cpSync(crashed, copy, { recursive: true })
  return copy
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

describe('a log that was cut', () => {
  it('F37, F39, I8, I9, I14: anywhere gives the beginning of what was written, or nothing', async () => {
    const whole = await recoverKeys(copyOf('whole'))
    const log = readFileSync(join(crashed, 'journal.db-wal'))
    for (let n = 0; n < 40; n += 1) {
      const copy = copyOf(`cut-${n}`)
      // Half of the cuts are in the last records, where a process dies.
      const from = n % 2 ? log.length - 20_000 : 0
      const at = from + Math.floor(Math.random() * (log.length - from))
      writeFileSync(join(copy, 'journal.db-wal'), log.subarray(0, at))
      for (const [key, { records, snapshot }] of await recoverKeys(copy)) {
        const all = whole.get(key)?.records ?? []
        const lastSeq = records.at(-1)?.seq ?? 0
        const expected = all.filter(({ seq }) => seq <= lastSeq && seq >= (records[0]?.seq ?? 0))
        // A shorter log may hold an older snapshot, and so older records than the whole one.
        const seqs = records.map(({ seq }) => seq)
        expect(seqs).toEqual(seqs.map((_, index) => (seqs[0] ?? 0) + index))
        expect(lastSeq).toBeGreaterThanOrEqual(snapshot?.seq ?? 0)
        for (const { seq, section, envelope } of records) {
          const before = expected.find((record) => record.seq === seq)
          if (!before) continue
          expect(Buffer.compare(section ?? Buffer.of(), before.section ?? Buffer.of())).toBe(0)
          expect(Buffer.compare(envelope, before.envelope)).toBe(0)
        }
      }
      rmSync(copy, { recursive: true })
    }
  })
})
