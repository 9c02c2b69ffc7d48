/** What a process uses, read from outside, so that one that spins can't hide it. */
import { readFileSync } from 'node:fs'
import { processesBelow } from './below.ts'

const kibibyte = 1_024

/**
 * Bytes that are a process's own in physical memory: heap, buffers and stacks, without the pages of
 * the program that all processes share. `undefined` where the system does not tell, or it is gone.
 */
export function memoryOf(pid: number): number | undefined {
  try {
    const [, figure] =
      /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return figure === undefined ? undefined : Number(figure) * kibibyte
  } catch {
    return undefined
  }
}

/** The same of all that runs in a box, which is what the host started and sees the id of. */
export function memoryInBox(pid: number): number {
  return processesBelow(pid).reduce((sum, inside) => sum + (memoryOf(inside) ?? 0), 0)
}
