/** What is done to the processes and sockets of a run, one at a time, in the order of a seed. */
import type { RunningApplication } from './running.ts'

export interface Targets {
  readonly application: RunningApplication
  /** Cuts the sockets of some clients, without a word to either side. */
  cutSockets(): void
}

export interface Chaos {
  readonly random: () => number
  readonly targets: Targets
}

/** A frozen process is let go after this time at most: well within every patience of the product. */
const frozenMsMax = 900

/** Each resolves with whether it hit somebody. */
export const faults = {
  'instance killed': ({ targets, random }: Chaos): boolean =>
    signal(oneOf(targets.application.instances(), random), 'SIGKILL'),
  'instance frozen': (chaos: Chaos): Promise<boolean> =>
    freeze(oneOf(chaos.targets.application.instances(), chaos.random), chaos),
  'instance frozen, then killed': (chaos: Chaos): Promise<boolean> => {
    const pid = oneOf(chaos.targets.application.instances(), chaos.random)
    return freeze(pid, chaos, () => signal(pid, 'SIGKILL'))
  },
  'host killed': ({ targets, random }: Chaos): boolean =>
    signal(oneOf(targets.application.hosts(), random), 'SIGKILL'),
  'host frozen': (chaos: Chaos): Promise<boolean> =>
    freeze(oneOf(chaos.targets.application.hosts(), chaos.random), chaos),
  /** Whatever its instances say meanwhile, they say without it. */
  'host frozen, then killed': (chaos: Chaos): Promise<boolean> => {
    const pid = oneOf(chaos.targets.application.hosts(), chaos.random)
    return freeze(pid, chaos, () => signal(pid, 'SIGKILL'))
  },
  'application killed': async ({ targets }: Chaos): Promise<boolean> => {
    await targets.application.restart()
    return true
  },
  /** The host before, and its instances with their clients, are there while the next one starts. */
  'application killed over a frozen host': async (chaos: Chaos): Promise<boolean> => {
    const { application } = chaos.targets
    let restarted: Promise<void> | undefined
    const hasHit = await freeze(oneOf(application.hosts(), chaos.random), chaos, () => {
      restarted = application.restart()
      return pause(chaos.random() * frozenMsMax)
    })
    await restarted
    return hasHit
  },
  'sockets cut': ({ targets }: Chaos): boolean => {
    targets.cutSockets()
    return true
  },
} as const

export type Fault = keyof typeof faults
export const allFaults = Object.keys(faults) as Fault[]

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })

export function oneOf<Item>(items: readonly Item[], random: () => number): Item | undefined {
  return items[Math.floor(random() * items.length)]
}

/** Stops a process for a while; `amid` happens before it goes on. */
async function freeze(
  pid: number | undefined,
  { random }: Chaos,
  amid = (): unknown => undefined,
): Promise<boolean> {
  const hasHit = signal(pid, 'SIGSTOP')
  try {
    await pause(random() * frozenMsMax)
    await amid()
  } finally {
    signal(pid, 'SIGCONT')
  }
  return hasHit
}

/** False when nobody was hit: it may have ended by itself, or not be there yet. */
function signal(pid: number | undefined, name: NodeJS.Signals): boolean {
  try {
    return pid !== undefined && process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}
