/** What authors write: `backend({ … })` and `action(…)`. Runs anywhere; needs no Node types. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Clock, Log } from '../../base/core/index.ts'

/** Who called, as the door found and the rule `authorize` granted. */
export interface Caller<Grant> {
  /** Public id of the web session, if the visitor has one. */
  readonly session: string | undefined
  /** The logged-in user of that session, if any. */
  readonly user: string | undefined
  /** What `authorize` returned, validated by the backend's `grant` schema if it has one. */
  readonly grant: Grant
  /** Id of the connection. */
  readonly connection: string
}

/** What every handler of a backend gets. */
export interface Context<State extends object, Grant = unknown> {
  /** The key that this instance serves. */
  readonly key: string
  /** The live state: mutate it; clients see the change when the turn is durable. */
  readonly state: State
  /** Who called; a tick or a start has no caller and throws a `TypeError` when asked. */
  readonly caller: Caller<Grant>
  /** Who is connected now. */
  readonly connections: readonly Caller<Grant>[]
  /** Sends an event to every connection once the turn is durable; gone if the turn fails. */
  broadcast(event: string, payload?: unknown): void
  readonly clock: Clock
  readonly log: Log
}

/** A handler; what it changes is one transaction. */
export type Handler<State extends object, Grant, Input, Output> = (
  ctx: Context<State, Grant>,
  input: Input,
) => Output | Promise<Output>

/** A named, validated request of a client. Made by `action()`. */
export interface Action<State extends object, Grant, Input, Output> {
  readonly schema: StandardSchemaV1 | undefined
  readonly handler: Handler<State, Grant, never, unknown>
  /** Only for the compiler: what a client sends and gets. */
  readonly types?: { readonly input: Input; readonly output: Awaited<Output> }
}

/** Makes an action of a handler, or of a Standard Schema (zod, valibot, arktype) and a handler. */
export interface ActionMaker<State extends object, Grant> {
  <Schema extends StandardSchemaV1, Output>(
    schema: Schema,
    handler: Handler<State, Grant, StandardSchemaV1.InferOutput<Schema>, Output>,
  ): Action<State, Grant, StandardSchemaV1.InferInput<Schema>, Output>
  <Output>(
    handler: Handler<State, Grant, undefined, Output>,
  ): Action<State, Grant, undefined, Output>
}

/** Actions by name. */
export type Actions<State extends object, Grant> = Readonly<
  Record<string, Action<State, Grant, unknown, unknown>>
>

/**
 * What a change survives before anybody sees it: nothing (`memory`: it dies with the process; an
 * orderly end keeps it), the death of any process (`process`), a power loss (`disk`).
 */
export type Level = 'memory' | 'process' | 'disk'

/** One kind of live session. Every handler is one turn: one at a time, whole or not at all. */
export interface BackendDefinition<
  State extends object,
  Grant,
  Presence,
  Identity,
  Made extends Actions<State, Grant>,
> {
  /** How durable a change is before it is seen. Default `process`. */
  readonly level?: Level
  /** Validates what `authorize` returned and types `caller.grant`. */
  readonly grant?: StandardSchemaV1<unknown, Grant>
  /** Validates what a client sets as its presence, and types it. */
  readonly presence?: StandardSchemaV1<unknown, Presence>
  /** The first state of a key that has none yet: plain objects, arrays, Map, Date, Uint8Array. */
  state(init: { key: string }): State
  /** What others see of a connection beside its presence: set by the server, never by the client. */
  readonly identity?: (caller: Caller<Grant>) => Identity
  /** The actions; the callback gets `action` bound to this backend's state and grant. */
  readonly actions?: (action: ActionMaker<State, Grant>) => Made
  /** Runs once when a process takes the key, before any connection. */
  start?(ctx: Context<State, Grant>): void | Promise<void>
  /** Runs before an orderly end of the process; not after a crash. */
  stop?(ctx: Context<State, Grant>): void | Promise<void>
  /** Runs when a connection has entered, before it sees the state. A throw refuses it. */
  connect?(ctx: Context<State, Grant>): void | Promise<void>
  /** Runs when a connection has left. */
  disconnect?(ctx: Context<State, Grant>): void | Promise<void>
}

/** A backend as its module exports it; its type parameters flow to the client. */
export interface Backend<
  State extends object = object,
  Grant = unknown,
  Presence = unknown,
  Identity = unknown,
  Made extends Actions<State, Grant> = Actions<State, Grant>,
> {
  readonly definition: BackendDefinition<State, Grant, Presence, Identity, Made>
  readonly actions: Made
}

/**
 * An action outside of a `backend()` call, for backends that outgrow one file; inside, take the
 * one that `actions` is called with: it knows the state.
 */
export function action<Schema extends StandardSchemaV1, State extends object, Grant, Output>(
  schema: Schema,
  handler: Handler<State, Grant, StandardSchemaV1.InferOutput<Schema>, Output>,
): Action<State, Grant, StandardSchemaV1.InferInput<Schema>, Output>
export function action<State extends object, Grant, Output>(
  handler: Handler<State, Grant, undefined, Output>,
): Action<State, Grant, undefined, Output>
export function action(
  first: StandardSchemaV1 | Handler<never, unknown, never, unknown>,
  second?: Handler<never, unknown, never, unknown>,
): Action<never, unknown, unknown, unknown> {
  if (typeof first === 'function' && !second) return { schema: undefined, handler: first }
  if (typeof second !== 'function') throw new TypeError('action(): the handler must be a function')
  if (!('~standard' in first)) throw new TypeError('action(): the schema must be a Standard Schema')
  return { schema: first, handler: second }
}

/**
 * Defines a backend. Export it as the default of a module of its own: the host loads that module
 * in the process of each instance.
 *
 * @throws TypeError when `state` is no function or an action was not made by `action()`
 */
export function backend<
  State extends object,
  Grant = unknown,
  Presence = unknown,
  Identity = undefined,
  Made extends Actions<State, Grant> = Record<never, never>,
>(
  definition: BackendDefinition<State, Grant, Presence, Identity, Made>,
): Backend<State, Grant, Presence, Identity, Made> {
  if (typeof definition.state !== 'function')
    throw new TypeError('backend(): `state` must be a function')
  const actions = definition.actions?.(action as ActionMaker<State, Grant>) ?? ({} as Made)
  for (const [name, made] of Object.entries(actions)) {
    if (typeof made?.handler !== 'function') {
      throw new TypeError(`backend(): action ${name} must be made by action()`)
    }
  }
  return { definition, actions }
}
