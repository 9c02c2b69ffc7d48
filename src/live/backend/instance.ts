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
  pack,
  type Recovered,
  unpack,
} from '../../base/protocol/index.ts'
import { Awake } from './awake.ts'
import { type Connection, Connections, type Link } from './connections.ts'
import { type Surroundings, TurnContext } from './context.ts'
import { Conversation } from './conversation.ts'
import type { Backend, Caller, Context } from './define.ts'
import { type Actor, attachable, Effects } from './effects.ts'
import { History } from './history.ts'
import type { JournalWriter } from './journal-line.ts'
import { Ringing } from './ringing.ts'
import { Ticker } from './ticker.ts'
import { Turns } from './turns.ts'
import { check } from './validate.ts'

/** What an instance is started with. */
export interface InstanceStart {
  readonly backend: Backend
  readonly key: string
  /** The working folder of the key; `undefined` where nothing is kept. */
  readonly folder: string | undefined
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
  /** Work outside of turns began to keep the instance awake, or has ended. */
  readonly onAwake: (isAwake: boolean) => void
}

/** A handler of the backend, bound to its input. */
export type Run = (ctx: Context<object>) => unknown

/** What a turn leaves behind: all of its changes, or an error and none. */
export interface Outcome {
  readonly error?: SojournError
  readonly value?: unknown
  readonly section?: Uint8Array | undefined
  readonly effects: Effects
}

/** The answer to an action, and how it is remembered. */
export interface Answer {
  readonly to: Connection
  readonly result: ActionResult
  readonly recorded: unknown
}

export class Instance {
  readonly given: InstanceStart
  readonly connections: Connections = new Connections()
  readonly history: History
  readonly #turns: Turns
  readonly #surroundings: Surroundings
  readonly #awake: Awake
  readonly #ringing: Ringing
  readonly #ticker: Ticker | undefined
  /** The state holds a change that is not in the journal and can't be taken back. */
  #hasDiverged = false
  /** Its last turn is over. */
  #isOver = false

  constructor(given: InstanceStart) {
    const { backend, key, folder, clock, log } = given
    this.given = given
    this.#turns = new Turns({
      clock,
      isOpen: () => !this.#hasDiverged && !this.#isOver && this.history.gate.isOpen,
    })
    const { level = 'process' } = backend.definition
    const initial = (): object => backend.definition.state({ key })
    this.history = new History({ ...given, level, initial, guard: this.#turns.guard })
    this.history.gate.onOpen = () => this.#turns.next()
    this.#awake = new Awake({ log, onChange: given.onAwake })
    this.#surroundings = {
      ...{ backend, key, folder, clock, log },
      state: this.history.tracked.state,
      connections: this.connections,
      guard: this.#turns.guard,
      keepAwake: this.#awake.keep,
    }
    this.#ringing = new Ringing(this)
    this.#ticker = this.#newTicker()
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
    this.#ringing.arm()
    this.#ticker?.set(backend.definition.tick?.whenEmpty === true)
  }

  /**
   * Ends it: one turn that calls `begin`, runs `stop` and writes a snapshot; none comes after it.
   */
  async stop(begin = (): void => {}): Promise<void> {
    const { history, given } = this
    this.#ringing.stop()
    this.#ticker?.stop()
    await this.#turns.hold(async () => {
      begin()
      await this.handle(given.backend.definition.stop)
      history.close()
      this.#isOver = true
    })
    await history.gate.passed()
  }

  /** Runs `disconnect` for connections that closed while nothing ran. */
  async part(parted: readonly CallerFacts[]): Promise<void> {
    const { disconnect } = this.given.backend.definition
    for (const facts of parted) {
      await this.lifecycle(disconnect, { caller: await this.callerOf(facts) })
      this.connections.sayAll({ type: 'left', connection: facts.connection })
    }
  }

  /**
   * Takes a client's socket in.
   *
   * @throws SojournError `FORBIDDEN` for a grant that fails the backend's schema,
   *   `CONNECTIONS_TOO_MANY` above the limit; what the backend's `attachment` throws
   */
  async attach(facts: CallerFacts, link: Link): Promise<Conversation> {
    const { definition } = this.given.backend
    const caller = await this.callerOf(facts)
    if (this.connections.size >= limits.connectionsPerInstanceMax) {
      throw new SojournError('CONNECTIONS_TOO_MANY')
    }
    return new Conversation(this, caller, link, definition.identity?.(caller))
  }

  /** A caller with a checked grant; throws `FORBIDDEN` for one that the backend's schema refuses. */
  async callerOf(facts: CallerFacts): Promise<Caller<unknown>> {
    const { definition } = this.given.backend
    const { connection, session, user, attachment } = facts
    const grant = await check(definition.grant, facts.grant, 'FORBIDDEN')
    const visitor = { connection, session, user, grant }
    const kept = attachment === undefined ? definition.attachment?.(visitor) : attachment
    return { ...visitor, attachment: attachable(kept) }
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
  attempt(effects: Effects, run: Run): Awaitable<Outcome> {
    const fail = (error: unknown): Outcome => this.#rollBack(error, effects)
    const finish = (value: unknown): Outcome => {
      try {
        return { value: copyOf(value), section: this.#flush(), effects }
      } catch (error) {
        return fail(error)
      }
    }
    try {
      const value = this.#turns.run(
        () => run(new TurnContext(this.#surroundings, effects)),
        effects,
      )
      return isThenable(value) ? Promise.resolve(value).then(finish, fail) : finish(value)
    } catch (error) {
      return fail(error)
    }
  }

  /** Sends a turn to the journal, and lets out what it did once it is there. */
  release({ section, effects }: Outcome, answer?: Answer): void {
    const { history, connections } = this
    const { alarms, events } = effects
    history.append({ section, result: answer?.recorded, alarms })
    if (alarms) this.#ringing.arm()
    const isLast = this.#hasDiverged
    history.gate.pass(() => {
      if (isLast) {
        history.gate.shut()
        this.given.onFatal(new SojournError('INSTANCE_STOPPED', 'A frame was lost.'))
        return
      }
      if (section) connections.publish(section, answer?.to, answer && [answer.result])
      else if (answer) connections.say(answer.to, { type: 'results', results: [answer.result] })
      for (const event of events) connections.sendAll(event)
      effects.show()
    })
  }

  /** Shows something when it may be seen: in a turn, once that is durable, if it succeeds. */
  show(run: () => void): void {
    const effects = this.#turns.effects()
    if (effects) effects.afterwards(run)
    else this.history.gate.pass(run)
  }

  /** The instance is not idle before the promise settles. */
  keepAwake(promise: Promise<unknown>): void {
    this.#awake.keep(promise)
  }

  /** Runs a life-cycle handler in a turn of its own; resolves with the error that it threw. */
  lifecycle(run: Run | undefined, actor?: Actor): Promise<SojournError | undefined> {
    return this.#turns.hold(() => this.handle(run, actor))
  }

  /** The same, resolved once what it did is durable. */
  async settled(run: Run, actor?: Actor): Promise<SojournError | undefined> {
    const failed = await this.lifecycle(run, actor)
    await this.history.gate.passed()
    return failed
  }

  /** The same inside a held turn. */
  handle(run: Run | undefined, actor?: Actor): Awaitable<SojournError | undefined> {
    if (!run) return undefined
    return whenDone(this.attempt(new Effects(this.history.alarms, actor), run), (outcome) => {
      this.complain(outcome)
      this.release(outcome)
      return outcome.error
    })
  }

  /** Logs a failure that is not the caller's. */
  complain({ error }: Outcome): void {
    if (error && error.status >= 500)
      this.given.log.error({ err: error.cause ?? error }, 'a turn failed and was rolled back')
  }

  #rollBack(error: unknown, effects: Effects): Outcome {
    this.history.tracked.rollback()
    effects.rollBack()
    return { error: toSojournError(error, 'ACTION_FAILED'), effects }
  }

  #newTicker(): Ticker | undefined {
    const { clock, log, backend } = this.given
    const { tick } = backend.definition
    if (!tick) return undefined
    const ticker = new Ticker({
      ...{ clock, log, everyMs: tick.everyMs },
      turn: (work) => this.turn(work),
      run: (step) => {
        const inputs = this.connections.takeInputs()
        const run = (ctx: Context<object>): unknown =>
          whenDone(tick.run(ctx, { ...step, inputs }), () => null)
        return whenDone(this.attempt(new Effects(this.history.alarms), run), (outcome) => {
          this.release(outcome)
          return outcome.error
        })
      },
    })
    this.connections.onChange = (isEmpty) => {
      ticker.set(!isEmpty || tick.whenEmpty === true)
      // Who is connected watches it go on, also without a word.
      if (isEmpty) this.#awake.end()
      else this.#awake.begin()
    }
    return ticker
  }

  /** The frame of the turn. One that no journal takes fails it, and the process has to start over. */
  #flush(): Uint8Array | undefined {
    const section = this.history.tracked.flush()
    if (!section || section.byteLength <= limits.frameBytesMax) return section
    this.#hasDiverged = true
    throw new SojournError('ACTION_FAILED', `The turn changed ${section.byteLength} bytes at once.`)
  }
}

/** What was returned may be a part of the state, and will be asked for again later. */
function copyOf(value: unknown): unknown {
  if (value === undefined || value === null || typeof value === 'number') return value ?? null
  const answer = pack(value)
  if (answer.byteLength <= limits.resultBytesMax) return unpack(answer)
  throw new SojournError('ACTION_FAILED', `The result exceeds ${limits.resultBytesMax} bytes.`)
}
