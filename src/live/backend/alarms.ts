/** The alarms of one key, as its journal has them: journaled with the turn that set them. */
import { limits } from '../../base/core/index.ts'
import { pack } from '../../base/protocol/index.ts'

export interface Alarm {
  readonly name: string
  /** Wall time, whole milliseconds. */
  readonly atMs: number
  /** How often its handler has failed. */
  readonly attempts: number
  readonly payload: Uint8Array
}

/** An alarm as the journal keeps it; a name alone says that it is gone. */
type Row = readonly [name: string, atMs: number, attempts: number, payload: Uint8Array]

/** The kind of an alarm is its name up to the first colon. */
export function kindOf(name: string): string {
  return name.split(':', 1)[0] ?? name
}

/**
 * Checks what an author schedules.
 *
 * @throws RangeError for an impossible time, a name or a payload that is too large
 */
export function newAlarm(name: string, at: Date | number, payload: unknown = null): Alarm {
  // Rounded up: an alarm is never early.
  const atMs = Math.ceil(Number(at))
  if (!(atMs >= 0 && atMs <= Number.MAX_SAFE_INTEGER))
    throw new RangeError(`ctx.schedule(): ${at} is no time`)
  if (Buffer.byteLength(name) > limits.alarmNameBytesMax)
    throw new RangeError(`ctx.schedule(): a name has ${limits.alarmNameBytesMax} bytes at most`)
  const bytes = pack(payload)
  if (bytes.byteLength > limits.alarmPayloadBytesMax)
    throw new RangeError(`ctx.schedule(): the payload exceeds ${limits.alarmPayloadBytesMax} bytes`)
  return { name, atMs, attempts: 0, payload: bytes }
}

/** The alarm after another failure. */
export function postponed({ attempts, ...alarm }: Alarm, nowMs: number): Alarm {
  const pauseMs = Math.min(limits.alarmRetryMsMin * 2 ** attempts, limits.alarmRetryMsMax)
  return { ...alarm, attempts: attempts + 1, atMs: nowMs + pauseMs }
}

export class Alarms {
  readonly #byName = new Map<string, Alarm>()

  get size(): number {
    return this.#byName.size
  }

  /** The earliest. */
  get next(): Alarm | undefined {
    let next: Alarm | undefined
    for (const alarm of this.#byName.values()) if (!next || alarm.atMs < next.atMs) next = alarm
    return next
  }

  get(name: string): Alarm | undefined {
    return this.#byName.get(name)
  }

  /** Sets the alarm of a name, or removes it. */
  put(name: string, alarm: Alarm | undefined): void {
    if (alarm) this.#byName.set(name, alarm)
    else this.#byName.delete(name)
  }

  /** How the alarms of these names are now, for a record. */
  changes(names: Iterable<string>): unknown {
    return Array.from(names, (name) => {
      const alarm = this.#byName.get(name)
      return alarm ? rowOf(alarm) : [name]
    })
  }

  /** All of them, for a snapshot. */
  dump(): unknown {
    return Array.from(this.#byName.values(), rowOf)
  }

  /** Takes back what `changes` or `dump` gave. */
  recover(rows: unknown): void {
    for (const [name, ...rest] of rows as (Row | [name: string])[]) {
      const [atMs, attempts, payload] = rest
      const isSet = atMs !== undefined && attempts !== undefined && payload !== undefined
      this.put(name, isSet ? { name, atMs, attempts, payload } : undefined)
    }
  }
}

function rowOf({ name, atMs, attempts, payload }: Alarm): Row {
  return [name, atMs, attempts, payload]
}
