/** One instance as its host sees it: a process, the sockets in it, its journal pipe, its life. */
import type { ChildProcess } from 'node:child_process'
import type { Duplex } from 'node:stream'
import {
  type Clock,
  type ErrorCode,
  type Log,
  limits,
  logVia,
  SojournError,
} from '../../base/core/index.ts'
import {
  type Claim,
  encodeJournalReply,
  type HostToInstance,
  type InstanceToHost,
  type JournalReply,
  parseJournalRequest,
  type Recovered,
  type SocketFacts,
  type StopReason,
  splitMessages,
} from '../../base/protocol/index.ts'
import type { Journal, JournalEntry } from './journal.ts'
import type { Launch } from './launch.ts'
import { onLines } from './lines.ts'
import { HeldSockets, type SocketHandle } from './sockets.ts'

/** Life moves forward only. */
const phases = ['starting', 'ready', 'stopping', 'stopped'] as const
export type Phase = (typeof phases)[number]

export interface ProcessStart {
  readonly claim: Claim
  readonly module: string
  readonly env: Readonly<Record<string, string>>
  readonly idleAfterMs: number
  readonly recovered: Recovered
  readonly journal: Journal
  readonly launch: Launch
  readonly clock: Clock
  readonly log: Log
  /** What the door has to know of connections. */
  readonly tell: (
    message: Extract<InstanceToHost, { type: 'adopted' | 'closed' | 'active' }>,
  ) => void
}

export class InstanceProcess {
  /** Resolves when connections may be handed over; rejects with `INSTANCE_START_FAILED`. */
  readonly ready: Promise<void>
  /** Resolves when the process is gone. */
  readonly stopped: Promise<StopReason>
  readonly #given: ProcessStart
  readonly #child: ChildProcess
  readonly #sockets: HeldSockets
  readonly #log: Log
  #phase: Phase = 'starting'
  /** Why it was ended; the first reason counts, and a process that ended by itself has none. */
  #reason: StopReason | undefined
  #cancelIdle = (): void => {}

  constructor(given: ProcessStart) {
    const { claim, clock, launch, log, tell } = given
    const { child, journal, outputs } = launch(given.env)
    this.#given = given
    this.#child = child
    const tags = { backend: claim.backend, key: claim.key, pid: child.pid }
    this.#log = logVia((level, facts, message) => log[level]({ ...tags, ...facts }, message))
    this.#sockets = new HeldSockets(clock, (connection) => {
      tell({ type: 'closed', connection })
      this.#watchIdle()
    })
    for (const output of outputs) onLines(output, (line) => this.#log.info({}, line))
    this.#serveJournal(journal)
    this.stopped = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(this.#gone(code, signal)))
      // Also told of a process that runs; only one that never did has no id.
      child.on('error', () => child.pid === undefined && resolve(this.#gone(null, null)))
    })
    this.ready = this.#waitUntilReady()
    this.ready.catch(() => {})
    child.on('message', (message: InstanceToHost) => this.#hear(message))
    const { module, recovered } = given
    const { backend, key, epoch, nonce } = claim
    this.#say({ type: 'start', name: { backend, key }, module, epoch, nonce, recovered })
  }

  get phase(): Phase {
    return this.#phase
  }

  /** Hands a socket over. Only while `ready`. */
  connect(socket: SocketFacts, handle: SocketHandle): void {
    this.#cancelIdle()
    this.#sockets.hold(socket.caller.connection, handle)
    // keepOpen: our descriptor stays ours until the process has closed its own.
    this.#child.send({ type: 'connect', socket }, handle as never, { keepOpen: true }, () => {})
  }

  /** Has connections closed with a code; cuts those that the process does not close in time. */
  close(connections: readonly string[], code: ErrorCode): void {
    this.#say({ type: 'close', connections, code })
    for (const connection of connections) this.#sockets.closing(connection)
  }

  /** Orderly end: the process writes a snapshot; killed after `stopMs`. */
  stop(reason: StopReason): void {
    if (!this.#move('stopping')) return
    this.#reason = reason
    this.#cancelIdle()
    this.#say({ type: 'stop' })
    this.#given.clock.after(limits.stopMs, () => this.#child.kill('SIGKILL'))
  }

  kill(reason: StopReason): void {
    if (this.#phase === 'stopped') return
    this.#move('stopping')
    this.#reason ??= reason
    this.#cancelIdle()
    this.#child.kill('SIGKILL')
  }

  #move(phase: Phase): boolean {
    if (phases.indexOf(phase) <= phases.indexOf(this.#phase)) return false
    this.#phase = phase
    return true
  }

  #say(message: HostToInstance): void {
    if (this.#child.connected) this.#child.send(message, () => {})
  }

  #waitUntilReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        cancel()
        if (this.#phase === 'starting') this.kill('start-failed')
        reject(new SojournError('INSTANCE_START_FAILED', why))
      }
      const cancel = this.#given.clock.after(limits.startMs, () =>
        fail('It was not ready in time.'),
      )
      this.stopped.then(() => fail('It ended while starting.'))
      this.#child.on('message', (message: InstanceToHost) => {
        if (message.type === 'failed') fail('It failed while starting.')
        if (message.type !== 'ready') return
        cancel()
        this.#move('ready')
        this.#watchIdle()
        resolve()
      })
    })
  }

  #hear(message: InstanceToHost): void {
    switch (message.type) {
      case 'adopted':
        if (this.#sockets.adopted(message.connection)) this.#given.tell(message)
        // Cut meanwhile, so nobody counts it any more: it must not go on unseen.
        else this.close([message.connection], 'CONNECTION_CLOSED')
        break
      case 'closed':
        if (this.#sockets.closed(message.connection)) this.#given.tell(message)
        this.#watchIdle()
        break
      case 'active':
        this.#given.tell(message)
        break
      case 'log':
        this.#log[message.level](message.facts, message.message)
        break
      case 'failed':
        this.#log.error({}, message.message)
        break
      case 'ready':
        break
      default:
        message satisfies never
    }
  }

  #watchIdle(): void {
    this.#cancelIdle()
    if (this.#phase !== 'ready' || this.#sockets.size > 0) return
    this.#cancelIdle = this.#given.clock.after(this.#given.idleAfterMs, () => this.stop('idle'))
  }

  #serveJournal(pipe: Duplex): void {
    const reply = (type: JournalReply['type'], seq: number): void => {
      pipe.write(encodeJournalReply({ type, seq }))
    }
    const take = splitMessages((bytes) => {
      const { type, ...entry } = parseJournalRequest(bytes)
      this.#write(type, entry).then(
        (written) => reply(written ? 'appended' : 'fenced', entry.seq),
        (error) => {
          this.#log.error({ err: error }, 'the journal does not answer')
          reply('failed', entry.seq)
        },
      )
    })
    pipe.on('error', () => {})
    pipe.on('data', (chunk: Uint8Array) => {
      try {
        take(chunk)
      } catch (error) {
        this.#log.error({ err: error }, 'the process broke the journal protocol')
        this.kill('crashed')
      }
    })
  }

  async #write(type: 'append' | 'snapshot', entry: JournalEntry): Promise<boolean> {
    const { journal, claim } = this.#given
    const [written = false] = await journal.write([{ claim, type, entry }])
    if (!written) this.kill('fenced')
    return written
  }

  #gone(code: number | null, signal: NodeJS.Signals | null): StopReason {
    const reason = this.#reason ?? 'crashed'
    this.#move('stopped')
    this.#cancelIdle()
    this.#sockets.cutAll()
    const level =
      reason === 'idle' || reason === 'requested' || reason === 'host-drain' ? 'info' : 'warn'
    this.#log[level]({ reason, code, signal }, 'instance stopped')
    return reason
  }
}
