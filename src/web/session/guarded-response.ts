/**
 * How a barrier gets before the methods of a response. They are put between the response and its
 * prototype: a response with methods of its own costs node:http more than all else here.
 */
import type { ServerResponse } from 'node:http'

/** What a barrier does in place of a response's methods. */
export interface Guard {
  writeHead(args: [number, ...unknown[]]): ServerResponse
  flushHeaders(): void
  write(args: readonly unknown[]): boolean
  end(args: readonly unknown[]): ServerResponse
  changeHead(name: 'setHeader' | 'appendHeader' | 'removeHeader', args: readonly unknown[]): unknown
  /** Whether the head looks sent to the application, as it would be without the barrier. */
  readonly isHeadHeld: boolean
  /** Whether the end does. */
  readonly isEndHeld: boolean
}

/** The methods that a guard stands before. */
export type GuardedName =
  | 'writeHead'
  | 'flushHeaders'
  | 'write'
  | 'end'
  | 'setHeader'
  | 'appendHeader'
  | 'removeHeader'

const entrances: Record<GuardedName, (guard: Guard, args: unknown[]) => unknown> = {
  writeHead: (guard, args) => guard.writeHead(args as [number, ...unknown[]]),
  flushHeaders: (guard) => guard.flushHeaders(),
  write: (guard, args) => guard.write(args),
  end: (guard, args) => guard.end(args),
  setHeader: (guard, args) => guard.changeHead('setHeader', args),
  appendHeader: (guard, args) => guard.changeHead('appendHeader', args),
  removeHeader: (guard, args) => guard.changeHead('removeHeader', args),
}

const names = Object.keys(entrances) as GuardedName[]
/** Where a response has its guard. */
const own = Symbol('guard')

type Method = (...args: unknown[]) => unknown
type GuardedResponse = ServerResponse & { [own]?: Guard }

/** A response behind its guard. */
export interface Guarded {
  /** Calls the method that the guard stands before. */
  call(name: GuardedName, args: readonly unknown[]): unknown
  /** Takes the guard away. */
  release(): void
}

export function guard(response: ServerResponse, one: Guard): Guarded {
  return new GuardedBy(response, one)
}

class GuardedBy implements Guarded {
  readonly #response: GuardedResponse
  readonly #parent: Record<GuardedName, Method>
  /** Whether another guard stood there first, whose place is left to it. */
  readonly #isSecond: boolean
  /** Methods of the response's own: others put them there first, and would be called past us. */
  #before: Partial<Record<GuardedName, Method>> | undefined

  constructor(response: GuardedResponse, one: Guard) {
    this.#response = response
    this.#parent = Object.getPrototypeOf(response) as Record<GuardedName, Method>
    this.#isSecond = response[own] !== undefined
    for (const name of names)
      if (this.#isSecond || Object.hasOwn(response, name)) this.#standBefore(name, one)
    if (this.#isSecond) return
    Object.setPrototypeOf(response, guardedFrom(this.#parent))
    response[own] = one
  }

  #standBefore(name: GuardedName, one: Guard): void {
    this.#before ??= {}
    this.#before[name] = this.#response[name] as Method
    Object.assign(this.#response, { [name]: (...args: unknown[]) => entrances[name](one, args) })
  }

  call(name: GuardedName, args: readonly unknown[]): unknown {
    return Reflect.apply(this.#before?.[name] ?? this.#parent[name], this.#response, args)
  }

  release(): void {
    Object.assign(this.#response, this.#before)
    if (this.#isSecond) return
    Object.setPrototypeOf(this.#response, this.#parent)
    delete this.#response[own]
  }
}

/** Prototypes are few: that of node:http, and one for each application of Express. */
const prototypes = new WeakMap<object, object>()

function guardedFrom(parent: object): object {
  const known = prototypes.get(parent)
  if (known) return known
  const made = Object.create(parent, {
    headersSent: shownAs(parent, 'headersSent', (one) => one.isHeadHeld),
    writableEnded: shownAs(parent, 'writableEnded', (one) => one.isEndHeld),
  }) as Record<string, unknown>
  for (const name of names)
    made[name] = function (this: Required<GuardedResponse>, ...args: unknown[]): unknown {
      return entrances[name](this[own], args)
    }
  prototypes.set(parent, made)
  return made
}

function shownAs(
  parent: object,
  name: 'headersSent' | 'writableEnded',
  isHeld: (one: Guard) => boolean,
): PropertyDescriptor {
  return {
    configurable: true,
    get(this: Required<GuardedResponse>): boolean {
      return isHeld(this[own]) || Boolean(Reflect.get(parent, name, this))
    },
  }
}
