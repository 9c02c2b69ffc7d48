/**
 * What one turn does besides the state: events, alarms, the attachment of its caller. Events wait;
 * the others are changed at once, as the state is, with what takes them back. One turn runs at a
 * time, so that nobody sees them in between.
 */
import { limits } from '../../base/core/index.ts'
import { encodeFromInstance, pack, unpack } from '../../base/protocol/index.ts'
import type { Alarm, Alarms } from './alarms.ts'
import type { Caller } from './define.ts'

const noEvents: readonly Uint8Array[] = []

/** Who acts; its connection, or what is left of it. */
export interface Actor {
  caller: Caller<unknown>
}

export class Effects {
  /** Whose turn it is; a tick or an alarm is nobody's. */
  readonly actor: Actor | undefined
  readonly #alarms: Alarms
  #events: Uint8Array[] | undefined
  #afterwards: (() => void)[] | undefined
  #alarmsBefore: Map<string, Alarm | undefined> | undefined
  #callerBefore: Caller<unknown> | undefined

  constructor(alarms: Alarms, actor?: Actor) {
    this.#alarms = alarms
    this.actor = actor
  }

  /** What was broadcast, encoded. */
  get events(): readonly Uint8Array[] {
    return this.#events ?? noEvents
  }

  /** Names of the alarms that changed, if any. */
  get alarms(): Iterable<string> | undefined {
    return this.#alarmsBefore?.keys()
  }

  broadcast(name: string, payload: unknown): void {
    this.#events ??= []
    // Encoded now: it is sent as it is now, and what can't be sent fails here.
    this.#events.push(encodeFromInstance({ type: 'event', name, payload }))
  }

  /** Something to be done once the turn is durable. */
  afterwards(show: () => void): void {
    this.#afterwards ??= []
    this.#afterwards.push(show)
  }

  /** The turn is durable. */
  show(): void {
    for (const show of this.#afterwards ?? []) show()
  }

  setAlarm(alarm: Alarm): void {
    if (!this.#alarms.get(alarm.name) && this.#alarms.size >= limits.alarmsMax)
      throw new RangeError(`ctx.schedule(): a key has ${limits.alarmsMax} alarms at most`)
    this.#putAlarm(alarm.name, alarm)
  }

  removeAlarm(name: string): void {
    if (this.#alarms.get(name)) this.#putAlarm(name, undefined)
  }

  attach(actor: Actor, value: unknown): void {
    const attachment = attachable(value)
    this.#callerBefore ??= actor.caller
    actor.caller = { ...actor.caller, attachment }
  }

  /** The turn has failed. */
  rollBack(): void {
    this.#events = undefined
    this.#afterwards = undefined
    for (const [name, alarm] of this.#alarmsBefore ?? []) this.#alarms.put(name, alarm)
    this.#alarmsBefore = undefined
    if (this.actor && this.#callerBefore) this.actor.caller = this.#callerBefore
    this.#callerBefore = undefined
  }

  #putAlarm(name: string, alarm: Alarm | undefined): void {
    this.#alarmsBefore ??= new Map()
    if (!this.#alarmsBefore.has(name)) this.#alarmsBefore.set(name, this.#alarms.get(name))
    this.#alarms.put(name, alarm)
  }
}

/**
 * A frozen copy, so that nothing changes it behind the back of a rollback.
 *
 * @throws RangeError when it is too large
 * @throws SojournError `STATE_UNSUPPORTED` when it is no plain data
 */
export function attachable(value: unknown): unknown {
  if (value === undefined) return undefined
  const bytes = pack(value)
  if (bytes.byteLength > limits.attachmentBytesMax)
    throw new RangeError(`An attachment has ${limits.attachmentBytesMax} bytes at most`)
  return frozen(unpack(bytes))
}

/** Map, Date and Uint8Array can't be frozen. */
function frozen(value: unknown): unknown {
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value ?? 0) === Object.prototype
  if (!isPlain) return value
  for (const part of Object.values(value as object)) frozen(part)
  return Object.freeze(value)
}
