/**
 * A box around a process (bubblewrap): it sees the system's programs and what it was shown, writes
 * to its own folder only, has processes, users and, unless asked otherwise, a network of its own,
 * and dies with its host. Sockets that are handed over work inside: they belong to no network.
 */
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
} from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { limits } from '../../base/core/index.ts'

export interface BoxOrder {
  /** The only folder that it may write to; its working folder and its home. No box without one. */
  readonly folder: string | undefined
  /** What it may read besides the system's programs. */
  readonly readable: readonly string[]
  /** Whether it may use the network of this machine. */
  readonly network: boolean
}

export interface Box {
  /** What goes before a command to have it run inside. */
  readonly argv: readonly string[]
  /** Where a process inside listens for the door. */
  readonly socket: string
  /**
   * Where that is reached from outside; `undefined` while nothing listens. What is inside can put
   * anything in that place, also a link to somebody else's socket: only a socket is taken out.
   */
  reach(): string | undefined
  /** Takes away what was made outside for it. */
  remove(): void
}

/** @throws TypeError without a folder: what was to run in a box never runs outside of one */
export type MakeBox = (order: BoxOrder) => Box

export interface BoxesOptions {
  /** Folder of the platform's files; of it a box sees its own folder only. */
  readonly data: string
  /** A folder of the host, for sockets. */
  readonly run: string
}

const bubblewrap = '/usr/bin/bwrap'
/** Programs and what they need; no homes, no configuration, no data. */
const system = [
  ...['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64'],
  ...['/etc/ssl', '/etc/alternatives', '/etc/ld.so.cache', '/etc/localtime'],
]
const forNetwork = ['/etc/resolv.conf', '/etc/hosts', '/etc/nsswitch.conf']
/** Nobody, on every Linux. */
const nobody = '65534'
const walls = [
  ...['--die-with-parent', '--new-session', '--unshare-all', '--unshare-user', '--disable-userns'],
  ...['--uid', nobody, '--gid', nobody, '--cap-drop', 'ALL', '--proc', '/proc', '--dev', '/dev'],
]
const tmpfs = (path: string): readonly string[] => [
  ...['--size', String(limits.boxTmpBytesMax), '--tmpfs', path],
]

/** Whether this machine can build boxes: bubblewrap 0.8 is there, and the kernel lets it. */
export function hasSandbox(): boolean {
  const shown = system.flatMap((path) => ['--ro-bind-try', path, path])
  return spawnSync(bubblewrap, [...walls, ...shown, '/bin/true']).status === 0
}

export function boxes({ data, run }: BoxesOptions): MakeBox {
  let last = 0
  return ({ folder, ...order }) => {
    if (folder === undefined) throw new TypeError('A box needs a folder')
    last += 1
    const name = join(run, `box-${last}`)
    mkdirSync(name)
    const socket = join(name, 'http.sock')
    const outside = `${name}.sock`
    return {
      argv: argvOf({ ...order, folder }, name, data),
      socket,
      reach: () => {
        if (!existsSync(outside) && !takeOut(socket, outside)) return undefined
        return lstatSync(outside).isSocket() ? outside : undefined
      },
      remove: () => {
        for (const path of [outside, name]) rmSync(path, { recursive: true, force: true })
      },
    }
  }
}

function argvOf(
  { folder, readable, network }: BoxOrder & { readonly folder: string },
  sockets: string,
  data: string,
): string[] {
  const wanted = [...system, ...(network ? forNetwork : []), ...readable]
  const shown = wanted.filter((path) => wayTo(path, data) === undefined)
  const hidden = shown.flatMap((path) => dataIn(path, data))
  return [
    ...[bubblewrap, ...walls, ...(network ? ['--share-net'] : [])],
    ...[...tmpfs('/dev/shm'), '--remount-ro', '/dev', ...tmpfs('/tmp')],
    ...shown.flatMap((path) => ['--ro-bind-try', path, path]),
    ...hidden.flatMap((path) => ['--tmpfs', path]),
    ...[folder, sockets].flatMap((path) => ['--bind', path, path]),
    ...[...hidden, '/'].flatMap((path) => ['--remount-ro', path]),
    ...['--chdir', folder, '--setenv', 'HOME', folder, '--unsetenv', 'TMPDIR', '--'],
  ]
}

/** Where the data folder would be seen, were this path shown. */
function dataIn(path: string, data: string): string[] {
  const way = wayTo(data, path)
  return way === undefined ? [] : [join(path, way)]
}

/** How a path is reached from a folder that holds it; `undefined` when it lies elsewhere. */
export function wayTo(path: string, folder: string): string | undefined {
  if (!existsSync(path) || !existsSync(folder)) return undefined
  const way = relative(realpathSync(folder), realpathSync(path))
  return /^\.\.(\/|$)/.test(way) ? undefined : way
}

/** A link names the very file, whatever comes to lie in its place; it follows no other link. */
function takeOut(socket: string, outside: string): boolean {
  try {
    linkSync(socket, outside)
    return true
  } catch {
    return false
  }
}

/**
 * What a module of JavaScript may import from: the folder of its package, without what is hidden in
 * it (`.env`, `.git`), and every `node_modules` on the way up.
 */
export function readableFor(module: string): readonly string[] {
  const folders = [...upwards(dirname(module))]
  const home = folders.find((folder) => existsSync(join(folder, 'package.json'))) ?? dirname(module)
  const own = readdirSync(home)
    .filter((name) => !name.startsWith('.'))
    .map((name) => join(home, name))
  const installed = folders.map((folder) => join(folder, 'node_modules'))
  return [...own, ...installed.filter((folder) => existsSync(folder) && dirname(folder) !== home)]
}

/**
 * What a command may read: the paths that it names, and of a program of JavaScript what it may
 * import from.
 */
export function readableForCommand(command: readonly string[]): readonly string[] {
  return command
    .filter((part) => part.startsWith('/') && resolve(part) !== '/' && existsSync(part))
    .flatMap((path) => (/\.[cm]?[jt]s$/.test(path) ? readableFor(path) : [path]))
}

function* upwards(folder: string): Generator<string> {
  yield folder
  const parent = dirname(folder)
  if (parent !== folder) yield* upwards(parent)
}
