/**
 * One live instance: runs turns, makes each durable, then lets it be seen. It does no I/O of its
 * own: sockets, the journal and time are handed in.
 *
 * The gate: a turn's frame, events and result leave only after the journal took the record.
 */
import {
  type Clock,
  type ErrorCode,
  type Log,
  limits,
  type Random,
  SojournError,
  toSojournError,
} from '../../base/core/index.ts'
import {
  type ActionResult,
  type CallerFacts,
  encodeFromInstance,
  type JournalRequest,
  pack,
  type Recovered,
  unpack,
} from '../../base/protocol/index.ts'
import { type Connection, Connections, type Link } from './connections.ts'
import { Conversation } from './conversation.ts'
import type { Backend, Caller, Context } from './define.ts'
import { type History, openHistory } from './history.ts'
import type { JournalWriter } from './journal-pipe.ts'
import { createTurns, type Turns } from './turns.ts'
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
    this.#turns = createTurns(clock)
    const initial = (): object => backend.definition.state({ key })
    const journal: JournalWriter = { write: (request) => this.#write(request) }
    this.history = openHistory({ ...given, journal, initial, guard: this.#turns.guard })
  }

  /** Writes the first snapshot and runs `start`. Nothing may be attached before. */
  async start(): Promise<void> {
    const { recovered, backend } = this.given
    if (!recovered.snapshot && !(await this.history.snapshot()))
      throw new SojournError('STATE_UNSUPPORTED', 'The first state is too large for the journal.')
    const failed = await this.lifecycle(backend.definition.start)
    if (failed) throw failed
  }

  /** Runs `stop` and writes a snapshot. */
  async stop(): Promise<void> {
    await this.lifecycle(this.given.backend.definition.stop)
    await this.turn(() => this.history.close())
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

  /** One turn from queue to gate. */
  turn(work: () => void | Promise<void>): Promise<void> {
    return this.#turns.hold(async () => work())
  }

  /** Runs a handler as a transaction, inside a held turn. */
  async attempt(caller: Caller<unknown> | undefined, run: Run): Promise<Outcome> {
    const events: Uint8Array[] = []
    try {
      const answer = pack(await this.#turns.run(() => run(this.#context(caller, events))))
      if (answer.byteLength > limits.resultBytesMax) {
        throw new SojournError(
          'ACTION_FAILED',
          `The result exceeds ${limits.resultBytesMax} bytes.`,
        )
      }
      // A copy: what was returned may be a part of the state, and will be asked for again later.
      return { value: unpack(answer), section: this.#flush(), events }
    } catch (error) {
      this.history.tracked.rollback()
      const known = toSojournError(error, 'ACTION_FAILED')
      if (known.status >= 500)
        this.given.log.error({ err: error }, 'a turn failed and was rolled back')
      return { error: known, events: [] }
    }
  }

  /** Makes a turn durable, then lets out what it did. */
  async release(
    outcome: Outcome,
    envelope?: Uint8Array,
    to?: Connection,
    results: ActionResult[] = [],
  ): Promise<void> {
    await this.history.append(outcome.section, envelope)
    if (this.#hasDiverged)
      await this.#end(new SojournError('INSTANCE_STOPPED', 'A frame was lost.'))
    if (outcome.section) this.connections.publish(outcome.section, to, results)
    else if (to && results.length > 0) this.connections.say(to, { type: 'results', results })
    for (const event of outcome.events) this.connections.sendAll(event)
  }

  /** Runs a life-cycle handler in a turn of its own; resolves with the error that it threw. */
  async lifecycle(
    run: Run | undefined,
    caller?: Caller<unknown>,
  ): Promise<SojournError | undefined> {
    let failed: SojournError | undefined
    await this.turn(async () => {
      failed = await this.handle(run, caller)
    })
    return failed
  }

  /** The same inside a held turn. */
  async handle(run: Run | undefined, caller?: Caller<unknown>): Promise<SojournError | undefined> {
    if (!run) return undefined
    const outcome = await this.attempt(caller, run)
    await this.release(outcome)
    return outcome.error
  }

  /** The frame of the turn. One that no journal takes fails it, and the process has to start over. */
  #flush(): Uint8Array | undefined {
    const section = this.history.tracked.flush()
    if (!section || section.byteLength <= limits.frameBytesMax) return section
    this.#hasDiverged = true
    throw new SojournError('ACTION_FAILED', `The turn changed ${section.byteLength} bytes at once.`)
  }

  async #write(request: JournalRequest): Promise<void> {
    try {
      await this.given.journal.write(request)
    } catch (error) {
      await this.#end(toSojournError(error))
    }
  }

  /** Nobody may see anything any more, so the turn is never passed on. */
  #end(error: SojournError): Promise<never> {
    this.given.onFatal(error)
    return new Promise(() => {})
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
