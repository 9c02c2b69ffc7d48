import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { hashToken, isToken, newToken } from './index.ts'

it('makes tokens of 256 random bits that look like tokens', () => {
  const tokens = Array.from({ length: 1_000 }, () => newToken())
  expect(new Set(tokens).size).toBe(1_000)
  expect(tokens.every(isToken)).toBe(true)
  expect(newToken(() => new Uint8Array(32).fill(255))).toBe(`sjs_${'_'.repeat(42)}8`)
})

it('asks the generator for 32 bytes, once', () => {
  const asked: number[] = []
  newToken((bytes) => {
    asked.push(bytes)
    return new Uint8Array(bytes)
  })
  expect(asked).toEqual([32])
})

it.each([
  '',
  'sjs_',
  `sjs_${'A'.repeat(42)}`,
  `sjs_${'A'.repeat(44)}`,
  `xjs_${'A'.repeat(43)}`,
  `sjs_${'A'.repeat(42)}B`,
  `sjs_${'A'.repeat(42)}+`,
  ` sjs_${'A'.repeat(43)}`,
  `sjs_${'A'.repeat(43)}\n`,
])('takes no other text for a token: %j', (text) => {
  expect(isToken(text)).toBe(false)
})

it('hashes with SHA-256', () => {
  const token = newToken()
  expect(hashToken(token)).toBe(createHash('sha256').update(token).digest('base64url'))
})
