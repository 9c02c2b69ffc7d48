/**
 * What runs for a host is noted in the data folder, so that after its death the next one can end
 * what it left. A process is known by the boot of the machine, its id and its start time: an id that
 * was given again is somebody else's, and is never touched. What it had started may outlive it, and
 * is known by a mark that all of them inherit in their environment. Linux only; elsewhere nothing is
 * noted, and a process that spins outlives its host.
 */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Log, limits, SojournError } from '../../base/core/index.ts'
import { killGroup, type Register } from './spawn.ts'

interface Note {
  readonly boot: string
  readonly pid: number
  /** Since the boot, in ticks of the kernel. */
  readonly start: string
  readonly mark?: string
}

const bootIdFile = '/proc/sys/kernel/random/boot_id'
const lookEveryMs = 10
const noRegister: Register = { env: {}, add: () => {}, remove: () => {} }
const markName = 'SOJOURN_HOST'

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
  const files = readdirSync(folder).map((name) => join(folder, name))
  const notes = files.flatMap((file) => readNote(file) ?? []).filter((note) => note.boot === boot)
  await Promise.all(notes.map((note) => endLeftover(note, log)))
  await endMarked(new Set(notes.flatMap(({ mark }) => mark ?? [])), log)
  for (const file of files) rmSync(file, { force: true })
  const mark = randomUUID()
  return {
    env: { [markName]: mark },
    add: (pid) => {
      const start = startOf(pid)
      if (start === undefined) return
      const note: Note = { boot, pid, start, mark }
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

async function endLeftover({ pid, start }: Note, log: Log): Promise<void> {
  if (startOf(pid) !== start) return
  log.warn({ pid }, 'a process that a dead host left is killed')
  killGroup(pid)
  await untilNone(() => (startOf(pid) === start ? [pid] : []))
}

/** Ends what bears a mark: it may start more while we look, so until there is none. */
async function endMarked(marks: ReadonlySet<string>, log: Log): Promise<void> {
  if (marks.size === 0) return
  await untilNone(() => {
    const left = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isMarked(name, marks))
    for (const pid of left) {
      log.warn({ pid: Number(pid) }, 'a process that an instance of a dead host left is killed')
      killOne(Number(pid))
    }
    return left
  })
}

function isMarked(pid: string, marks: ReadonlySet<string>): boolean {
  try {
    const pairs = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
    const mark = pairs.find((pair) => pair.startsWith(`${markName}=`))
    return mark !== undefined && marks.has(mark.slice(markName.length + 1))
  } catch {
    // Gone, or of another user.
    return false
  }
}

function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Gone meanwhile.
  }
}

async function untilNone(left: () => readonly (number | string)[]): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += lookEveryMs) {
    const [pid] = left()
    if (pid === undefined) return
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
