import { describe, expect, it } from 'vitest'
import { errorTable } from './hints.ts'
import { isBackendName, isKey } from './ids.ts'
import { isErrorCode, isSojournError, newId, SojournError, toSojournError } from './index.ts'

describe('the error table', () => {
  it('gives every code a fitting status, close code and hint', () => {
    for (const [code, { status, close, hint }] of Object.entries(errorTable)) {
      expect(status, code).toBeGreaterThanOrEqual(400)
      expect([1009, 1012].includes(close) || (close >= 4400 && close < 4600), code).toBe(true)
      expect(hint, code).toMatch(/^[A-Z].*\.$/)
      expect(Buffer.byteLength(code), `${code} fits into a close frame`).toBeLessThanOrEqual(123)
    }
  })

  it('makes errors that say what was seen and what to do', () => {
    const error = new SojournError('KEY_MALFORMED', 'The key is empty.')
    expect(error).toMatchObject({ code: 'KEY_MALFORMED', status: 400, close: 4400, retry: false })
    expect(error.message).toBe(`The key is empty. ${errorTable.KEY_MALFORMED.hint}`)
  })

  it('recognises its own by code, also from another copy of the package', () => {
    const foreign = Object.assign(new Error('x'), { name: 'SojournError', code: 'FORBIDDEN' })
    expect(isSojournError(foreign)).toBe(true)
    expect(
      isSojournError(Object.assign(new Error('x'), { name: 'SojournError', code: 'toString' })),
    ).toBe(false)
    expect(isErrorCode('__proto__')).toBe(false)
    const cause = new Error('disk')
    expect(toSojournError(cause)).toMatchObject({ code: 'INTERNAL', cause })
  })
})

describe('names', () => {
  it.each(['a', 'doc-42', 'A.b_c~d', 'x'.repeat(128)])('takes the key %s', (key) => {
    expect(isKey(key)).toBe(true)
  })
  it.each(['', '.', '..', 'a/b', 'a b', 'ä', '%2e', 'x'.repeat(129), 'a\n'])(
    'refuses the key %j',
    (key) => {
      expect(isKey(key)).toBe(false)
    },
  )
  it('takes lower-case backend names only', () => {
    expect(isBackendName('board-2')).toBe(true)
    for (const name of ['', 'Board', '2board', '__proto__', 'client.js'])
      expect(isBackendName(name)).toBe(false)
  })
  it('makes ids of 6 random bits a letter', () => {
    expect(newId('c_', (n) => new Uint8Array(n).fill(255))).toBe(`c_${'_'.repeat(22)}`)
    expect(newId('')).not.toBe(newId(''))
  })
})
