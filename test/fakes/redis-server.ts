/** A Redis of the test's own: on a free port of loopback, in a folder of its own, kept nowhere. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const program = '/usr/bin/redis-server'

export class RedisServer {
  readonly port: number
  readonly #folder: string
  readonly #arguments: readonly string[]
  readonly #ready: string
  #child: ChildProcess | undefined

  private constructor(port: number, folder: string, list: readonly string[], ready: string) {
    this.port = port
    this.#folder = folder
    this.#arguments = list
    this.#ready = ready
  }

  /** @param settings more of the command line: `['--cluster-enabled', 'yes']` */
  static async start(...settings: string[]): Promise<RedisServer> {
    const port = await freePort()
    const folder = freshFolder()
    const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder]
    const list = [...place, '--save', '', '--appendonly', 'no', ...settings]
    const server = new RedisServer(port, folder, list, 'Ready to accept connections')
    await server.restart()
    return server
  }

  /** One Sentinel that fails over by itself half a second after the death of the master. */
  static async sentinel(name: string, master: RedisServer): Promise<RedisServer> {
    const port = await freePort()
    const folder = freshFolder()
    const file = join(folder, 'sentinel.conf')
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      `sentinel monitor ${name} 127.0.0.1 ${master.port} 1`,
      `sentinel down-after-milliseconds ${name} 500`,
      `sentinel failover-timeout ${name} 3000`,
    ]
    writeFileSync(file, lines.join('\n'))
    const server = new RedisServer(port, folder, [file, '--sentinel'], '+slave')
    await server.restart()
    return server
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Starts it on its old port, empty. */
  async restart(): Promise<void> {
    if (!existsSync(program))
      throw new Error(`${program} is missing: run \`node scripts/redis.ts\` first`)
    const child = spawn(program, this.#arguments, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child = child
    await new Promise<void>((resolve, reject) => {
      let said = ''
      child.once('error', reject)
      child.once('exit', () => reject(new Error(`redis-server ended: ${said}`)))
      child.stdout.on('data', (chunk) => {
        said += chunk
        if (said.includes(this.#ready)) resolve()
      })
    })
  }

  /** Sends it a signal; with SIGKILL, waits for its end. */
  async signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    if (signal === 'SIGKILL') await ended
  }

  async stop(): Promise<void> {
    await this.signal('SIGKILL')
    rmSync(this.#folder, { recursive: true })
  }
}

/** Masters without replicas that share all slots among them. */
export async function startCluster(masters: number): Promise<RedisServer[]> {
  const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']
  const nodes: RedisServer[] = []
  for (let count = 0; count < masters; count++) nodes.push(await RedisServer.start(...settings))
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
  execFileSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes'])
  return nodes
}

function freshFolder(): string {
  return mkdtempSync(join(tmpdir(), 'sojourn-redis-'))
}

/** Below 55,536, so that the port of the bus of a Cluster, 10,000 above it, is one too. */
async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    await new Promise((resolve) => server.close(resolve))
    if (port < 55_536) return port
  }
}
