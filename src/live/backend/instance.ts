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
  pack,
  type Recovered,
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
  /** A record could not be written: nothing was released, and the process must end at once. */
  readonly onFatal: (error: SojournError) => void
}

/** A handler of the backend, bound to its input. */
export type Run = (ctx: Context<object>) => unknown

/** What a turn leaves behind: all of its changes, or an error and none. */
export interface Outcome {
  readonly error?: SojournError
  readonly value?: unknown
  readonly section?: Uint8Array | undefined
  readonly events: readonly TurnEvent[]
}

interface TurnEvent {
  readonly name: string
  readonly payload: unknown
}

export class Instance {
  readonly given: InstanceStart
  readonly connections: Connections = new Connections()
  readonly history: History
  readonly #turns: Turns

  constructor(given: InstanceStart) {
    const { backend, key, clock } = given
    this.given = given
    this.#turns = createTurns(clock)
    const initial = (): object => backend.definition.state({ key })
    this.history = openHistory({ ...given, initial, guard: this.#turns.guard })
  }

  /** Writes the first snapshot and runs `start`. Nothing may be attached before. */
  async start(): Promise<void> {
    const { recovered, backend } = this.given
    if (!recovered.snapshot) await this.history.snapshot()
    const failed = await this.lifecycle(backend.definition.start)
    if (failed) throw failed
  }

  /** Runs `stop` and writes a snapshot. */
  async stop(): Promise<void> {
    await this.lifecycle(this.given.backend.definition.stop)
    await this.turn(() => this.history.snapshot())
  }

  /**
   * Takes a client's socket in.
   *
   * @throws SojournError `FORBIDDEN` for a grant that fails the backend's schema,
   *   `CONNECTIONS_TOO_MANY` above the limit
   */
  async attach(facts: CallerFacts, link: Link): Promise<Conversation> {
    if (this.connections.size >= limits.connectionsPerInstanceMax) {
      throw new SojournError('CONNECTIONS_TOO_MANY')
    }
    const { definition } = this.given.backend
    const { connection, session, user } = facts
    const grant = await check(definition.grant, facts.grant, 'FORBIDDEN')
    const caller: Caller<unknown> = { connection, session, user, grant }
    return new Conversation(this, caller, link, definition.identity?.(caller))
  }

  /** Closes one connection with a code. */
  close(connection: string, code: ErrorCode): void {
    this.connections.find(connection)?.link.close(code)
  }

  /** One turn from queue to gate. A failed append is fatal: nobody may see anything any more. */
  turn(work: () => void | Promise<void>): Promise<void> {
    return this.#turns.hold(async () => {
      try {
        await work()
      } catch (error) {
        const { code } = toSojournError(error)
        if (code === 'JOURNAL_FENCED' || code === 'HOST_STOPPED')
          this.given.onFatal(toSojournError(error))
        throw error
      }
    })
  }

  /** Runs a handler as a transaction, inside a held turn. */
  async attempt(caller: Caller<unknown> | undefined, run: Run): Promise<Outcome> {
    const events: TurnEvent[] = []
    try {
      const value = (await this.#turns.run(() => run(this.#context(caller, events)))) ?? null
      if (pack(value).byteLength > limits.resultBytesMax) {
        throw new SojournError(
          'ACTION_FAILED',
          `The result exceeds ${limits.resultBytesMax} bytes.`,
        )
      }
      return { value, section: this.history.tracked.flush(), events }
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
    if (outcome.section) this.connections.publish(outcome.section, to, results)
    else if (to && results.length > 0) this.connections.say(to, { type: 'results', results })
    for (const event of outcome.events) this.connections.sayAll({ type: 'event', ...event })
  }

  /** Runs a life-cycle handler in a turn of its own; resolves with the error that it threw. */
  async lifecycle(
    run: Run | undefined,
    caller?: Caller<unknown>,
  ): Promise<SojournError | undefined> {
    let failed: SojournError | undefined
    if (!run) return failed
    await this.turn(async () => {
      const outcome = await this.attempt(caller, run)
      failed = outcome.error
      await this.release(outcome)
    })
    return failed
  }

  #context(caller: Caller<unknown> | undefined, events: TurnEvent[]): Context<object> {
    const { key, clock, log } = this.given
    const turns = this.#turns
    return {
      key,
      clock,
      log,
      state: this.history.tracked.state,
      connections: this.connections.callers(),
      broadcast: (name, payload = null) => {
        turns.guard()
        events.push({ name, payload })
      },
      get caller(): Caller<unknown> {
        if (caller) return caller
        throw new TypeError('ctx.caller: no connection called this turn')
      },
    }
  }
}
