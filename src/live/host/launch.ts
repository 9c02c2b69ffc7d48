/** Starts the process of an instance: a small environment, pipes of its own, no life without us. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { type Duplex, PassThrough, Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { ModulePlan } from '../../base/protocol/index.ts'

/** A process that was launched; it speaks over its channel once it runs. */
export interface Launched {
  readonly child: ChildProcess
  readonly journal: Duplex
  readonly outputs: readonly Readable[]
  /** Resolves when it is gone, its output was read, and what it had started is killed. */
  readonly ended: Promise<ProcessExit>
  /** Kills it and what it started. */
  kill(): void
}

export interface ProcessExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export type Launch = (plan: Pick<ModulePlan, 'env' | 'memoryBytesMax'>) => Launched

/** Where running processes are noted, so that the next host finds what this one leaves. */
export interface Register {
  /** What marks a process in its environment, and all that it starts. */
  readonly env: Readonly<Record<string, string>>
  add(pid: number): void
  remove(pid: number): void
}

export interface LauncherOptions {
  /** URL of the file that runs instances. */
  readonly main: URL
  readonly register: Register
  /** Whether the kernel kills a process that lost its host, where it can. */
  readonly isLeashed: boolean
}

/** What every instance inherits; all else (secrets, NODE_OPTIONS, proxies) stays with the host. */
const inherited = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'NODE_ENV']

/** Has the kernel kill a child whose parent died, even when the child spins. Linux with util-linux. */
const setpriv = '/usr/bin/setpriv'

const nodeOptions = ['--disable-warning=ExperimentalWarning']
const mebibyte = 2 ** 20
/** What somebody else holds open is not read to its end. */
const lastWordsMs = 200

export function launcher({ main, register, isLeashed }: LauncherOptions): Launch {
  const file = fileURLToPath(main)
  return ({ env, memoryBytesMax }) => {
    const heap =
      memoryBytesMax > 0 ? [`--max-old-space-size=${Math.floor(memoryBytesMax / mebibyte)}`] : []
    const argv = [...(isLeashed ? leash() : []), process.execPath, ...nodeOptions, ...heap, file]
    const [program = '', ...args] = argv
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
      serialization: 'advanced',
      env: { ...environment(), ...env, ...register.env },
      // A group of its own, so that what it starts can be ended with it.
      detached: true,
    })
    const { pid } = child
    // User code is loaded at our word only, so nothing runs that is not noted.
    if (pid !== undefined) register.add(pid)
    // When descriptors have run out there are no pipes; the error comes as that of any failed start.
    const { stdio = [] } = child as Partial<ChildProcess>
    const [, stdout, stderr, , journal = new PassThrough()] = stdio
    const kill = (): void => {
      // Its id may be somebody else's once it has ended.
      if (child.exitCode === null && child.signalCode === null) killGroup(pid)
    }
    return {
      child,
      journal: journal as Duplex,
      outputs: [stdout, stderr].filter((stream) => stream instanceof Readable),
      ended: endOf(child).finally(() => pid !== undefined && register.remove(pid)),
      kill,
    }
  }
}

function endOf(child: ChildProcess): Promise<ProcessExit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      // In the turn that learns of its end: its id can't have been given again as a group's yet.
      killGroup(child.pid)
      const done = (): void => resolve({ code, signal })
      child.once('close', done)
      setTimeout(done, lastWordsMs).unref()
    })
    // Also told of a process that runs; only one that never did has no id.
    child.on('error', () => child.pid === undefined && resolve({ code: null, signal: null }))
  })
}

/** Kills a process that leads a group, and the group. */
export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nothing of it is left.
  }
}

/** What goes before a command so that it dies with us; nothing where that can't be had. */
export function leash(): readonly string[] {
  return existsSync(setpriv) ? [setpriv, '--pdeathsig', 'KILL', '--'] : []
}

/** What every process inherits. */
export function environment(): Record<string, string> {
  const pairs = inherited.map((name) => [name, process.env[name]] as const)
  return Object.fromEntries(pairs.filter((pair): pair is [string, string] => pair[1] !== undefined))
}
