/** What one connection says to its instance: the hello, then actions, presence, inputs and pings. */
import {
  type Awaitable,
  isThenable,
  limits,
  newId,
  SojournError,
  toSojournError,
  whenDone,
} from '../../base/core/index.ts'
import {
  type ActionResult,
  type FromClient,
  type ParkedFacts,
  parseFromClient,
  protocolVersion,
} from '../../base/protocol/index.ts'
import type { Connection, Link } from './connections.ts'
import type { Caller, Context } from './define.ts'
import { Effects } from './effects.ts'
import type { Instance, Outcome } from './instance.ts'
import { check } from './validate.ts'

/** What is said on one socket. */
export interface Talk {
  /** Takes a message of the client. */
  message(bytes: Uint8Array, isBinary: boolean): void
  /** The socket has closed. */
  closed(): void
  /** What to keep of it while its socket is parked; `undefined` when it can't be. */
  park(): ParkedFacts | undefined
}

type Hello = Extract<FromClient, { type: 'hello' }>
type Act = Extract<FromClient, { type: 'action' }>

export class Conversation implements Talk {
  readonly #instance: Instance
  readonly #connection: Connection
  readonly #cancelHelloTimer: () => void
  #greeted = false
  /** Whether the backend's `connect` has let it in, so that `disconnect` is owed. */
  #admitted = false
  #actionsOpen = 0

  constructor(instance: Instance, caller: Caller<unknown>, link: Link, identity: unknown) {
    this.#instance = instance
    this.#connection = { caller, link, identity, inputs: [], phase: 'arrived' }
    this.#cancelHelloTimer = instance.given.clock.after(limits.helloMs, () => {
      if (!this.#greeted) instance.connections.close(this.#connection, 'CLIENT_TOO_SLOW')
    })
    instance.connections.add(this.#connection)
  }

  /** What to keep of a connection that nothing is owed to; `undefined` for others. */
  park(): ParkedFacts | undefined {
    const { client, caller, presence, phase } = this.#connection
    if (phase !== 'welcome' || client === undefined || this.#actionsOpen > 0) return undefined
    const { attachment } = caller
    const cursor = this.#instance.history.tail.head
    return { client, presence: presence ?? null, attachment, cursor }
  }

  /** Goes on where an earlier process left it: the client is told of the new claim, and no more. */
  unpark({ client, presence, cursor }: ParkedFacts): void {
    const { connections, history, given } = this.#instance
    const connection = this.#connection
    this.#greeted = true
    this.#admitted = true
    connection.client = client
    connection.presence = presence
    connection.phase = 'entered'
    const missed = history.tail.after(cursor)
    const sections = missed?.map((frame) => frame.bytes) ?? [history.tracked.snapshot()]
    history.gate.pass(() => {
      if (this.#isGone()) return
      const { epoch, nonce } = given
      connections.say(connection, { type: 'claim', epoch, nonce })
      for (const bytes of sections)
        connections.say(connection, { type: 'state', results: [], bytes })
      connection.phase = 'welcome'
    })
  }

  /** Takes a message of the client; one that breaks the protocol closes the connection. */
  message(bytes: Uint8Array): void {
    // It was closed, but its client goes on talking.
    if (this.#connection.phase !== 'left') this.#guarded(() => this.#take(parseFromClient(bytes)))
  }

  /** The socket has closed. */
  closed(): void {
    const { connections, given } = this.#instance
    this.#cancelHelloTimer()
    connections.remove(this.#connection)
    const { disconnect } = given.backend.definition
    if (!disconnect) return
    this.#instance
      .lifecycle((ctx) => this.#admitted && disconnect(ctx), this.#connection)
      .catch((error) => given.log.warn({ err: error }, 'a disconnect had no turn'))
  }

  /** Whatever fails in here closes the connection with its code. */
  #guarded(work: () => Awaitable<void>): Awaitable<void> {
    const fail = (error: unknown): void =>
      this.#instance.connections.close(this.#connection, toSojournError(error).code)
    try {
      const done = work()
      return isThenable(done) ? Promise.resolve(done).catch(fail) : undefined
    } catch (error) {
      fail(error)
    }
  }

  /** The same for work that needs the turn. */
  #turn(work: () => Awaitable<void>): void {
    this.#instance.turn(() => this.#guarded(work))
  }

  #take(said: FromClient): Awaitable<void> {
    switch (said.type) {
      case 'ping':
        this.#instance.connections.say(this.#connection, {
          type: 'pong',
          sentMs: said.sentMs,
          serverMs: this.#instance.given.clock.nowMs(),
        })
        break
      case 'hello':
        this.#greet(said)
        break
      case 'presence':
        this.#needsEntry()
        return this.#present(said.value)
      case 'input':
        this.#needsEntry()
        return this.#input(said.value)
      case 'action':
        this.#needsEntry()
        this.#act(said)
        break
      default:
        said satisfies never
    }
  }

  #needsEntry(): void {
    if (this.#connection.phase === 'arrived')
      throw new SojournError('MESSAGE_MALFORMED', 'The welcome comes first.')
  }

  #greet(hello: Hello): void {
    if (this.#greeted) throw new SojournError('MESSAGE_MALFORMED', 'A hello comes once.')
    this.#greeted = true
    if (hello.version !== protocolVersion) throw new SojournError('PROTOCOL_UNSUPPORTED')
    this.#turn(() => this.#enter(hello))
  }

  /** One turn from `connect` to the welcome: nothing is between them. */
  #enter(hello: Hello): Awaitable<void> {
    if (this.#isGone()) return undefined
    const { connect } = this.#instance.given.backend.definition
    return whenDone(this.#instance.handle(connect, this.#connection), (refused) => {
      if (refused) throw refused
      this.#admitted = true
      if (!this.#isGone()) this.#welcome(hello)
    })
  }

  #isGone(): boolean {
    return this.#connection.phase === 'left'
  }

  /** Says where the state stands and brings the client there: missed frames, or a snapshot. */
  #welcome({ client, acked, cursor }: Hello): void {
    const { history, connections, given } = this.#instance
    const { results, tail, tracked } = history
    const connection = this.#connection
    const known = client !== undefined && results.accepts(this.#remembered(client), acked)
    const id = known ? client : results.issue(newId('', given.random))
    connection.client = id
    connection.phase = 'entered'
    const { head } = tail
    const missed = cursor && tail.after(cursor)
    const sections = missed?.map((frame) => frame.bytes) ?? [tracked.snapshot()]
    history.gate.pass(() => {
      if (this.#isGone()) return
      connections.say(connection, {
        type: 'welcome',
        version: protocolVersion,
        connection: connection.caller.connection,
        client: id,
        epoch: given.epoch,
        nonce: given.nonce,
        head,
        resumed: missed !== undefined,
        presence: connections.presence(),
      })
      for (const bytes of sections)
        connections.say(connection, { type: 'state', results: [], bytes })
      connection.phase = 'welcome'
      connections.show(connection)
    })
  }

  /** Runs an action once: sent again, it is answered from the record. */
  #act(act: Act): void {
    if (this.#actionsOpen >= limits.actionsOpenMax) throw new SojournError('ACTIONS_TOO_MANY')
    this.#actionsOpen += 1
    const answered = (): void => {
      this.#actionsOpen -= 1
    }
    this.#turn(() => whenDone(this.#answer(act), () => this.#instance.history.gate.pass(answered)))
  }

  #answer({ n, acked, name, input }: Act): Awaitable<void> {
    const { history, connections } = this.#instance
    const { client = '' } = this.#connection
    const remembered = this.#remembered(client)
    const recorded = history.results.answer(remembered, n, acked)
    if (recorded) {
      // The record of the first run may still be on its way.
      const results = [recorded]
      history.gate.pass(() => connections.say(this.#connection, { type: 'results', results }))
      return undefined
    }
    const effects = new Effects(history.alarms, this.#connection)
    const outcome = this.#instance.attempt(effects, (ctx) => this.#perform(name, ctx, input))
    return whenDone(outcome, (outcome) => {
      const result = resultOf(n, outcome)
      this.#instance.complain(outcome)
      this.#instance.release(outcome, {
        to: this.#connection,
        result,
        recorded: history.results.record(remembered, result),
      })
    })
  }

  #perform(name: string, ctx: Context<object>, input: unknown): unknown {
    const { actions } = this.#instance.given.backend
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined
    if (!action) throw new SojournError('ACTION_UNKNOWN', `There is no action ${name}.`)
    const checked = check(action.schema, input, 'ACTION_INVALID')
    return whenDone(checked, (value) => action.handler(ctx, value as never) as Awaitable<unknown>)
  }

  #present(value: unknown): Awaitable<void> {
    const { connections, given } = this.#instance
    const schema = value === null ? undefined : given.backend.definition.presence
    return whenDone(check(schema, value, 'MESSAGE_MALFORMED'), (checked) => {
      if (!connections.setPresence(this.#connection, checked))
        throw new SojournError('MESSAGE_TOO_LARGE')
    })
  }

  #input(value: unknown): Awaitable<void> {
    const { connections, given } = this.#instance
    const schema = given.backend.definition.tick?.input
    if (!schema) throw new SojournError('MESSAGE_MALFORMED', 'This backend takes no inputs.')
    return whenDone(check(schema, value, 'MESSAGE_MALFORMED'), (checked) =>
      connections.addInput(this.#connection, checked),
    )
  }

  /** Results are remembered per session, so that a client id seen elsewhere is of no use. */
  #remembered(client: string): string {
    return `${this.#connection.caller.session ?? ''}/${client}`
  }
}

function resultOf(n: number, { error, value }: Outcome): ActionResult {
  if (!error) return { n, ok: true, value }
  return { n, ok: false, code: error.code, message: error.message.slice(0, limits.refusalCharsMax) }
}
