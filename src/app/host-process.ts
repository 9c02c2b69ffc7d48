/** The application's end of the host process: starts it, speaks with it, starts it again. */
import { type ChildProcess, fork } from 'node:child_process'
import { type Clock, type ErrorCode, type Log, limits, SojournError } from '../base/core/index.ts'
import type {
  BackendPlan,
  DoorToHost,
  HostAnswer,
  HostQuestion,
  HostToDoor,
  InstanceName,
  SocketFacts,
  StatusChange,
} from '../base/protocol/index.ts'
import type { HostLink, Located } from '../live/gateway/gateway.ts'
import { Asks } from './asks.ts'
import { Locations } from './locations.ts'
import { entry } from './modules.ts'

export type Word = Extract<HostToDoor, { type: 'adopted' | 'refused' | 'closed' | 'active' }>

export interface HostProcessOptions {
  readonly data: string
  readonly backends: Readonly<Record<string, BackendPlan>>
  readonly clock: Clock
  readonly log: Log
  readonly onWord: (word: Word) => void
  /** An instance has come to another phase of its life. */
  readonly onStatus: (change: StatusChange) => void
  /** Every connection and every instance went with the host. */
  readonly onLost: () => void
}

interface Question {
  readonly resolve: (located: Located) => void
  readonly reject: (error: SojournError) => void
}

const restartPauseMs = 250

export class HostProcess implements HostLink {
  readonly #options: HostProcessOptions
  readonly #asks: Asks<HostAnswer>
  readonly #locations: Locations
  #child: ChildProcess | undefined
  #ready = false
  /** Bounded by the requests that the door lets wait. */
  readonly #questions = new Map<number, Question>()
  #lastQuestion = 0
  #stopping = false

  constructor(options: HostProcessOptions) {
    this.#options = options
    this.#asks = new Asks(options.clock)
    const locate: HostLink['locate'] = (name, user) => this.#locate(name, user)
    this.#locations = new Locations({ clock: options.clock, locate })
  }

  /** Resolves when the host owns the data folder; rejects with `DATA_IN_USE` and the like. */
  start(): Promise<void> {
    const { data, backends } = this.#options
    const child = fork(entry('./host-main', import.meta.url), {
      serialization: 'advanced',
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    this.#child = child
    this.#say({ type: 'configure', data, backends })
    return new Promise((resolve, reject) => {
      child.once('exit', () => {
        this.#lost()
        reject(new SojournError('HOST_STOPPED', 'The host process ended while starting.'))
      })
      child.on('error', (error) => {
        reject(new SojournError('HOST_STOPPED', undefined, { cause: error }))
      })
      child.on('message', (message: HostToDoor) => {
        if (message.type === 'failed') {
          child.kill('SIGKILL')
          reject(new SojournError(message.code, message.message))
        } else if (message.type === 'ready') {
          this.#ready = true
          resolve()
        } else {
          this.#hear(message)
        }
      })
    })
  }

  connect(name: InstanceName, socket: SocketFacts, handle: object): void {
    const { connection } = socket.caller
    const refuse = (): void =>
      this.#options.onWord({ type: 'refused', connection, code: 'HOST_STOPPED' })
    if (!this.#ready || !this.#child) {
      queueMicrotask(refuse)
      return
    }
    // keepOpen: until the instance has adopted the socket, ours is the one that can still answer.
    this.#child.send(
      { type: 'connect', name, socket } satisfies DoorToHost,
      handle as never,
      { keepOpen: true },
      (error) => {
        if (error) refuse()
      },
    )
  }

  close(connections: readonly string[], code: ErrorCode): void {
    this.#say({ type: 'close', connections, code })
  }

  /** Finds or starts the instance, and keeps it awake until it is released. */
  locate(name: InstanceName, user: string | undefined): Promise<Located> {
    return this.#locations.locate(name, user)
  }

  #locate(name: InstanceName, user: string | undefined): Promise<Located> {
    if (!this.#ready) return Promise.reject(new SojournError('HOST_STOPPED'))
    this.#lastQuestion += 1
    const id = this.#lastQuestion
    return new Promise((resolve, reject) => {
      this.#questions.set(id, { resolve, reject })
      this.#say({ type: 'locate', id, name, ...(user !== undefined && { user }) })
    })
  }

  #found(message: Extract<HostToDoor, { type: 'located' | 'unlocated' }>): void {
    const { id } = message
    const question = this.#questions.get(id)
    this.#questions.delete(id)
    if (message.type === 'unlocated') {
      question?.reject(new SojournError(message.code))
      return
    }
    const { address, instance } = message
    question?.resolve({ address, instance, release: () => this.#say({ type: 'release', id }) })
  }

  /**
   * Asks about one instance.
   *
   * @throws SojournError `HOST_STOPPED` when the host is not there or does not answer within
   *   `limits.hostAnswerMs`, `ACTIONS_TOO_MANY` when too many answers are owed
   */
  async ask(what: HostQuestion['what'], name: InstanceName): Promise<HostAnswer> {
    if (!this.#ready) throw new SojournError('HOST_STOPPED')
    return this.#asks.put((ask) => this.#say({ type: 'ask', ask, what, name }))
  }

  /** Ends all instances in good order, then the host; kills what is left after `limits.drainMs`. */
  stop(): Promise<void> {
    this.#stopping = true
    const child = this.#child
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null)
      return Promise.resolve()
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    this.#say({ type: 'stop' })
    this.#options.clock.after(limits.drainMs, () => child.kill('SIGKILL'))
    return gone
  }

  #hear(message: Exclude<HostToDoor, { type: 'ready' | 'failed' }>): void {
    const { log, onStatus, onWord } = this.#options
    switch (message.type) {
      case 'log':
        log[message.level](message.facts, message.message)
        break
      case 'status': {
        const { type: _, ...change } = message
        if (change.phase === 'stopping' || change.phase === 'stopped')
          this.#locations.forget(change)
        onStatus(change)
        break
      }
      case 'answer':
        this.#asks.answer(message.ask, message)
        break
      case 'located':
      case 'unlocated':
        this.#found(message)
        break
      default:
        onWord(message)
    }
  }

  #say(message: DoorToHost): void {
    if (this.#child?.connected) this.#child.send(message, () => {})
  }

  #lost(): void {
    const served = this.#ready
    this.#ready = false
    for (const { reject } of this.#questions.values()) reject(new SojournError('HOST_STOPPED'))
    this.#questions.clear()
    this.#locations.forgetAll()
    if (!served) return
    this.#asks.fail()
    this.#options.onLost()
    if (this.#stopping) return
    this.#options.log.error({}, 'the host process ended; starting another')
    this.#restart()
  }

  #restart(): void {
    const { clock, log } = this.#options
    clock.after(restartPauseMs, () => {
      if (this.#stopping) return
      this.start().catch((error) => {
        log.error({ err: error }, 'the host process did not start')
        this.#restart()
      })
    })
  }
}
