/** How a barrier gets before the methods of a response. */
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
type GuardedResponse = Required<Record<GuardedName, Method>> & { [own]?: Guard }

/** A response behind its guard. */
export interface Guarded {
  /** Calls the method that the guard stands before. */
  call(name: GuardedName, args: readonly unknown[]): unknown
  /** From here on what is held back looks sent to the application, as it would be unguarded. */
  pretend(): void
  /** Takes the guard away. */
  release(): void
}

export function guard(response: ServerResponse, one: Guard): Guarded {
  return new GuardedBy(response, one)
}

class GuardedBy implements Guarded {
  readonly #response: GuardedResponse
  readonly #guard: Guard
  readonly #parent: GuardedResponse
  /** Whether another guard stood there first, whose place is left to it. */
  readonly #isSecond: boolean
  /** Methods of the response's own: others put them there first. */
  #before: Partial<Record<GuardedName, Method>> | undefined
  /** How it looked before a second guard pretended. */
  #shownBefore: (PropertyDescriptor | undefined)[] | undefined

  constructor(response: ServerResponse, one: Guard) {
    this.#response = response as never
    this.#guard = one
    this.#parent = Object.getPrototypeOf(response) as GuardedResponse
    for (const name of names)
      if (Object.hasOwn(response, name)) {
        this.#before ??= {}
        this.#before[name] = this.#response[name]
      }
    this.#isSecond = this.#response[own] !== undefined
    if (!this.#isSecond) standBefore(this.#response, one)
    else
      for (const name of names)
        this.#response[name] = (...args: unknown[]) => entrances[name](one, args)
  }

  call(name: GuardedName, args: readonly unknown[]): unknown {
    return Reflect.apply(this.#before?.[name] ?? this.#parent[name], this.#response, args)
  }

  pretend(): void {
    if (!this.#isSecond) Object.defineProperties(this.#response, shown)
    else if (!this.#shownBefore) this.#pretendAsWell()
  }

  /** Beside what the first guard shows. */
  #pretendAsWell(): void {
    const response = this.#response
    this.#shownBefore = shownNames.map((name) => Object.getOwnPropertyDescriptor(response, name))
    shownNames.forEach((name, at) => {
      const before = this.#shownBefore?.[at]?.get
      const get = (): boolean => {
        if (heldAs[name](this.#guard)) return true
        if (before) return Boolean(Reflect.apply(before, response, []))
        return Boolean(Reflect.get(Object.getPrototypeOf(response), name, response))
      }
      Object.defineProperty(response, name, { configurable: true, get })
    })
  }

  release(): void {
    const response: Partial<GuardedResponse> = this.#response
    for (const name of names) delete response[name]
    Object.assign(response, this.#before)
    for (const [at, name] of shownNames.entries()) {
      const before = this.#shownBefore?.[at]
      if (before) Object.defineProperty(response, name, before)
      else if (!this.#isSecond || this.#shownBefore) Reflect.deleteProperty(response, name)
    }
    if (!this.#isSecond) delete response[own]
  }
}

/** One by one: by a loop, or through a prototype in between, it takes several times as long. */
function standBefore(response: GuardedResponse, one: Guard): void {
  response[own] = one
  response.writeHead = shared.writeHead
  response.flushHeaders = shared.flushHeaders
  response.write = shared.write
  response.end = shared.end
  response.setHeader = shared.setHeader
  response.appendHeader = shared.appendHeader
  response.removeHeader = shared.removeHeader
}

/** The same for all responses: with functions of its own each would be of a shape of its own. */
const shared = Object.fromEntries(
  names.map((name) => [
    name,
    function (this: Required<GuardedResponse>, ...args: unknown[]): unknown {
      return entrances[name](this[own], args)
    },
  ]),
) as Record<GuardedName, Method>

type ShownName = 'headersSent' | 'writableEnded'

const shownNames = ['headersSent', 'writableEnded'] as const
const heldAs: Record<ShownName, (one: Guard) => boolean> = {
  headersSent: (one) => one.isHeadHeld,
  writableEnded: (one) => one.isEndHeld,
}

const shown: PropertyDescriptorMap = {
  headersSent: shownAs('headersSent'),
  writableEnded: shownAs('writableEnded'),
}

function shownAs(name: ShownName): PropertyDescriptor {
  return {
    configurable: true,
    get(this: Required<GuardedResponse>): boolean {
      if (heldAs[name](this[own])) return true
      return Boolean(Reflect.get(Object.getPrototypeOf(this), name, this))
    },
  }
}
