import { createCipheriv, createDecipheriv, hash, hkdfSync } from 'node:crypto'
import { type Random, systemRandom } from '../core/index.ts'

/** Letters of the shortest secret: what people type is weaker than random bytes. */
const secretCharsMin = 32
/** Old secrets that are still tried; each one longer is one more that may have leaked. */
const secretsMax = 16
const markBytes = 4
const nonceBytes = 12
const tagBytes = 16

/** Seals bytes so that nobody else can read or change them, and opens what older secrets sealed. */
export interface Sealer {
  /**
   * @param context what the bytes are and whose: they open under the same words only
   */
  seal(plain: Uint8Array, context: string): Uint8Array
  /** `undefined` when none of the secrets sealed these bytes for this context. */
  open(sealed: Uint8Array, context: string): Uint8Array | undefined
}

/**
 * AES-256-GCM with a key of its own for each context (HKDF-SHA-256, RFC 5869), so that the number
 * of random nonces under one key stays far below what NIST SP 800-38D §8.3 allows.
 *
 * @param secrets the newest seals, all open; rotate by putting a new one in front
 * @throws TypeError, RangeError for secrets that are none
 */
export function sealer(secrets: readonly string[], random: Random = systemRandom): Sealer {
  const [newest] = secrets
  if (newest === undefined || secrets.length > secretsMax)
    throw new RangeError(`1 to ${secretsMax} secrets are needed, got ${secrets.length}`)
  for (const secret of secrets)
    if (typeof secret !== 'string' || secret.length < secretCharsMin)
      throw new TypeError(`a secret must be a text of at least ${secretCharsMin} letters`)
  const byMark = new Map(secrets.map((secret) => [markOf(secret).toString('hex'), secret]))

  return {
    seal(plain, context) {
      const nonce = random(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', keyOf(newest, context), nonce)
      const body = [cipher.update(plain), cipher.final()]
      return Buffer.concat([markOf(newest), nonce, ...body, cipher.getAuthTag()])
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
      const secret = byMark.get(bytes.subarray(0, markBytes).toString('hex'))
      if (secret === undefined || bytes.length < markBytes + nonceBytes + tagBytes) return undefined
      const nonce = bytes.subarray(markBytes, markBytes + nonceBytes)
      const decipher = createDecipheriv('aes-256-gcm', keyOf(secret, context), nonce)
      decipher.setAuthTag(bytes.subarray(-tagBytes))
      const body = decipher.update(bytes.subarray(markBytes + nonceBytes, -tagBytes))
      try {
        return Buffer.concat([body, decipher.final()])
      } catch {
        return undefined
      }
    },
  }
}

/** Tells which secret sealed something, and nothing else about it. */
function markOf(secret: string): Buffer {
  return Buffer.from(hash('sha256', `sojourn mark\0${secret}`), 'hex').subarray(0, markBytes)
}

function keyOf(secret: string, context: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', `sojourn seal\0${context}`, 32))
}
