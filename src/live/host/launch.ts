/** Starts the process of an instance: a small environment, pipes of its own, no life without us. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Duplex, Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { ModulePlan } from '../../base/protocol/index.ts'

/** A process that was launched; it speaks over its channel once it runs. */
export interface Launched {
  readonly child: ChildProcess
  readonly journal: Duplex
  readonly outputs: readonly Readable[]
}

export type Launch = (plan: Pick<ModulePlan, 'env' | 'memoryBytesMax'>) => Launched

/** What every instance inherits; all else (secrets, NODE_OPTIONS, proxies) stays with the host. */
const inherited = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'NODE_ENV']

/** Has the kernel kill a child whose parent died, even when the child spins. Linux with util-linux. */
const setpriv = '/usr/bin/setpriv'

const nodeOptions = ['--disable-warning=ExperimentalWarning']
const mebibyte = 2 ** 20

/** @param main URL of the file that runs an instance */
export function launcher(main: URL): Launch {
  const file = fileURLToPath(main)
  return ({ env, memoryBytesMax }) => {
    const heap = memoryBytesMax > 0 ? [`--max-old-space-size=${memoryBytesMax / mebibyte}`] : []
    const argv = [...leash(), process.execPath, ...nodeOptions, ...heap, file]
    const [program = '', ...args] = argv
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
      serialization: 'advanced',
      env: { ...environment(), ...env },
    })
    const [, stdout, stderr, , journal] = child.stdio
    return { child, journal: journal as Duplex, outputs: [stdout as Readable, stderr as Readable] }
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
