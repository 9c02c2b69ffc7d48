/** What processes use, as Linux tells it. */
import { readdirSync, readFileSync } from 'node:fs'

/** The fields of /proc/<pid>/stat behind the name, from `state` on; none when it is gone. */
function statOf(pid: number): readonly string[] {
  const text = textOf(`/proc/${pid}/stat`)
  return text ? text.slice(text.lastIndexOf(')') + 2).split(' ') : []
}

const lives = ([state]: readonly string[]): boolean => state !== undefined && state !== 'Z'

export const isRunning = (pid: number): boolean => lives(statOf(pid))

/** A process and all that it started, by whatever way. */
export function family(pid: number): readonly number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : []
    if (lives(stat)) {
      const siblings = children.get(Number(stat[1])) ?? []
      children.set(Number(stat[1]), [...siblings, Number(name)])
    }
  }
  const found = isRunning(pid) ? [pid] : []
  for (const one of found) found.push(...(children.get(one) ?? []))
  return found
}

/** User and system time so far: of each thread in ns, since clock ticks are too coarse for it. */
export function cpuSeconds(pids: readonly number[]): number {
  const files = pids.flatMap((pid) =>
    threadsOf(pid).map((id) => `/proc/${pid}/task/${id}/schedstat`),
  )
  return files.reduce((sum, file) => sum + Number.parseInt(textOf(file) || '0', 10) / 1e9, 0)
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

/** Empty when the process is gone. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}

/** Memory, where pages that several share count a part for each. */
export function pssBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const [, kB = 0] = /^Pss: +(\d+)/m.exec(textOf(`/proc/${pid}/smaps_rollup`)) ?? []
    return sum + Number(kB) * 1_024
  }, 0)
}
