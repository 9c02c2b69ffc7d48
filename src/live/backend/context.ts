import type { Clock, Log } from '../../base/core/index.ts'
import { kindOf, newAlarm } from './alarms.ts'
import type { Connections } from './connections.ts'
import type { Backend, Caller, Context } from './define.ts'
import type { Effects } from './effects.ts'

/** What all turns of an instance have in common. */
export interface Surroundings {
  readonly backend: Backend
  readonly key: string
  readonly folder: string | undefined
  readonly clock: Clock
  readonly log: Log
  readonly state: object
  readonly connections: Connections
  /** Throws `TURN_OVER` outside of a turn. */
  readonly guard: () => void
  readonly keepAwake: (promise: Promise<unknown>) => void
}

/**
 * What a handler gets. Its methods are made when they are asked for: a turn that only changes the
 * state pays for none, and `({ state, schedule }) => …` works.
 */
export class TurnContext implements Context<object> {
  readonly #around: Surroundings
  readonly #effects: Effects

  constructor(around: Surroundings, effects: Effects) {
    this.#around = around
    this.#effects = effects
  }

  get key(): string {
    return this.#around.key
  }

  get state(): object {
    return this.#around.state
  }

  get clock(): Clock {
    return this.#around.clock
  }

  get log(): Log {
    return this.#around.log
  }

  get folder(): string | undefined {
    return this.#around.folder
  }

  get connections(): readonly Caller<unknown>[] {
    return this.#around.connections.callers()
  }

  get caller(): Caller<unknown> {
    const { actor } = this.#effects
    if (actor) return actor.caller
    throw new TypeError('ctx.caller: no connection called this turn')
  }

  get broadcast(): Context<object>['broadcast'] {
    return (name, payload = null) => {
      this.#around.guard()
      this.#effects.broadcast(name, payload)
    }
  }

  get schedule(): Context<object>['schedule'] {
    return (name, at, payload) => {
      const { guard, backend } = this.#around
      guard()
      if (!Object.hasOwn(backend.definition.alarms ?? {}, kindOf(name)))
        throw new TypeError(`ctx.schedule(): there is no handler alarms.${kindOf(name)}`)
      this.#effects.setAlarm(newAlarm(name, at, payload))
    }
  }

  get unschedule(): Context<object>['unschedule'] {
    return (name) => {
      this.#around.guard()
      this.#effects.removeAlarm(name)
    }
  }

  get attach(): Context<object>['attach'] {
    return (value) => {
      this.#around.guard()
      const { actor } = this.#effects
      if (!actor) throw new TypeError('ctx.attach(): no connection called this turn')
      this.#effects.attach(actor, value)
    }
  }

  get keepAwake(): Context<object>['keepAwake'] {
    return this.#around.keepAwake
  }
}
