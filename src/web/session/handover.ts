/**
 * Hand-over: a session goes on in another browser, app or domain. A one-time code travels in a URL
 * instead of the token; who redeems it gets a session of their own, which ends with the first.
 */
import { hash, timingSafeEqual } from 'node:crypto'
import { decodeValue, encodeValue } from '../../base/codec/index.ts'
import { type SessionId, SojournError } from '../../base/core/index.ts'
import { hashToken, newCode } from '../../base/secrets/index.ts'
import type { Core } from './core.ts'
import { sessionLimits } from './policy.ts'
import { type Steps, wait } from './steps.ts'
import type { SessionRecord } from './store.ts'
import type { HandOverOptions, TakeOverOptions } from './types.ts'

/** What is kept under the hash of a code. */
interface Ticket {
  readonly parentId: SessionId
  readonly audience: string
  /** SHA-256 of the verifier in base64url (RFC 7636 §4.2), if the starter has one. */
  readonly challenge: string | undefined
  /** The session of the browser that asked for the code, which needs no other proof. */
  readonly starter: SessionId | undefined
  readonly keep: readonly string[]
}

/** A code that was found to be good, and whose it is. */
export interface Offer {
  readonly parent: SessionRecord
  readonly keep: readonly string[]
}

const challengePattern = /^[A-Za-z0-9_-]{43}$/

/** Stores a code and gives it away. */
export function* handOver<Data extends object>(
  core: Core<Data>,
  parentId: SessionId,
  options: HandOverOptions<Data>,
): Steps<string> {
  const { audience, forMs = sessionLimits.codeMs, challenge, starter, keep = [] } = options
  if (!URL.canParse(audience) || new URL(audience).origin !== audience)
    throw new TypeError(
      `handOver: audience must be an origin like https://example.com: ${audience}`,
    )
  if (!(forMs > 0 && forMs <= sessionLimits.codeMsMax))
    throw new RangeError(`handOver: forMs must be 1 to ${sessionLimits.codeMsMax}, got ${forMs}`)
  if (challenge !== undefined && !challengePattern.test(challenge))
    throw new TypeError('handOver: challenge must be a SHA-256 in base64url')
  const code = newCode(core.random)
  const ticket: Ticket = { parentId, audience, challenge, starter, keep }
  const untilMs = core.clock.nowMs() + forMs
  yield* wait(core.store.putCode(hashToken(code), encodeValue(ticket), untilMs))
  return code
}

/**
 * What a code offers, without using it up: for a page that names the account and asks.
 *
 * @throws SojournError `HANDOVER_INVALID`
 */
export function* lookAt<Data extends object>(core: Core<Data>, code: unknown): Steps<Offer> {
  return yield* offerOf(core, yield* wait(core.store.readCode(hashOf(code))))
}

/**
 * Uses a code up. It is gone whatever comes of it: a wrong verifier is nobody's second try.
 *
 * @param current the session that the request came with
 * @throws SojournError `HANDOVER_INVALID`, `HANDOVER_UNCONFIRMED`
 */
export function* redeem<Data extends object>(
  core: Core<Data>,
  code: unknown,
  { verifier, isConfirmed = false }: TakeOverOptions,
  current: SessionRecord | undefined,
): Steps<Offer> {
  const codeHash = hashOf(code)
  const waiting = ticketOf(yield* wait(core.store.readCode(codeHash)))
  const isProven = isStarter(waiting, verifier, current)
  // Somebody who is logged in must not find themselves in another account (login CSRF).
  if (!isConfirmed && (!isProven || (current?.user && current.id !== waiting.starter)))
    throw new SojournError('HANDOVER_UNCONFIRMED')
  return yield* offerOf(core, yield* wait(core.store.takeCode(codeHash)))
}

function isStarter(
  { challenge, starter }: Ticket,
  verifier: string | undefined,
  current: SessionRecord | undefined,
): boolean {
  if (challenge === undefined) return starter !== undefined && current?.id === starter
  const given = Buffer.from(hash('sha256', verifier ?? '', 'base64url'))
  if (verifier !== undefined && timingSafeEqual(given, Buffer.from(challenge))) return true
  throw new SojournError('HANDOVER_INVALID')
}

function* offerOf<Data extends object>(
  core: Core<Data>,
  bytes: Uint8Array | undefined,
): Steps<Offer> {
  const { parentId, audience, keep } = ticketOf(bytes)
  if (!core.policy.origins.has(audience)) throw new SojournError('HANDOVER_INVALID')
  const parent = yield* wait(core.store.readById(parentId))
  if (!parent) throw new SojournError('HANDOVER_INVALID')
  return { parent, keep }
}

function ticketOf(bytes: Uint8Array | undefined): Ticket {
  if (!bytes) throw new SojournError('HANDOVER_INVALID')
  return decodeValue(bytes) as Ticket
}

function hashOf(code: unknown): string {
  return hashToken(typeof code === 'string' ? code : '')
}
