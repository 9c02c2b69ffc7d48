/** What one connection says to its instance: the hello, then actions, presence and pings. */
import { limits, newId, SojournError, toSojournError } from '../../base/core/index.ts'
import {
  type ActionResult,
  type FromClient,
  parseFromClient,
  protocolVersion,
} from '../../base/protocol/index.ts'
import type { Connection, Link } from './connections.ts'
import type { Caller, Context } from './define.ts'
import type { Instance, Outcome } from './instance.ts'
import { check } from './validate.ts'

type Hello = Extract<FromClient, { type: 'hello' }>
type Act = Extract<FromClient, { type: 'action' }>

export class Conversation {
  readonly #instance: Instance
  readonly #connection: Connection
  readonly #cancelHelloTimer: () => void
  #greeted = false
  /** Whether the backend's `connect` has let it in, so that `disconnect` is owed. */
  #admitted = false
  #actionsOpen = 0

  constructor(instance: Instance, caller: Caller<unknown>, link: Link, identity: unknown) {
    this.#instance = instance
    this.#connection = { caller, link, identity, phase: 'arrived' }
    this.#cancelHelloTimer = instance.given.clock.after(limits.helloMs, () => {
      if (!this.#greeted) instance.connections.close(this.#connection, 'CLIENT_TOO_SLOW')
    })
    instance.connections.add(this.#connection)
  }

  /** Takes a message of the client; one that breaks the protocol closes the connection. */
  message(bytes: Uint8Array): void {
    const { connections } = this.#instance
    const fail = (error: unknown): void =>
      connections.close(this.#connection, toSojournError(error).code)
    // It was closed, but its client goes on talking.
    if (this.#connection.phase === 'left') return
    try {
      this.#take(parseFromClient(bytes))?.catch(fail)
    } catch (error) {
      fail(error)
    }
  }

  /** The socket has closed. */
  closed(): void {
    const { connections, given } = this.#instance
    this.#cancelHelloTimer()
    connections.remove(this.#connection)
    this.#instance
      .turn(async () => {
        const { disconnect } = given.backend.definition
        if (this.#admitted) await this.#instance.handle(disconnect, this.#connection.caller)
      })
      .catch((error) => given.log.warn({ err: error }, 'a disconnect had no turn'))
  }

  #take(said: FromClient): Promise<void> | undefined {
    if (said.type === 'ping') {
      this.#instance.connections.say(this.#connection, { type: 'pong' })
      return undefined
    }
    if (said.type === 'hello') return this.#greet(said)
    if (this.#connection.phase !== 'entered')
      throw new SojournError('MESSAGE_MALFORMED', 'The welcome comes first.')
    if (said.type === 'presence') return this.#present(said.value)
    if (this.#actionsOpen >= limits.actionsOpenMax) throw new SojournError('ACTIONS_TOO_MANY')
    this.#actionsOpen += 1
    return this.#act(said).finally(() => {
      this.#actionsOpen -= 1
    })
  }

  #greet(hello: Hello): Promise<void> {
    if (this.#greeted) throw new SojournError('MESSAGE_MALFORMED', 'A hello comes once.')
    this.#greeted = true
    if (hello.version !== protocolVersion) throw new SojournError('PROTOCOL_UNSUPPORTED')
    return this.#instance.turn(() => this.#enter(hello))
  }

  /** One turn from `connect` to the welcome: nothing is between them. */
  async #enter(hello: Hello): Promise<void> {
    const { definition } = this.#instance.given.backend
    const gone = (): boolean => this.#connection.phase === 'left'
    if (gone()) return
    const refused = await this.#instance.handle(definition.connect, this.#connection.caller)
    if (refused) throw refused
    this.#admitted = true
    if (!gone()) this.#welcome(hello)
  }

  /** Says where the state stands and brings the client there: missed frames, or a snapshot. */
  #welcome({ client, acked, cursor }: Hello): void {
    const { history, connections, given } = this.#instance
    const { results, tail, tracked } = history
    const connection = this.#connection
    const known = client !== undefined && results.accepts(this.#remembered(client), acked)
    connection.client = known ? client : results.issue(newId('', given.random))
    const missed = cursor && tail.after(cursor)
    connections.say(connection, {
      type: 'welcome',
      version: protocolVersion,
      connection: connection.caller.connection,
      client: connection.client,
      epoch: given.epoch,
      nonce: given.nonce,
      head: tail.head,
      resumed: missed !== undefined,
      presence: connections.presence(),
    })
    const sections = missed?.map((frame) => frame.bytes) ?? [tracked.snapshot()]
    for (const bytes of sections) connections.say(connection, { type: 'state', results: [], bytes })
    connection.phase = 'entered'
    connections.show(connection)
  }

  /** Runs an action once: sent again, it is answered from the record. */
  #act({ n, acked, name, input }: Act): Promise<void> {
    const { history, connections } = this.#instance
    const { caller, client = '' } = this.#connection
    const remembered = this.#remembered(client)
    return this.#instance.turn(async () => {
      const recorded = history.results.answer(remembered, n, acked)
      if (recorded)
        return connections.say(this.#connection, { type: 'results', results: [recorded] })
      const outcome = await this.#instance.attempt(caller, (ctx) => this.#perform(name, ctx, input))
      const result = resultOf(n, outcome)
      const envelope = history.results.record(remembered, result)
      await this.#instance.release(outcome, envelope, this.#connection, [result])
    })
  }

  async #perform(name: string, ctx: Context<object>, input: unknown): Promise<unknown> {
    const { actions } = this.#instance.given.backend
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined
    if (!action) throw new SojournError('ACTION_UNKNOWN', `There is no action ${name}.`)
    const checked = await check(action.schema, input, 'ACTION_INVALID')
    return action.handler(ctx, checked as never)
  }

  async #present(value: unknown): Promise<void> {
    const { connections, given } = this.#instance
    const schema = value === null ? undefined : given.backend.definition.presence
    const checked = await check(schema, value, 'MESSAGE_MALFORMED')
    if (!connections.setPresence(this.#connection, checked))
      throw new SojournError('MESSAGE_TOO_LARGE')
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
