import type { IncomingMessage } from 'node:http'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type HeaderLines, headersToClient, headersToInstance } from './headers.ts'

const keep = (_: string, value: string): string => value

function told(
  rawHeaders: string[],
  caller: { user?: string; session?: string; grant: unknown },
  trustProxy = false,
): HeaderLines {
  const headers = Object.fromEntries(
    rawHeaders.flatMap((text, at) => (at % 2 ? [] : [[text.toLowerCase(), rawHeaders[at + 1]]])),
  )
  const socket = { remoteAddress: '10.0.0.1' }
  const request = { rawHeaders, headers, socket } as unknown as IncomingMessage
  const name = { backend: 'board', key: 'x' }
  const whole = { connection: 'c_1', ...caller }
  return headersToInstance(request, { name, caller: whole, instance: 1, trustProxy }, keep)
}
const valuesOf = (lines: HeaderLines, name: string): string[] =>
  lines.filter((_, at) => at % 2 === 1 && lines[at - 1] === name)

describe('headers to an instance', () => {
  it('carry any user, session and grant, and nothing beside', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1 }),
      fc.constantFrom('a\r\nx: y', '\ud800', '%'),
    )
    fc.assert(
      fc.property(text, text, fc.jsonValue(), (user, session, grant) => {
        const lines = told([], { user, session, grant })
        expect(lines.join('')).toMatch(/^[\x20-\x7e]*$/)
        expect(lines).toHaveLength(2 * 10)
        const [toldUser = ''] = valuesOf(lines, 'x-sojourn-user')
        const [toldGrant = ''] = valuesOf(lines, 'x-sojourn-grant')
        expect(decodeURIComponent(toldUser)).toBe(user.toWellFormed())
        expect(JSON.parse(decodeURIComponent(toldGrant))).toEqual(JSON.parse(JSON.stringify(grant)))
      }),
    )
  })

  it('leave nothing of what a client says in our name, however it is spelt', () => {
    const names = ['x-sojourn-user', 'x-forwarded-for', 'host', 'content-length', 'te', 'upgrade']
    const spelt = fc
      .tuple(fc.constantFrom(...names), fc.infiniteStream(fc.constantFrom(0, 1, 2)))
      .map(([name, ways]) =>
        [...name].map((letter) => spell(letter, ways.next().value ?? 0)).join(''),
      )
    fc.assert(
      fc.property(fc.array(spelt), (all) => {
        const lines = told(
          all.flatMap((name) => [name, 'evil']),
          { grant: 1 },
        )
        const left = lines.filter((_, at) => at % 2 === 0 && lines[at + 1] === 'evil')
        for (const name of left)
          expect(['host', 'x-forwarded-host', 'content-length']).toContain(name)
        expect(lines.filter((_, at) => at % 2 === 0).join()).not.toMatch(/_|upgrade|,te,/)
      }),
    )
  })

  it.each([
    [false, '6.6.6.6', 'https', '10.0.0.1', 'http'],
    [true, '6.6.6.6', 'https', '6.6.6.6, 10.0.0.1', 'https'],
    [true, '', 'http, https', '10.0.0.1', 'http'],
  ])('believe a proxy (%s) what it says', (trustProxy, from, over, client, protocol) => {
    const lines = told(
      ['x-forwarded-for', from, 'x-forwarded-proto', over],
      { grant: 1 },
      trustProxy,
    )
    expect(valuesOf(lines, 'x-forwarded-for')).toEqual([client])
    expect(valuesOf(lines, 'x-forwarded-proto')).toEqual([protocol])
  })
})

function spell(letter: string, way: number): string {
  if (letter === '-') return way === 0 ? '-' : '_'
  return way === 0 ? letter.toUpperCase() : letter
}

it('keeps what a response says for one hop, of the session or in our name', () => {
  const without = (name: string, value: string) => (name === 'set-cookie' ? undefined : value)
  const raw = ['Connection', 'X-A', 'x-a', '1', 'X-Sojourn-B', '1', 'Set-Cookie', 's', 'X-C', '2']
  expect(headersToClient(raw, without)).toEqual(['x-c', '2'])
})
