/** Starts a process that leads a group of its own: noted, and with no life without us. */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { processesBelow } from './below.ts'
import type { Box } from './sandbox.ts'

export interface SpawnOrder {
  readonly argv: readonly string[]
  /** Beside the few variables that every process inherits. */
  readonly env: Readonly<Record<string, string>>
  readonly stdio: StdioOptions
  /** Its working folder. In a box that is the box's. */
  readonly cwd?: string | undefined
  readonly box?: Box | undefined
}

export interface Spawned {
  readonly child: ChildProcess
  /** Whether it is not known to have ended. */
  readonly runs: boolean
  /** Resolves when it is gone, its output was read, and what it had started is killed. */
  readonly ended: Promise<ProcessExit>
  /** Asks it and what it started to end (SIGTERM). */
  terminate(): void
  /** Kills it and what it started. */
  kill(): void
}

export interface ProcessExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export type Spawn = (order: SpawnOrder) => Spawned

/** Where running processes are noted, so that the next host finds what this one leaves. */
export interface Register {
  /** What marks a process in its environment, and all that it starts. */
  readonly env: Readonly<Record<string, string>>
  add(pid: number): void
  remove(pid: number): void
}

export interface SpawnerOptions {
  readonly register: Register
  /** Whether the kernel kills a process that lost its host, where it can. */
  readonly isLeashed: boolean
}

/** What every process inherits; all else (secrets, NODE_OPTIONS, proxies) stays with the host. */
const inherited = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'NODE_ENV']

/** Has the kernel kill a child whose parent died, even when the child spins. Linux with util-linux. */
const setpriv = '/usr/bin/setpriv'

/** What somebody else holds open is not read to its end. */
const lastWordsMs = 200

export function spawner({ register, isLeashed }: SpawnerOptions): Spawn {
  return ({ argv, env, stdio, cwd, box }) => {
    const [program = '', ...args] = [...(isLeashed ? leash() : []), ...(box?.argv ?? []), ...argv]
    const child = spawn(program, args, {
      cwd,
      stdio,
      serialization: 'advanced',
      env: { ...environment(), ...env, ...register.env },
      // A group of its own, so that what it starts can be ended with it.
      detached: true,
    })
    const { pid } = child
    if (pid !== undefined) register.add(pid)
    // Its id may be somebody else's once it has ended.
    const runs = (): boolean => child.exitCode === null && child.signalCode === null
    return {
      child,
      get runs() {
        return runs()
      },
      ended: endOf(child).finally(() => {
        if (pid !== undefined) register.remove(pid)
        box?.remove()
      }),
      terminate: () => {
        if (!runs() || pid === undefined) return
        // The box itself would end, and have the kernel kill all that is in it.
        if (box) for (const inside of processesBelow(pid)) signal(inside, 'SIGTERM')
        else signal(-pid, 'SIGTERM')
      },
      kill: () => {
        if (runs()) killGroup(pid)
      },
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
  if (pid !== undefined) signal(-pid, 'SIGKILL')
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // Nothing of it is left.
  }
}

/** What goes before a command so that it dies with us; nothing where that can't be had. */
function leash(): readonly string[] {
  return existsSync(setpriv) ? [setpriv, '--pdeathsig', 'KILL', '--'] : []
}

function environment(): Record<string, string> {
  const pairs = inherited.map((name) => [name, process.env[name]] as const)
  return Object.fromEntries(pairs.filter((pair): pair is [string, string] => pair[1] !== undefined))
}
