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
const workMsMin = 100

/** Each resolves with whether it hit somebody. */
export const faults = {
  'instance killed': async (chaos: Chaos): Promise<boolean> =>
    signal(await anInstance(chaos), 'SIGKILL'),
  'instance frozen': async (chaos: Chaos): Promise<boolean> =>
    freeze(await anInstance(chaos), chaos),
  'instance frozen, then killed': async (chaos: Chaos): Promise<boolean> => {
    const pid = await anInstance(chaos)
    return freeze(pid, chaos, () => signal(pid, 'SIGKILL'))
  },
  'host killed': async (chaos: Chaos): Promise<boolean> => signal(await theHost(chaos), 'SIGKILL'),
  'host frozen': async (chaos: Chaos): Promise<boolean> => freeze(await theHost(chaos), chaos),
  /** Whatever its instances say meanwhile, they say without it. */
  'host frozen, then killed': async (chaos: Chaos): Promise<boolean> => {
    const pid = await theHost(chaos)
    return freeze(pid, chaos, () => signal(pid, 'SIGKILL'))
  },
  'application killed': async ({ targets }: Chaos): Promise<boolean> => {
    await targets.application.restart()
    return true
  },
  /** The host before, and its instances with their clients, are there while the next one starts. */
  'application killed over a frozen host': async (chaos: Chaos): Promise<boolean> => {
    let restarted: Promise<void> | undefined
    const hasHit = await freeze(await theHost(chaos), chaos, () => {
      restarted = chaos.targets.application.restart()
      return pause(chaos.random() * frozenMsMax)
    })
    await restarted
    return hasHit
  },
  'sockets cut': async ({ targets }: Chaos): Promise<boolean> => {
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

const anInstance = (chaos: Chaos): Promise<number | undefined> =>
  victim(chaos.targets.application.instances(), chaos)
const theHost = (chaos: Chaos): Promise<number | undefined> =>
  victim(chaos.targets.application.hosts(), chaos)

/** To look through all processes holds up the clients, who must be at work when it happens. */
async function victim(pids: readonly number[], { random }: Chaos): Promise<number | undefined> {
  const pid = oneOf(pids, random)
  await pause(workMsMin + random() * workMsMin)
  return pid
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
