/** What the kernel tells about processes, and what it can be told to do to them. */
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Whether a program is there; tests that need it skip and say so. */
export const has = (program: string, ...args: string[]): boolean =>
  spawnSync(program, args.length > 0 ? args : ['--version']).status === 0

/** How many descriptors a process has open. */
export const descriptorsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length

/** From now on a process opens no descriptor with this number or a larger one. */
export function limitDescriptors(pid: number, max: number): void {
  const { status, stderr } = spawnSync('prlimit', [`--pid=${pid}`, `--nofile=${max}:`])
  if (status !== 0) throw new Error(String(stderr))
}

/** The lowest limit under which a process can open so many more descriptors. */
export function limitForMore(pid: number, more: number): number {
  const taken = new Set(readdirSync(`/proc/${pid}/fd`).map(Number))
  let limit = 0
  for (let free = 0; free < more || taken.has(limit); limit += 1) if (!taken.has(limit)) free += 1
  return limit
}

/** Bytes of memory that belong to a process alone. */
export const memoryOf = (pid: number): number =>
  Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024

/** Whether strace may be used here: in some boxes it may not. */
export const canTrace: boolean =
  spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0

/** Does something to calls of a running process from now on; gives what ends that. */
export async function inject(pid: number, call: string, fault: string): Promise<() => void> {
  const args = ['-f', '-p', String(pid), '-o', '/dev/null', '-e', `trace=${call}`]
  const tracer = spawn('strace', [...args, '-e', `inject=${call}:${fault}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await new Promise<void>((resolve, reject) => {
    tracer.stderr.on('data', (text: Buffer) => String(text).includes('attached') && resolve())
    tracer.once('exit', () => reject(new Error(`strace does not follow ${pid}`)))
  })
  return () => void tracer.kill()
}

/** Lets a running process be killed at the n-th of its calls from now on; resolves once that holds. */
export const killAt = (pid: number, call: string, n: number): Promise<() => void> =>
  inject(pid, call, `signal=SIGKILL:when=${n}`)

/** Processes that work in a folder: those of one key. */
export function workersIn(folder: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      if (!/^\d+$/.test(name) || readlinkSync(`/proc/${name}/cwd`) !== folder) return []
      return / [ZX] /.test(readFileSync(`/proc/${name}/stat`, 'utf8')) ? [] : [Number(name)]
    } catch {
      return [] // It ended while we looked.
    }
  })
}

/** How many processes have this word among their arguments. */
export const countWith = (word: string): number =>
  readdirSync('/proc').filter((name) => {
    try {
      return (
        /^\d+$/.test(name) &&
        readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').includes(word)
      )
    } catch {
      return false
    }
  }).length
