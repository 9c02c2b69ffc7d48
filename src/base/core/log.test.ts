import { describe, expect, it } from 'vitest'
import { logVia, plainFacts } from './index.ts'

describe('plainFacts()', () => {
  it('keeps the stack of an error, wherever it is', () => {
    const { err, deep } = plainFacts({
      err: new Error('disk'),
      deep: { err: new Error('net') },
    }) as {
      err: string
      deep: { err: string }
    }
    expect(err).toMatch(/^Error: disk\n/)
    expect(deep.err).toMatch(/^Error: net\n/)
  })

  it('never fails: a line about a fault must not be one', () => {
    const ring: { self?: object } = {}
    ring.self = ring
    expect(plainFacts(ring)).toEqual({ facts: 'not printable' })
    expect(plainFacts({ big: 1n })).toEqual({ facts: 'not printable' })
  })
})

describe('logVia()', () => {
  it('hands each line on with its level', () => {
    const lines: unknown[] = []
    const log = logVia((...line) => lines.push(line))
    log.warn({ a: 1 }, 'careful')
    log.debug({}, 'fine')
    expect(lines).toEqual([
      ['warn', { a: 1 }, 'careful'],
      ['debug', {}, 'fine'],
    ])
  })
})
