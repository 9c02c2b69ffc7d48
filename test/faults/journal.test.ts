/**
 * The journal under faults of the disk and the machine. They come from strace (a signal or an error
 * at the n-th system call), a small tmpfs, and a file system in a file that is shut down at once.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { scratchFolder } from '../e2e/scratch.ts'
import { missing, recoverKeys } from './journal-entries.ts'

const script = new URL('./journal-writer.ts', import.meta.url).pathname
const folder = scratchFolder()
const mounts: string[] = []
let folders = 0

/** How often the power is cut, and how often a fast writer is killed. */
const rounds = 5
const kills = 5

afterAll(() => {
  for (const mount of mounts) spawnSync('umount', ['-l', mount])
  folder.remove()
})

function newFolder(): string {
  folders += 1
  const path = join(folder.path, `data-${folders}`)
  mkdirSync(path)
  return path
}

interface Writer {
  readonly child: ChildProcess
  /** Lines that it said so far. */
  lines(): readonly string[]
  readonly ended: Promise<number | null>
}

function startWriter(data: string, rounds: number, bytes: number, trace: string[] = []): Writer {
  const [file = '', ...args] = [...trace, process.execPath, script, data, `${rounds}`, `${bytes}`]
  const child = spawn(file, args, {
    // strace counts calls by threads: with one in the pool, the n-th is the n-th.
    env: { ...process.env, UV_THREADPOOL_SIZE: '1', NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let said = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk
  })
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { child, lines: () => said.split('\n').slice(0, -1), ended }
}

/** Runs the writer with `fault` at the n-th call; tells whether there was an n-th. */
async function runWith(call: string, fault: string, n: number) {
  const data = newFolder()
  const log = join(data, 'strace.log')
  const inject = `inject=${call}:${fault}:when=${n}`
  const options = ['-f', '-qq', '-o', log, '-e', `trace=${call}`, '-e', inject]
  const writer = startWriter(data, 3, 100, ['strace', ...options])
  const code = await writer.ended
  // A process that was killed has no exit code.
  const isReached = code === null || readFileSync(log, 'utf8').includes('INJECTED')
  return { data, code, isReached, lines: writer.lines() }
}

/** Tries n = 1, 2, … until the call is not made so often; some at a time. */
async function atEach(call: string, fault: string, check: (run: Run) => Promise<void>) {
  let n = 1
  for (let isOver = false; !isOver; n += 2) {
    const runs = await Promise.all([runWith(call, fault, n), runWith(call, fault, n + 1)])
    for (const run of runs) {
      await check(run)
      if (!run.isReached) isOver = true
      rmSync(run.data, { recursive: true })
    }
  }
  return n - 1
}
type Run = Awaited<ReturnType<typeof runWith>>

describe.skipIf(spawnSync('strace', ['-V']).status !== 0)('a journal, call by call', () => {
  it.each(['pwrite64', 'fdatasync', 'fsync'])(
    'F2, I7, I12: keeps what was answered when its process is killed at any %s',
    async (call) => {
      const count = await atEach(
        call,
        'signal=SIGKILL',
        async ({ data, lines, code, isReached }) => {
          expect(missing(lines, await recoverKeys(data))).toEqual([])
          if (!isReached) expect([code, lines.length]).toEqual([0, 6])
        },
      )
      console.log(`killed at each of up to ${count} ${call}`)
    },
  )

  it('F34, I7, I15: answers nothing for the disk after a flush failed, and keeps what it had answered', async () => {
    const count = await atEach('fdatasync', 'error=EIO', async ({ data, lines, isReached }) => {
      expect(lines.includes('broken')).toBe(isReached && lines.length > 0)
      expect(lines.slice(lines.indexOf('broken') + 1)).toEqual(isReached ? [] : lines)
      expect(missing(lines, await recoverKeys(data))).toEqual([])
    })
    console.log(`failed each of up to ${count} fdatasync`)
  })

  it.each(['fsync:error=EIO', 'pwrite64:error=ENOSPC'])(
    'F32, F34, I7: keeps what was answered when %s',
    async (fault) => {
      const [call = '', error = ''] = fault.split(':')
      await atEach(call, error, async ({ data, lines }) => {
        expect(missing(lines, await recoverKeys(data))).toEqual([])
      })
    },
  )
})

describe('a journal that is written fast', () => {
  it(`F4, I7: keeps what was answered through ${kills} kills while its log is moved and begins anew`, async () => {
    const bytes = 100_000
    let answered = 0
    for (let round = 0; round < kills; round += 1) {
      const data = newFolder()
      const writer = startWriter(data, 100_000, bytes)
      // The thread moves the log for the first time after about 150 answers.
      const until = 150 + Math.random() * 300
      while (writer.lines().length < until) await pause(1)
      writer.child.kill('SIGKILL')
      await writer.ended
      answered += writer.lines().length
      expect(missing(writer.lines(), await recoverKeys(data), { bytes })).toEqual([])
      rmSync(data, { recursive: true })
    }
    console.log(`${kills} kills, ${answered} answers kept`)
  })
})

/** Mounts something at a new folder, or tells that this machine doesn't allow it. */
function mount(...args: string[]): string | undefined {
  const path = newFolder()
  if (spawnSync('mount', [...args, path]).status !== 0) return undefined
  mounts.push(path)
  return path
}

describe('a journal on a disk that is full', () => {
  it('F32, I7: answers nothing that it can not keep, and goes on when there is space', async (context) => {
    const disk = mount('-t', 'tmpfs', '-o', 'size=3m', 'tmpfs')
    if (!disk) return context.skip('no right to mount')
    writeFileSync(join(disk, 'filler'), Buffer.alloc(1_500_000))
    const data = join(disk, 'data')
    const writer = startWriter(data, 2_000, 3_000)
    expect(await writer.ended).toBe(3)
    const lines = writer.lines()
    expect(lines.at(-1)).toBe('broken')
    expect(lines.length).toBeGreaterThan(20)
    rmSync(join(disk, 'filler'))
    expect(missing(lines, await recoverKeys(data), { bytes: 3_000 })).toEqual([])
    const next = startWriter(data, 1, 3_000)
    await next.ended
    expect(await recoverKeys(data)).toBeDefined()
  })
})

/**
 * FS_IOC_SHUTDOWN with "no flush", at a word: what the kernel has not written is gone, as without
 * power.
 */
const cutPower = `import fcntl, os, struct, sys
disk = os.open(sys.argv[1], os.O_RDONLY)
sys.stdout.write('ready'); sys.stdout.flush()
sys.stdin.readline()
fcntl.ioctl(disk, 0x8004587D, struct.pack('I', 2))`

/** Lets a writer work on a disk, and cuts its power. Gives what it had answered by then. */
async function losePower(disk: string, data: string): Promise<readonly string[]> {
  const switcher = spawn('python3', ['-c', cutPower, disk], { stdio: 'pipe' })
  await once(switcher.stdout, 'data')
  const writer = startWriter(data, 100_000, 100)
  while (writer.lines().length < 50) await pause(5)
  await pause(Math.random() * 100)
  // Unlike a machine without power, the writer goes on for some milliseconds, and may be told of
  // success by a kernel that is amid its shutdown: only what was said before counts.
  const lines = writer.lines()
  switcher.stdin.end('now\n')
  await Promise.all([once(switcher, 'close'), writer.ended])
  return lines
}

describe('a journal whose machine loses power', () => {
  it('F36, I7: keeps what was answered for the disk', async (context) => {
    const image = join(folder.path, 'image')
    execFileSync('truncate', ['-s', '64M', image])
    const hasTools = ['mkfs.ext4 -q', 'python3 -c 0 #'].every(
      (tool) => spawnSync('sh', ['-c', `${tool} ${image}`]).status === 0,
    )
    let disk = hasTools ? mount('-o', 'loop', image) : undefined
    if (!disk) return context.skip('no right to mount, or no tools for it')
    const counts = { kept: 0, lost: 0 }
    for (let round = 0; round < rounds; round += 1) {
      const lines = await losePower(disk, join(disk, `data-${round}`))
      execFileSync('umount', [disk])
      disk = mount('-o', 'loop', image)
      if (!disk) throw new Error('the file system does not come back')
      const found = await recoverKeys(join(disk, `data-${round}`))
      expect(missing(lines, found, { levels: ['disk'] })).toEqual([])
      counts.kept += lines.filter((line) => line.endsWith('disk')).length
      counts.lost += missing(lines, found).length
    }
    console.log(`power: ${counts.kept} answers for the disk kept, ${counts.lost} others lost`)
  })
})
