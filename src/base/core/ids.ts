/** Names and ids, and what they may look like. */

/** Public handle of a session; safe in lists, logs and URLs; useless as a token. */
export type SessionId = string & { readonly kind?: 'SessionId' }

const keyPattern = /^[A-Za-z0-9._~-]{1,128}$/
const backendPattern = /^[a-z][a-z0-9-]{0,63}$/

/** A key names one thing that a backend serves; `.` and `..` are refused as path segments. */
export function isKey(text: string): boolean {
  return keyPattern.test(text) && text !== '.' && text !== '..'
}

/** A backend is named by lower-case letters, digits and dashes, at most 64. */
export function isBackendName(text: string): boolean {
  return backendPattern.test(text)
}

declare const crypto: { getRandomValues(bytes: Uint8Array): Uint8Array }
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Where random bytes come from. */
export type Random = (bytes: number) => Uint8Array

/** The generator of the platform, fit for secrets. */
export const systemRandom: Random = (bytes) => crypto.getRandomValues(new Uint8Array(bytes))

/** A fresh public id: `prefix` and `chars` random letters of 6 bits each (default 22: 132 bits). */
export function newId(prefix: string, random: Random = systemRandom, chars = 22): string {
  let id = prefix
  for (const byte of random(chars)) id += alphabet[byte & 63]
  return id
}
