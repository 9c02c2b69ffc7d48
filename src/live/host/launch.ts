/** Starts the process of an instance, with pipes of its own. */
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { type Duplex, PassThrough, Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { ModulePlan } from '../../base/protocol/index.ts'
import { type Box, type MakeBox, readableFor } from './sandbox.ts'
import type { ProcessExit, Spawn } from './spawn.ts'

/** A process that was launched; it speaks over its channel once it runs. */
export interface Launched {
  readonly child: ChildProcess
  readonly journal: Duplex
  readonly outputs: readonly Readable[]
  /** Where it is told to serve HTTP, and how to reach that. */
  readonly front: Pick<Box, 'socket' | 'reach'>
  /** Resolves when it is gone, its output was read, and what it had started is killed. */
  readonly ended: Promise<ProcessExit>
  /** Kills it and what it started. */
  kill(): void
}

/** @param folder that of the key which the process is for, where it may write to nothing else */
export type Launch = (plan: ModulePlan, folder?: string) => Launched

export interface LauncherOptions {
  /** URL of the file that runs instances. */
  readonly main: URL
  /** Folder of the Unix sockets that processes serve HTTP on; nobody else may look into it. */
  readonly run: string
  readonly spawn: Spawn
  readonly makeBox: MakeBox
}

const nodeOptions = ['--disable-warning=ExperimentalWarning']
const mebibyte = 2 ** 20

export function launcher({ main, run, spawn, makeBox }: LauncherOptions): Launch {
  const file = fileURLToPath(main)
  // What one process has compiled the next one need not; private, since it is run as it is.
  const compiled = { NODE_COMPILE_CACHE: join(run, 'compiled') }
  return ({ env, memoryBytesMax, module, sandbox }, folder) => {
    const heap =
      memoryBytesMax > 0 ? [`--max-old-space-size=${Math.floor(memoryBytesMax / mebibyte)}`] : []
    const box = sandbox && makeBox({ folder, ...sandbox, readable: codeOf(module) })
    // User code is loaded at our word only, so nothing runs that is not noted.
    const { child, ended, kill } = spawn({
      argv: [process.execPath, ...nodeOptions, ...heap, file],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
      env: { ...compiled, ...env },
      box,
    })
    // When descriptors have run out there are no pipes; the error comes as that of any failed start.
    const { stdio = [] } = child as Partial<ChildProcess>
    const [, stdout, stderr, , journal = new PassThrough()] = stdio
    const socket = `${run}/${child.pid}.sock`
    return {
      child,
      journal: journal as Duplex,
      outputs: [stdout, stderr].filter((stream) => stream instanceof Readable),
      front: box ?? { socket, reach: () => socket },
      ended,
      kill,
    }
  }

  function codeOf(module: string): readonly string[] {
    const own = module.startsWith('file:') ? readableFor(fileURLToPath(module)) : []
    return [...own, ...readableFor(file), process.execPath]
  }
}
