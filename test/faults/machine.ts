/** What the kernel tells about processes, and what it can be told to do to them. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

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
