/** What a process uses, read from outside, so that one that spins can't hide it. */
import { readFileSync } from 'node:fs'

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
