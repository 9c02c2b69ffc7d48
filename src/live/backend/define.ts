/** What authors write: `backend({ … })` and `action(…)`. Runs anywhere; needs no Node types. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type Awaitable, type Clock, type Log, limits } from '../../base/core/index.ts'

/** Who called, as the door found and the rule `authorize` granted. */
export interface Caller<Grant, Attachment = unknown> {
  /** Public id of the web session, if the visitor has one. */
  readonly session: string | undefined
  /** The logged-in user of that session, if any. */
  readonly user: string | undefined
  /** What `authorize` returned, validated by the backend's `grant` schema if it has one. */
  readonly grant: Grant
  /** Id of the connection. */
  readonly connection: string
  /** What the backend keeps with the connection; to be replaced by `ctx.attach`, never mutated. */
  readonly attachment: Attachment
}

/** What every handler of a backend gets. */
export interface Context<State extends object, Grant = unknown, Attachment = unknown> {
  /** The key that this instance serves. */
  readonly key: string
  /** The live state: mutate it; clients see the change when the turn is durable. */
  readonly state: State
  /** Who called; a tick or a start has no caller and throws a `TypeError` when asked. */
  readonly caller: Caller<Grant, Attachment>
  /** Who is connected now. */
  readonly connections: readonly Caller<Grant, Attachment>[]
  /** A folder of this key, kept between processes; `undefined` where `data` is `':memory:'`. */
  readonly folder: string | undefined
  /** Sends an event to every connection once the turn is durable; gone if the turn fails. */
  broadcast(event: string, payload?: unknown): void
  /**
   * Has `alarms[kind]` called at a time, also when this process is gone by then. The kind is the
   * name up to its first colon: `remind:42` calls `alarms.remind`. A second call with the same name
   * takes the place of the first. Gone if the turn fails.
   *
   * @param at a `Date` or epoch milliseconds; a time that is past means at once
   * @param payload plain data, at most 16 KiB, handed to the handler; default null
   * @throws TypeError when there is no handler of that kind
   * @throws RangeError for an impossible time, a name above 128 bytes, a payload that is too large,
   *   or above 1,000 alarms of one key
   */
  schedule(name: string, at: Date | number, payload?: unknown): void
  /** Takes an alarm back; without effect when there is none of that name. */
  unschedule(name: string): void
  /**
   * Replaces what the backend keeps with the caller's connection: a frozen copy, at most 4 KiB. It
   * goes with the connection, not with the process. As before if the turn fails.
   *
   * @throws TypeError when no connection called this turn
   * @throws RangeError when it is too large
   */
  attach(value: Attachment): void
  /**
   * The instance does not hibernate before `promise` settles, and does then only after the usual
   * idle time. For work that outlasts its turn; also counts when the turn fails. A rejection is
   * logged. An end for other reasons than idleness is not put off.
   *
   * @throws RangeError above 1,024 promises at a time
   */
  keepAwake(promise: Promise<unknown>): void
  readonly clock: Clock
  readonly log: Log
}

/** A handler; what it changes is one transaction. */
export type Handler<State extends object, Grant, Input, Output, Attachment = unknown> = (
  ctx: Context<State, Grant, Attachment>,
  input: Input,
) => Output | Promise<Output>

/** A named, validated request of a client. Made by `action()`. */
export interface Action<State extends object, Grant, Input, Output, Attachment = unknown> {
  readonly schema: StandardSchemaV1 | undefined
  readonly handler: Handler<State, Grant, never, unknown, Attachment>
  /** Only for the compiler: what a client sends and gets. */
  readonly types?: { readonly input: Input; readonly output: Awaited<Output> }
}

/** Makes an action of a handler, or of a Standard Schema (zod, valibot, arktype) and a handler. */
export interface ActionMaker<State extends object, Grant, Attachment = unknown> {
  <Schema extends StandardSchemaV1, Output>(
    schema: Schema,
    handler: Handler<State, Grant, StandardSchemaV1.InferOutput<Schema>, Output, Attachment>,
  ): Action<State, Grant, StandardSchemaV1.InferInput<Schema>, Output, Attachment>
  <Output>(
    handler: Handler<State, Grant, undefined, Output, Attachment>,
  ): Action<State, Grant, undefined, Output, Attachment>
}

/** Actions by name. */
export type Actions<State extends object, Grant, Attachment = unknown> = Readonly<
  Record<string, Action<State, Grant, unknown, unknown, Attachment>>
>

/** What a client sent for a tick. */
export interface ClientInput<Grant, Attachment, Input> {
  readonly caller: Caller<Grant, Attachment>
  readonly value: Input
}

/**
 * A step at a fixed rate: step n is due at start + n · `everyMs`, whatever the ones before took. It
 * is a turn; one that changes nothing writes nothing, one that throws is rolled back, logged and
 * followed by the next. A backend that ticks does not
 * hibernate while somebody is connected, who may just watch; without connections its ticks are no
 * activity, also with `whenEmpty` (an alarm, or `ctx.keepAwake`, is what works while nobody is there).
 */
export interface Tick<State extends object, Grant, Attachment = unknown, Input = unknown> {
  /** Milliseconds between two steps, 1 to 60,000. */
  readonly everyMs: number
  /** Whether it goes on without connections, until the instance hibernates. Default false. */
  readonly whenEmpty?: boolean
  /**
   * Validates what a client sends by `live.input(value)`, and types it; without it nobody may.
   * Inputs are for what happens many times a second and is stale a moment later, as the keys of a
   * game: never recorded, never answered, never sent again. They wait for the next tick, which gets
   * each once; one that throws takes its inputs along.
   */
  readonly input?: StandardSchemaV1<unknown, Input>
  /**
   * @param step `count`: how many steps this one stands for, more than 1 when it is late.
   *   `elapsedMs`: what has really passed since the last one.
   *   `inputs`: what clients sent since then, those of one client in the order sent; of more than
   *   64 of one client the newest
   */
  run(
    ctx: Context<State, Grant, Attachment>,
    step: {
      readonly count: number
      readonly elapsedMs: number
      readonly inputs: readonly ClientInput<Grant, Attachment, Input>[]
    },
  ): Awaitable<void>
}

/** Handlers of alarms by kind; each says in its own signature what payload it takes. */
export type AlarmHandlers<State extends object, Grant, Attachment, Payloads> = {
  readonly [Kind in keyof Payloads]: (
    ctx: Context<State, Grant, Attachment>,
    payload: Payloads[Kind],
  ) => Awaitable<void>
}

/** A request of the web platform, where the compiler knows its type. */
export type HttpRequest = typeof globalThis extends { Request: { prototype: infer Made } }
  ? Made
  : unknown

/** A response of the web platform, where the compiler knows its type. */
export type HttpResponse = typeof globalThis extends { Response: { prototype: infer Made } }
  ? Made
  : unknown

/** The WebSocket of a client that speaks a protocol of its own. */
export interface RawSocket {
  /** Id of the connection. */
  readonly connection: string
  /** The path behind the key, with its query: `/sync?room=7`. */
  readonly url: string
  /** Sends once everything is durable that the sender can know of; in a turn: if it succeeds. */
  send(data: string | Uint8Array): void
  /** @param code 1000, or 3000 to 4399; default 1000 */
  close(code?: number, reason?: string): void
}

/** What happens on raw sockets; each handler is a turn, with the socket's client as the caller. */
export interface RawSocketHandlers<State extends object, Grant, Attachment = unknown> {
  /** A client has connected. A throw refuses it. */
  open?(ctx: Context<State, Grant, Attachment>, socket: RawSocket): Awaitable<void>
  /** @param data text, or bytes: at most 64 KiB */
  message(
    ctx: Context<State, Grant, Attachment>,
    socket: RawSocket,
    data: string | Uint8Array,
  ): Awaitable<void>
  /** The connection is gone. */
  close?(ctx: Context<State, Grant, Attachment>, socket: RawSocket): Awaitable<void>
}

/**
 * What a change survives before anybody sees it: nothing (`memory`: it dies with the process; an
 * orderly end keeps it), the death of any process (`process`), a power loss (`disk`).
 */
export type Level = (typeof levels)[number]
const levels = ['memory', 'process', 'disk'] as const

/** One kind of live session. Every handler is one turn: one at a time, whole or not at all. */
export interface BackendDefinition<
  State extends object,
  Grant,
  Presence,
  Identity,
  Made extends Actions<State, Grant, Attachment>,
  Attachment = unknown,
  Payloads = unknown,
  Input = unknown,
> {
  /** How durable a change is before it is seen. Default `process`. */
  readonly level?: Level
  /** Validates what `authorize` returned and types `caller.grant`. */
  readonly grant?: StandardSchemaV1<unknown, Grant>
  /** Validates what a client sets as its presence, and types it. */
  readonly presence?: StandardSchemaV1<unknown, Presence>
  /** The first state of a key that has none yet: plain objects, arrays, Map, Date, Uint8Array. */
  state(init: { key: string }): State
  /**
   * What the backend keeps with each connection, at first; makes and types `caller.attachment`.
   * Plain data, at most 4 KiB. Stands before the handlers that use it, for the sake of their types.
   */
  readonly attachment?: (caller: Omit<Caller<Grant>, 'attachment'>) => Attachment
  /** What others see of a connection beside its presence: set by the server, never by the client. */
  readonly identity?: (caller: Caller<Grant, Attachment>) => Identity
  /** The actions; the callback gets `action` bound to this backend's state and grant. */
  readonly actions?: (action: ActionMaker<State, Grant, Attachment>) => Made
  /**
   * Handlers of the alarms that `ctx.schedule` sets, by kind. The record of what a handler changed
   * also removes its alarm, so that it counts once; what it does outside of the state happens at
   * least once, again when the process dies before the record. One that throws is tried again after
   * a second, then after twice as long each time, up to an hour; how often is kept with the alarm.
   */
  readonly alarms?: AlarmHandlers<State, Grant, Attachment, Payloads>
  /** A step at a fixed rate, as long as somebody is connected. */
  readonly tick?: Tick<State, Grant, Attachment, Input>
  /**
   * Answers plain HTTP below `/live/<backend>/<key>/`: a turn, so that what it reads and changes is
   * one transaction. The path is what stands behind the key; bodies of requests are read before,
   * at most 1 MiB. A response may be a stream: it flows after the turn, and keeps the instance awake.
   */
  http?(ctx: Context<State, Grant, Attachment>, request: HttpRequest): Awaitable<HttpResponse>
  /**
   * Takes WebSockets to a path below the key, such as `/live/<backend>/<key>/sync`, for protocols
   * of others. Who is connected so keeps the instance awake and is not in `ctx.connections`.
   */
  readonly socket?: RawSocketHandlers<State, Grant, Attachment>
  /** Runs once when a process takes the key, before any connection. */
  start?(ctx: Context<State, Grant, Attachment>): void | Promise<void>
  /** Runs before an orderly end of the process; not after a crash. */
  stop?(ctx: Context<State, Grant, Attachment>): void | Promise<void>
  /** Runs when a connection has entered, before it sees the state. A throw refuses it. */
  connect?(ctx: Context<State, Grant, Attachment>): void | Promise<void>
  /** Runs when a connection has left. */
  disconnect?(ctx: Context<State, Grant, Attachment>): void | Promise<void>
}

/** A backend as its module exports it; its type parameters flow to the client. */
export interface Backend<
  State extends object = object,
  Grant = unknown,
  Presence = unknown,
  Identity = unknown,
  Made extends Actions<State, Grant, Attachment> = Actions<State, Grant>,
  Attachment = unknown,
  Input = unknown,
> {
  readonly definition: BackendDefinition<
    State,
    Grant,
    Presence,
    Identity,
    Made,
    Attachment,
    unknown,
    Input
  >
  readonly actions: Made
}

/**
 * An action outside of a `backend()` call, for backends that outgrow one file; inside, take the
 * one that `actions` is called with: it knows the state.
 */
export function action<
  Schema extends StandardSchemaV1,
  State extends object,
  Grant,
  Output,
  Attachment,
>(
  schema: Schema,
  handler: Handler<State, Grant, StandardSchemaV1.InferOutput<Schema>, Output, Attachment>,
): Action<State, Grant, StandardSchemaV1.InferInput<Schema>, Output, Attachment>
export function action<State extends object, Grant, Output, Attachment>(
  handler: Handler<State, Grant, undefined, Output, Attachment>,
): Action<State, Grant, undefined, Output, Attachment>
export function action(
  first: StandardSchemaV1 | Handler<never, unknown, never, unknown, never>,
  second?: Handler<never, unknown, never, unknown, never>,
): Action<never, unknown, unknown, unknown, never> {
  if (typeof first === 'function' && !second) return { schema: undefined, handler: first }
  if (typeof second !== 'function') throw new TypeError('action(): the handler must be a function')
  if (!('~standard' in first)) throw new TypeError('action(): the schema must be a Standard Schema')
  return { schema: first, handler: second }
}

/**
 * Defines a backend. Export it as the default of a module of its own: the host loads that module
 * in the process of each instance.
 *
 * @throws TypeError when `state` is no function, `level` is none, or an action was not made by `action()`
 * @throws RangeError when `tick.everyMs` is not between 1 and 60,000
 */
export function backend<
  State extends object,
  Grant = unknown,
  Presence = unknown,
  Identity = undefined,
  Made extends Actions<State, Grant, Attachment> = Record<never, never>,
  Attachment = undefined,
  Payloads = Record<never, never>,
  Input = never,
>(
  definition: BackendDefinition<
    State,
    Grant,
    Presence,
    Identity,
    Made,
    Attachment,
    Payloads,
    Input
  >,
): Backend<State, Grant, Presence, Identity, Made, Attachment, Input> {
  if (typeof definition.state !== 'function')
    throw new TypeError('backend(): `state` must be a function')
  const { level = 'process' } = definition
  if (!levels.includes(level))
    throw new TypeError(`backend(): level must be ${levels.join(', ')}, got ${level}`)
  const { everyMs = 1 } = definition.tick ?? {}
  if (!(everyMs >= 1 && everyMs <= limits.tickEveryMsMax))
    throw new RangeError(`backend(): tick.everyMs must be 1 to ${limits.tickEveryMsMax}`)
  for (const [kind, handler] of Object.entries<unknown>(definition.alarms ?? {})) {
    if (typeof handler !== 'function' || kind.includes(':'))
      throw new TypeError(`backend(): alarms.${kind} must be a function, its name without a colon`)
  }
  const actions =
    definition.actions?.(action as ActionMaker<State, Grant, Attachment>) ?? ({} as Made)
  for (const [name, made] of Object.entries(actions)) {
    if (typeof made?.handler !== 'function') {
      throw new TypeError(`backend(): action ${name} must be made by action()`)
    }
  }
  return { definition, actions }
}
