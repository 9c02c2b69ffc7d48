/**
 * A box around a process (bubblewrap): it sees the system's programs and what it was shown, writes
 * to its own folder only, has processes, users and, unless asked otherwise, a network of its own,
 * and dies with its host. Sockets that are handed over work inside: they belong to no network.
 */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface Box {
  /** The only folder that it may write to; its working folder. */
  readonly folder: string
  /** What it may read besides the system's programs. */
  readonly readable: readonly string[]
  /** Whether it may use the network of this machine. */
  readonly network: boolean
}

const bubblewrap = '/usr/bin/bwrap'
/** Programs and what they need; no homes, no configuration, no data. */
const system = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/opt', '/etc/ssl']
const forNetwork = ['/etc/resolv.conf', '/etc/hosts', '/etc/nsswitch.conf']
/** Nobody, on every Linux. */
const nobody = '65534'

/** Whether this machine can build boxes. */
export const hasSandbox = (): boolean => existsSync(bubblewrap)

/** What goes before a command to have it run in a box. */
export function boxed({ folder, readable, network }: Box): readonly string[] {
  const shown = [...system, ...(network ? forNetwork : []), ...readable]
  return [
    bubblewrap,
    '--die-with-parent',
    '--new-session',
    '--unshare-all',
    ...(network ? ['--share-net'] : []),
    ...['--uid', nobody, '--gid', nobody, '--cap-drop', 'ALL'],
    ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp'],
    ...shown.flatMap((path) => ['--ro-bind-try', path, path]),
    ...['--bind', folder, folder, '--chdir', folder],
    '--',
  ]
}

/**
 * What a module of JavaScript may import from: the folder of its package, and every `node_modules`
 * on the way up.
 */
export function readableFor(module: string): readonly string[] {
  const folders = [...upwards(dirname(module))]
  const home = folders.find((folder) => existsSync(join(folder, 'package.json')))
  const installed = folders.map((folder) => join(folder, 'node_modules'))
  return [home ?? dirname(module), ...installed.filter((folder) => existsSync(folder))]
}

function* upwards(folder: string): Generator<string> {
  yield folder
  const parent = dirname(folder)
  if (parent !== folder) yield* upwards(parent)
}
