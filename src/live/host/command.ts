/**
 * Any program that serves HTTP on `$PORT`, run for one key. It has no state that Sojourn knows of:
 * what it keeps is in its folder, and nothing fences it but that folder's being on this machine.
 */
import { connect } from 'node:net'
import { type Clock, type Log, limits, logVia, SojournError } from '../../base/core/index.ts'
import type {
  Address,
  Claim,
  CommandPlan,
  HostToDoor,
  Phase,
  StopReason,
} from '../../base/protocol/index.ts'
import { Life } from './life.ts'
import { Output } from './output.ts'
import { type Box, type MakeBox, readableForCommand } from './sandbox.ts'
import type { Serving } from './serving.ts'
import type { Spawn, Spawned } from './spawn.ts'

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
  readonly spawn: Spawn
  readonly makeBox: MakeBox
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
  readonly #box: Box | undefined
  readonly #spawned: Spawned
  readonly #life: Life

  constructor(given: CommandStart) {
    const { claim, plan, clock, log, tell } = given
    this.#given = given
    this.#box = boxOf(given)
    this.#spawned = start(given, this.#box)
    const { child, ended } = this.#spawned
    const pid = (): number | undefined => child.pid
    const onDue = (reason: StopReason): void => this.stop(reason)
    this.#life = new Life({ claim, plan, clock, pid, tell, onDue })
    this.backend = claim.backend
    this.key = claim.key
    const tags = { backend: claim.backend, key: claim.key, pid: child.pid }
    const tagged = logVia((level, facts, message) => log[level]({ ...tags, ...facts }, message))
    this.#output = new Output(clock, {
      line: (text) => tagged.info({}, text),
      dropped: (lines) => tagged.warn({ lines }, `${lines} lines of its output were dropped`),
    })
    for (const stream of [child.stdout, child.stderr]) if (stream) this.#output.follow(stream)
    ended.then(() => this.#end())
    this.#life.start(limits.commandStartMs, () => this.kill())
    this.#look()
  }

  get phase(): Phase {
    return this.#life.phase
  }

  get isUp(): boolean {
    return this.phase === 'ready' && this.#spawned.runs
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
    const address = this.phase === 'ready' ? this.#address() : undefined
    return address ? Promise.resolve(address) : Promise.reject(new SojournError('INSTANCE_STOPPED'))
  }

  hold(): () => void {
    return this.#life.hold()
  }

  /** Asks the program and all that it started to end (SIGTERM); kills what is left in time. */
  stop(reason: StopReason): void {
    if (this.#life.wane(reason, limits.stopMs, () => this.kill())) this.#spawned.terminate()
  }

  kill(): void {
    this.#spawned.kill()
  }

  /** Whether it answers, again and again until it does or has ended. */
  async #look(): Promise<void> {
    const { plan, clock } = this.#given
    while (this.phase === 'starting') {
      const address = this.#address()
      if (address && (await answers(address, plan.readyPath))) this.#life.begin()
      else
        await new Promise<void>((resolve) => {
          clock.after(lookEveryMs, resolve)
        })
    }
  }

  /** A box without a network is entered by its Unix socket. */
  #address(): Address | undefined {
    const { plan, port } = this.#given
    if (!this.#box || plan.sandbox?.network) return { port }
    const path = this.#box.reach()
    return path === undefined ? undefined : { path }
  }

  #end(): void {
    const reason = this.phase === 'starting' ? 'start-failed' : 'crashed'
    this.#life.end(reason, this.#output.tail())
  }
}

function boxOf({ plan, folder, relay, makeBox }: CommandStart): Box | undefined {
  if (!plan.sandbox) return undefined
  const readable = [...readableForCommand(plan.command), relay, process.execPath]
  return makeBox({ ...plan.sandbox, folder, readable })
}

function start(given: CommandStart, box: Box | undefined): Spawned {
  const { claim, plan, folder, port, user, spawn } = given
  return spawn({
    argv: argvOf(given, box),
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    box,
    env: {
      ...plan.env,
      PORT: String(port),
      SOJOURN_BACKEND: claim.backend,
      SOJOURN_KEY: claim.key,
      ...(user !== undefined && { SOJOURN_USER: user }),
    },
  })
}

function argvOf(
  { claim, plan, port, relay }: CommandStart,
  box: Box | undefined,
): readonly string[] {
  const command = plan.command.map((part) =>
    part.replaceAll('{port}', String(port)).replaceAll('{key}', claim.key),
  )
  if (!box || plan.sandbox?.network) return command
  return [process.execPath, relay, box.socket, String(port), ...command]
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
