/** What the end-to-end tests share: folders, ports and processes that are gone afterwards. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export function scratchFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'sojourn-test-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** A port that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

export interface Running {
  readonly child: ChildProcess
  readonly pid: number
  /** Everything that the process printed so far. */
  output(): string
  /** Ends it with a signal and waits until it is gone. */
  end(signal?: NodeJS.Signals): Promise<void>
}

/** Starts a program and waits until it prints what `ready` matches. */
export async function run(
  file: string,
  {
    cwd,
    env = {},
    args = [],
    ready,
  }: { cwd: string; env?: Record<string, string>; args?: readonly string[]; ready: RegExp },
): Promise<Running> {
  const argv = ['--disable-warning=ExperimentalWarning', file, ...args]
  const child = spawn(process.execPath, argv, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      output += text
    })
  }
  await until(() => {
    if (child.exitCode !== null) throw new Error(`${file} ended early:\n${output}`)
    return ready.test(output)
  }, `${file} is ready`)
  return {
    child,
    pid: child.pid ?? 0,
    output: () => output,
    async end(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill(signal)
      await gone
    },
  }
}

/** Waits for a condition; the limit is there to fail, not to measure. */
export async function until(
  holds: () => unknown | Promise<unknown>,
  what: string,
  withinMs = 30_000,
): Promise<void> {
  const deadlineMs = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error(`Not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

interface ProcessRow {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

/** The process table, from /proc. */
function processes(): ProcessRow[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        return state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent), command }]
      } catch {
        return [] // It ended while we looked.
      }
    })
}

/** All descendants of a process that are alive. */
function descendants(pid: number, rows: ProcessRow[] = processes()): ProcessRow[] {
  const children = rows.filter(({ parent }) => parent === pid)
  return [...children, ...children.flatMap((child) => descendants(child.pid, rows))]
}

/** Instances among the descendants of a server. */
export function instancesOf(pid: number): ProcessRow[] {
  return descendants(pid).filter(({ command }) => /live\/backend\/main\.(js|ts)/.test(command))
}

/** All processes below another. */
export function childrenOf(pid: number): ProcessRow[] {
  return descendants(pid)
}

export function isAlive(pid: number): boolean {
  return processes().some((row) => row.pid === pid)
}
