import { readdirSync, readFileSync } from 'node:fs'

/** All processes that descend from another, the nearest first; none where the system does not tell. */
export function processesBelow(pid: number): number[] {
  const children = childrenOf(pid)
  return [...children, ...children.flatMap(processesBelow)]
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')
        .split(' ')
        .filter(Boolean)
        .map(Number),
    )
  } catch {
    return [] // It has ended.
  }
}
