/** One run: clients at work on several lists, faults in the order of a seed, then the verdict. */
import { seeded } from '../../../bench/state/random.ts'
import { check, type Violation } from './check.ts'
import { allFaults, type Fault, faults, oneOf, pause, type Targets } from './faults.ts'
import { Room } from './room.ts'
import { RunningApplication } from './running.ts'
import { Tally } from './scribe.ts'

export interface RunOptions {
  readonly seed: number
  readonly durationMs: number
  /** Faults to choose from; one that is listed twice comes twice as often. */
  readonly faults: readonly Fault[]
  /** So many in a row; then nothing is done until all clients are served again. */
  readonly inRow: number
  /** The application; default: that of these sources. */
  readonly main?: URL
}

export interface Verdict {
  readonly seed: number
  /** How often everything happened: outcomes, codes, faults, resumes and snapshots. */
  readonly counts: Readonly<Record<string, number>>
  readonly entries: number
  /** Of the faults, those that killed something. */
  readonly kills: number
  /** Whether all clients were served again after each row of faults. */
  readonly served: boolean
  readonly violations: readonly Violation[]
}

const roomsOfLevel = { process: 3, disk: 2 }
/** Between two faults there is time to get some work done, but seldom to recover from all of it. */
const calmMsMin = 100
const calmMsMax = 1_300

export async function run(options: RunOptions): Promise<Verdict> {
  const { seed, main = new URL('./application.ts', import.meta.url) } = options
  const application = await RunningApplication.start(main)
  const tally = new Tally()
  const rooms = Object.entries(roomsOfLevel).flatMap(([level, count]) =>
    Array.from({ length: count }, (_, number) => {
      const name = `${level}-${number}`
      const random = seeded(seed + level.length * 100 + number)
      return new Room({ address: application.address(level, name), name, random, tally })
    }),
  )
  const cutSockets = (): void => {
    for (const room of rooms) room.cutSome()
  }
  try {
    const work = Promise.all(rooms.map((room) => room.work()))
    const isServed = (): Promise<boolean> => areServed(rooms)
    const served = await torment(options, { application, cutSockets }, tally, isServed)
    for (const room of rooms) {
      if (served) room.leave()
      else room.close()
    }
    await work
    const histories = await Promise.all(rooms.map((room) => room.history()))
    return {
      seed,
      counts: Object.fromEntries([...tally.counts].sort()),
      entries: histories.reduce((sum, { final }) => sum + final.length, 0),
      kills: allFaults.reduce((sum, fault) => sum + (isKill(fault) ? tally.of(fault) : 0), 0),
      served,
      violations: histories.flatMap(check),
    }
  } finally {
    for (const room of rooms) room.close()
    await application.stop()
  }
}

const isKill = (fault: Fault): boolean => fault.includes('killed')

async function areServed(rooms: readonly Room[]): Promise<boolean> {
  const served = await Promise.all(rooms.map((room) => room.recovered()))
  return served.every((isServed) => isServed)
}

/** Faults in the order of the seed, until one of the lists is not served any more. */
async function torment(
  { seed, durationMs, faults: chosen, inRow }: RunOptions,
  targets: Targets,
  tally: Tally,
  isServed: () => Promise<boolean>,
): Promise<boolean> {
  const random = seeded(seed)
  if (!(await isServed())) return false
  const untilMs = performance.now() + durationMs
  while (performance.now() < untilMs) {
    for (let left = inRow; left > 0 && performance.now() < untilMs; left -= 1) {
      await pause(calmMsMin + random() * (calmMsMax - calmMsMin))
      const fault = oneOf(chosen, random)
      if (fault && (await faults[fault]({ random, targets }))) tally.count(fault)
    }
    if (!(await isServed())) return false
  }
  return true
}
