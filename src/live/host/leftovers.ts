/**
 * What runs for a host is noted in the data folder, so that after its death the next one can end
 * what it left. A process is known by the boot of the machine, its id and its start time: an id that
 * was given again is somebody else's, and is never touched. Linux only; elsewhere nothing is noted,
 * and a process that spins outlives its host.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Log, limits, SojournError } from '../../base/core/index.ts'
import { killGroup, type Register } from './spawn.ts'

interface Note {
  readonly boot: string
  readonly pid: number
  /** Since the boot, in ticks of the kernel. */
  readonly start: string
}

const bootIdFile = '/proc/sys/kernel/random/boot_id'
const lookEveryMs = 10
const noRegister: Register = { add: () => {}, remove: () => {} }

/**
 * Kills what an earlier host of this data folder left, and notes what runs from now on. To be called
 * by the owner of the folder, before it claims a key.
 *
 * @param data folder of the platform's files; `':memory:'` notes nothing
 * @throws SojournError `DATA_IN_USE` when a process doesn't end within `limits.leftoverMs`
 */
export async function openRegister(data: string, log: Log): Promise<Register> {
  if (data === ':memory:') return noRegister
  if (process.platform !== 'linux') {
    log.warn({}, 'processes of a host that is killed are found again on Linux only')
    return noRegister
  }
  const folder = join(data, 'processes')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const boot = readFileSync(bootIdFile, 'utf8').trim()
  await Promise.all(readdirSync(folder).map((name) => endLeftover(join(folder, name), boot, log)))
  return {
    add: (pid) => {
      const start = startOf(pid)
      if (start === undefined) return
      const note: Note = { boot, pid, start }
      try {
        writeFileSync(join(folder, String(pid)), JSON.stringify(note))
      } catch (error) {
        // A full disk must not keep anything from running: the kernel's leash is still there.
        log.error({ err: error, pid }, 'a process could not be noted')
      }
    },
    remove: (pid) => rmSync(join(folder, String(pid)), { force: true }),
  }
}

async function endLeftover(file: string, boot: string, log: Log): Promise<void> {
  const note = readNote(file)
  if (note?.boot === boot && startOf(note.pid) === note.start) {
    log.warn({ pid: note.pid }, 'a process that a dead host left is killed')
    killGroup(note.pid)
    await untilGone(note)
  }
  rmSync(file, { force: true })
}

async function untilGone({ pid, start }: Note): Promise<void> {
  for (let waitedMs = 0; startOf(pid) === start; waitedMs += lookEveryMs) {
    if (waitedMs >= limits.leftoverMs)
      throw new SojournError('DATA_IN_USE', `Process ${pid} of an earlier host does not end.`)
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
  }
}

/** `undefined` for a note that its host did not finish: the process was never told to do anything. */
function readNote(file: string): Note | undefined {
  try {
    const note = JSON.parse(readFileSync(file, 'utf8')) as Note
    return note.pid > 1 && note.start ? note : undefined
  } catch {
    return undefined
  }
}

/** When a process started; `undefined` when it is gone, or dead and only not yet collected. */
export function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is a name, which may hold anything; the third is the state.
    const [state = '', ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return 'ZX'.includes(state) ? undefined : rest[18]
  } catch {
    return undefined
  }
}
