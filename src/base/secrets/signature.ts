import { type BinaryLike, createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'

/** A key as `createHmac` takes it; it should hold at least 256 random bits. */
export type SigningKey = BinaryLike | KeyObject

/** The keys in use: the first one signs, all of them verify, so that keys can be replaced. */
export type SigningKeys = readonly [SigningKey, ...SigningKey[]]

/** A text, a dot, and its HMAC-SHA256 under the first key in base64 without padding. */
export function sign(text: string, [key]: SigningKeys): string {
  return `${text}.${macOf(text, key)}`
}

/**
 * The text that was signed; `undefined` when no key fits. How long it takes tells nothing about the
 * signature.
 */
export function verify(signed: string, keys: SigningKeys): string | undefined {
  const dot = signed.lastIndexOf('.')
  if (dot < 0) return undefined
  const text = signed.slice(0, dot)
  const given = Buffer.from(signed.slice(dot + 1))
  const isGenuine = keys.some((key) => {
    const mac = Buffer.from(macOf(text, key))
    return mac.byteLength === given.byteLength && timingSafeEqual(mac, given)
  })
  return isGenuine ? text : undefined
}

function macOf(text: string, key: SigningKey): string {
  return createHmac('sha256', key).update(text).digest('base64').replace(/=+$/, '')
}
