import { hash } from 'node:crypto'
import { type Random, systemRandom } from '../core/index.ts'

/** Marks a text as a token of ours, for bearers and for scanners of leaked secrets. */
const prefix = 'sjs_'
/** A one-time code may stand in a URL, so that it must never pass for a token. */
const codePrefix = 'sjc_'
/** 256 bits: ASVS 5.0 §7.2.3 asks for at least 128 from a generator fit for secrets. */
const tokenBytes = 32
/** 32 bytes are 43 letters of base64url; the last one carries 4 bits, so it is one of 16. */
const tokenPattern = /^sjs_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

/**
 * A fresh token: `sjs_` and 256 random bits in base64url (RFC 4648 §5), 47 characters.
 *
 * @param random where the bits come from; default the generator of the platform
 */
export function newToken(random: Random = systemRandom): string {
  return prefix + Buffer.from(random(tokenBytes)).toString('base64url')
}

/** A fresh one-time code, told apart from a token at sight: `sjc_` and as many bits. */
export function newCode(random: Random = systemRandom): string {
  return codePrefix + Buffer.from(random(tokenBytes)).toString('base64url')
}

/** Whether a text has the form of a token; asked before any look into a store. */
export function isToken(text: string): boolean {
  return tokenPattern.test(text)
}

/**
 * The SHA-256 of a token in base64url: what stores keep and look up. A stolen database holds no
 * usable token, and the time of an index look-up tells nothing about one (CVE-2019-16782). No
 * salt: 256 random bits can't be guessed from tables.
 */
export function hashToken(token: string): string {
  return hash('sha256', token, 'base64url')
}

/**
 * The proof that a form was made for the holder of this token: derived from it, so that nothing
 * has to be stored, and useless to find it.
 */
export function csrfTokenOf(token: string): string {
  return hash('sha256', `sojourn csrf\0${token}`, 'base64url')
}
