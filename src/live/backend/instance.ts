/**
 * One live instance: runs turns, makes each durable, then lets it be seen. It does no I/O of its
 * own: sockets, the journal and time are handed in.
 *
 * Turns don't wait for the journal, only what they show does: a turn may begin while the record
 * of the one before is still on its way. When a record is refused or lost, the process ends, and
 * nobody has seen what it held.
 */
import {
  type Awaitable,
  type Clock,
  type ErrorCode,
  isThenable,
  type Log,
  limits,
  type Random,
  SojournError,
  toSojournError,
  whenDone,
} from '../../base/core/index.ts'
import {
  type ActionResult,
  type CallerFacts,
  encodeFromInstance,
  pack,
  type Recovered,
  unpack,
} from '../../base/protocol/index.ts'
import { type Connection, Connections, type Link } from './connections.ts'
import { Conversation } from './conversation.ts'
import type { Backend, Caller, Context } from './define.ts'
import { type History, openHistory } from './history.ts'
import type { JournalWriter } from './journal-line.ts'
import { Turns } from './turns.ts'
import { check } from './validate.ts'

/** What an instance is started with. */
export interface InstanceStart {
  readonly backend: Backend
  readonly key: string
  /** The claim under which this instance writes. */
  readonly epoch: number
  readonly nonce: string
  readonly recovered: Recovered
  readonly journal: JournalWriter
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** The state is not what the journal has: nothing is released any more; the process must end. */
  readonly onFatal: (error: SojournError) => void
}

/** A handler of the backend, bound to its input. */
export type Run = (ctx: Context<object>) => unknown

/** What a turn leaves behind: all of its changes, or an error and none. */
export interface Outcome {
  readonly error?: SojournError
  readonly value?: unknown
  readonly section?: Uint8Array | undefined
  /** What was broadcast, encoded. */
  readonly events: readonly Uint8Array[]
}

const noEvents: readonly Uint8Array[] = []

export class Instance {
  readonly given: InstanceStart
  readonly connections: Connections = new Connections()
  readonly history: History
  readonly #turns: Turns
  /** The state holds a change that is not in the journal and can't be taken back. */
  #hasDiverged = false

  constructor(given: InstanceStart) {
    const { backend, key, clock } = given
    this.given = given
    this.#turns = new Turns({
      clock,
      isOpen: () => !this.#hasDiverged && this.history.gate.isOpen,
    })
    const { level = 'process' } = backend.definition
    const initial = (): object => backend.definition.state({ key })
    this.history = openHistory({ ...given, level, initial, guard: this.#turns.guard })
    this.history.gate.onOpen = () => this.#turns.next()
  }

  /** Whether a handler of this instance, or what it set going, is the code that calls. */
  get isCurrent(): boolean {
    return this.#turns.isCurrent
  }

  /** Writes the first snapshot and runs `start`. Nothing may be attached before. */
  async start(): Promise<void> {
    const { recovered, backend } = this.given
    if (!recovered.snapshot && !this.history.snapshot())
      throw new SojournError('STATE_UNSUPPORTED', 'The first state is too large for the journal.')
    const failed = await this.lifecycle(backend.definition.start)
    if (failed) throw failed
    await this.history.gate.passed()
  }

  /** Runs `stop` and writes a snapshot. */
  async stop(): Promise<void> {
    await this.lifecycle(this.given.backend.definition.stop)
    await this.#turns.hold(() => this.history.close())
    await this.history.gate.passed()
  }

  /**
   * Takes a client's socket in.
   *
   * @throws SojournError `FORBIDDEN` for a grant that fails the backend's schema,
   *   `CONNECTIONS_TOO_MANY` above the limit
   */
  async attach(facts: CallerFacts, link: Link): Promise<Conversation> {
    const { definition } = this.given.backend
    const { connection, session, user } = facts
    const grant = await check(definition.grant, facts.grant, 'FORBIDDEN')
    if (this.connections.size >= limits.connectionsPerInstanceMax) {
      throw new SojournError('CONNECTIONS_TOO_MANY')
    }
    const caller: Caller<unknown> = { connection, session, user, grant }
    return new Conversation(this, caller, link, definition.identity?.(caller))
  }

  /** Closes one connection with a code; nothing that it still says counts. */
  close(connection: string, code: ErrorCode): void {
    const found = this.connections.find(connection)
    if (found) this.connections.close(found, code)
  }

  /** One turn, as soon as those before it are over. `work` must not fail. */
  turn(work: () => Awaitable<void>): void {
    this.#turns.take(work)
  }

  /** Runs a handler as a transaction, inside a held turn. Never fails: errors are outcomes. */
  attempt(caller: Caller<unknown> | undefined, run: Run): Awaitable<Outcome> {
    const events: Uint8Array[] = []
    const fail = (error: unknown): Outcome => this.#rollBack(error)
    const finish = (value: unknown): Outcome => {
      try {
        return this.#commit(value, events)
      } catch (error) {
        return fail(error)
      }
    }
    try {
      const value = this.#turns.run(() => run(this.#context(caller, events)))
      return isThenable(value) ? Promise.resolve(value).then(finish, fail) : finish(value)
    } catch (error) {
      return fail(error)
    }
  }

  /** Sends a turn to the journal, and lets out what it did once it is there. */
  release(
    { section, events }: Outcome,
    envelope?: Uint8Array,
    to?: Connection,
    results: ActionResult[] = [],
  ): void {
    const { history, connections } = this
    history.append(section, envelope)
    const isLast = this.#hasDiverged
    history.gate.pass(() => {
      if (isLast) {
        history.gate.shut()
        this.given.onFatal(new SojournError('INSTANCE_STOPPED', 'A frame was lost.'))
        return
      }
      if (section) connections.publish(section, to, results)
      else if (to && results.length > 0) connections.say(to, { type: 'results', results })
      for (const event of events) connections.sendAll(event)
    })
  }

  /** Runs a life-cycle handler in a turn of its own; resolves with the error that it threw. */
  lifecycle(run: Run | undefined, caller?: Caller<unknown>): Promise<SojournError | undefined> {
    return this.#turns.hold(() => this.handle(run, caller))
  }

  /** The same inside a held turn. */
  handle(run: Run | undefined, caller?: Caller<unknown>): Awaitable<SojournError | undefined> {
    if (!run) return undefined
    return whenDone(this.attempt(caller, run), (outcome) => {
      this.release(outcome)
      return outcome.error
    })
  }

  #commit(value: unknown, events: readonly Uint8Array[]): Outcome {
    return { value: copyOf(value), section: this.#flush(), events }
  }

  #rollBack(error: unknown): Outcome {
    this.history.tracked.rollback()
    const known = toSojournError(error, 'ACTION_FAILED')
    if (known.status >= 500)
      this.given.log.error({ err: error }, 'a turn failed and was rolled back')
    return { error: known, events: noEvents }
  }

  /** The frame of the turn. One that no journal takes fails it, and the process has to start over. */
  #flush(): Uint8Array | undefined {
    const section = this.history.tracked.flush()
    if (!section || section.byteLength <= limits.frameBytesMax) return section
    this.#hasDiverged = true
    throw new SojournError('ACTION_FAILED', `The turn changed ${section.byteLength} bytes at once.`)
  }

  #context(caller: Caller<unknown> | undefined, events: Uint8Array[]): Context<object> {
    const { key, clock, log } = this.given
    const { connections } = this
    const turns = this.#turns
    return {
      key,
      clock,
      log,
      state: this.history.tracked.state,
      get connections(): readonly Caller<unknown>[] {
        return connections.callers()
      },
      broadcast: (name, payload = null) => {
        turns.guard()
        // Encoded now: it is sent as it is now, and what can't be sent fails here.
        events.push(encodeFromInstance({ type: 'event', name, payload }))
      },
      get caller(): Caller<unknown> {
        if (caller) return caller
        throw new TypeError('ctx.caller: no connection called this turn')
      },
    }
  }
}

/** What was returned may be a part of the state, and will be asked for again later. */
function copyOf(value: unknown): unknown {
  if (value === undefined || value === null || typeof value === 'number') return value ?? null
  const answer = pack(value)
  if (answer.byteLength <= limits.resultBytesMax) return unpack(answer)
  throw new SojournError('ACTION_FAILED', `The result exceeds ${limits.resultBytesMax} bytes.`)
}
