/**
 * Any program that serves HTTP on `$PORT`, run for one key. It has no state that Sojourn knows of:
 * what it keeps is in its folder, and nothing fences it but that folder's being on this machine.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type Clock, type Log, limits, logVia, SojournError } from '../../base/core/index.ts'
import type {
  Address,
  Claim,
  CommandPlan,
  HostToDoor,
  Phase,
  StopReason,
} from '../../base/protocol/index.ts'
import { environment, leash } from './launch.ts'
import { Life } from './life.ts'
import { Output } from './output.ts'
import { boxed, readableFor } from './sandbox.ts'
import type { Serving } from './serving.ts'

export interface CommandStart {
  readonly claim: Claim
  readonly plan: CommandPlan
  readonly folder: string | undefined
  /** A port on loopback that nobody listens on. */
  readonly port: number
  /** The file that relays into a box without a network. */
  readonly relay: string
  /** The user whose visit started it, if they are logged in. */
  readonly user: string | undefined
  readonly clock: Clock
  readonly log: Log
  readonly tell: (message: HostToDoor) => void
}

const lookEveryMs = 50

export class Command implements Serving {
  readonly backend: string
  readonly key: string
  readonly #output: Output
  readonly #given: CommandStart
  readonly #child: ChildProcess
  readonly #life: Life

  constructor(given: CommandStart) {
    const { claim, plan, clock, log, tell } = given
    this.#given = given
    this.#child = start(given)
    const pid = (): number | undefined => this.#child.pid
    const onDue = (reason: StopReason): void => this.stop(reason)
    this.#life = new Life({ claim, plan, clock, pid, tell, onDue })
    this.backend = claim.backend
    this.key = claim.key
    const tags = { backend: claim.backend, key: claim.key, pid: this.#child.pid }
    const tagged = logVia((level, facts, message) => log[level]({ ...tags, ...facts }, message))
    this.#output = new Output(clock, {
      line: (text) => tagged.info({}, text),
      dropped: (lines) => tagged.warn({ lines }, `${lines} lines of its output were dropped`),
    })
    for (const stream of [this.#child.stdout, this.#child.stderr])
      if (stream) this.#output.follow(stream)
    const end = (): void => this.#end()
    this.#child.once('exit', end)
    this.#child.once('error', end)
    this.#life.start(limits.commandStartMs, () => this.kill())
    this.#look()
  }

  get phase(): Phase {
    return this.#life.phase
  }

  get isUp(): boolean {
    return this.phase === 'ready'
  }

  get lines(): readonly string[] {
    return this.#output.lines
  }

  get ready(): Promise<void> {
    return this.#life.ready
  }

  get stopped(): Promise<StopReason> {
    return this.#life.stopped
  }

  locate(): Promise<Address> {
    if (this.phase !== 'ready') return Promise.reject(new SojournError('INSTANCE_STOPPED'))
    return Promise.resolve(addressOf(this.#given))
  }

  hold(): () => void {
    return this.#life.hold()
  }

  /** Asks the program and all that it started to end (SIGTERM); kills what is left in time. */
  stop(reason: StopReason): void {
    if (this.#life.wane(reason, limits.stopMs, () => this.kill())) this.#signal('SIGTERM')
  }

  kill(): void {
    this.#signal('SIGKILL')
  }

  /** Whether it answers, again and again until it does or has ended. */
  async #look(): Promise<void> {
    const { plan, clock } = this.#given
    while (this.phase === 'starting') {
      if (await answers(addressOf(this.#given), plan.readyPath)) this.#life.begin()
      else
        await new Promise<void>((resolve) => {
          clock.after(lookEveryMs, resolve)
        })
    }
  }

  /** It leads a process group of its own, so that what it started ends with it. */
  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child
    try {
      if (pid !== undefined) process.kill(-pid, signal)
    } catch {
      // The group is gone.
    }
  }

  #end(): void {
    this.kill()
    const reason = this.phase === 'starting' ? 'start-failed' : 'crashed'
    this.#life.end(reason, this.#output.tail())
  }
}

/** A box without a network is entered by a Unix socket in its folder. */
function addressOf({ plan, folder, port }: CommandStart): Address {
  const isClosed = plan.sandbox?.network === false
  return isClosed && folder ? { path: join(folder, '.http.sock') } : { port }
}

function start(given: CommandStart): ChildProcess {
  const { claim, plan, folder, port, user } = given
  const [program = '', ...args] = [...leash(), ...argvOf(given)]
  return spawn(program, args, {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...environment(),
      ...plan.env,
      PORT: String(port),
      SOJOURN_BACKEND: claim.backend,
      SOJOURN_KEY: claim.key,
      ...(user !== undefined && { SOJOURN_USER: user }),
    },
  })
}

function argvOf({ claim, plan, folder, port, relay }: CommandStart): readonly string[] {
  const command = plan.command.map((part) =>
    part.replaceAll('{port}', String(port)).replaceAll('{key}', claim.key),
  )
  if (!plan.sandbox) return command
  if (!folder) throw new TypeError('A command in a sandbox needs a data folder')
  const { network } = plan.sandbox
  if (network) return [...boxed({ folder, readable: [], network }), ...command]
  const readable = [...readableFor(relay), process.execPath]
  const way = [process.execPath, relay, join(folder, '.http.sock'), String(port)]
  return [...boxed({ folder, readable, network }), ...way, ...command]
}

/** Whether the port is open; with a path, whether it is answered by anything but a fault. */
function answers(address: Address, path: string | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = 'path' in address ? connect(address.path) : connect(address.port, '127.0.0.1')
    let heard = ''
    socket.setTimeout(limits.readyAnswerMs, () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => resolve(/^HTTP\/1\.[01] [1-4]/.test(heard)))
    socket.on('connect', () => {
      if (path === undefined) {
        resolve(true)
        socket.destroy()
      } else socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`)
    })
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1', 0, 16)
      if (heard.length >= 'HTTP/1.1 2'.length) socket.destroy()
    })
  })
}
