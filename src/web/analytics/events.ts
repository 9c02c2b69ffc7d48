/** Which events are taken. */
import type { EndReason, EventProps } from '../session/index.ts'

/** The names of the events that Sojourn itself tells. */
export const builtInEvents = [
  'started',
  'login',
  'logout',
  'expired',
  'revoked',
  'connection-opened',
  'connection-closed',
] as const

/** The name of an event that Sojourn itself tells. */
export type BuiltInEvent = (typeof builtInEvents)[number]

/** The event that tells of an end; a session that a login replaced goes on in the next one. */
export function eventOfEnd(reason: EndReason): BuiltInEvent | undefined {
  return reason === 'login' ? undefined : reason
}

/** What an event may hold, and a question may ask. Characters are UTF-16 units. */
export const eventLimits = {
  nameCharsMax: 64,
  propsMax: 16,
  propNameCharsMax: 64,
  propTextCharsMax: 256,
  /** All props as JSON, in UTF-8. */
  propsBytesMax: 2_048,
  userCharsMax: 256,
  /** The length of a period that figures are asked for: 100 days, so 2,400 hours. */
  periodMsMax: 8_640_000_000,
  stepsMax: 10,
  /** Rows of one answer. */
  topMax: 20,
  listMax: 1_000,
  /** Events, and stays, forgotten by one sweep. */
  sweepMax: 5_000,
} as const

declare const TextEncoder: new () => { encode(text: string): Uint8Array }
const utf8 = new TextEncoder()
/** No control characters, no halves of surrogate pairs. */
const printablePattern = /^[^\p{Cc}\p{Cs}]+$/u

/** @throws TypeError, RangeError with the name seen */
export function checkName(what: string, name: string, charsMax: number): void {
  if (typeof name !== 'string') throw new TypeError(`${what} must be a text, got ${typeof name}`)
  if (name.length < 1 || name.length > charsMax)
    throw new RangeError(`${what} must have 1 to ${charsMax} characters, got ${name.length}`)
  if (!printablePattern.test(name))
    throw new TypeError(`${what} must be printable, got ${JSON.stringify(name)}`)
}

/**
 * A copy of the facts of an application's event.
 *
 * @throws TypeError, RangeError for an event that can't be taken, with what is wrong
 */
export function checkEvent(name: string, props: EventProps | undefined): EventProps | undefined {
  checkName('an event', name, eventLimits.nameCharsMax)
  if ((builtInEvents as readonly string[]).includes(name))
    throw new TypeError(`the event ${name} is Sojourn's own`)
  if (props === undefined) return undefined
  if (typeof props !== 'object' || props === null || Array.isArray(props))
    throw new TypeError(`${name}: props must be an object, got ${props}`)
  const entries = Object.entries(props)
  if (entries.length > eventLimits.propsMax)
    throw new RangeError(`${name}: at most ${eventLimits.propsMax} props, got ${entries.length}`)
  for (const [key, value] of entries) checkProp(name, key, value)
  const copy = Object.fromEntries(entries)
  const { byteLength } = utf8.encode(JSON.stringify(copy))
  if (byteLength > eventLimits.propsBytesMax)
    throw new RangeError(
      `${name}: props may have ${eventLimits.propsBytesMax} bytes, got ${byteLength}`,
    )
  return copy
}

function checkProp(name: string, key: string, value: unknown): void {
  checkName(`${name}: the name of a prop`, key, eventLimits.propNameCharsMax)
  const isFact = typeof value === 'boolean' || Number.isFinite(value) || typeof value === 'string'
  if (!isFact)
    throw new TypeError(
      `${name}: ${key} must be a text, a finite number or a boolean, got ${value}`,
    )
  const { propTextCharsMax: max } = eventLimits
  if (typeof value === 'string' && value.length > max)
    throw new RangeError(`${name}: ${key} may have ${max} characters, got ${value.length}`)
}
