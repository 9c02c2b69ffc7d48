/** Bad input at each door gets its code; production cookies and the development exception. */
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { instancesOf, until } from './scratch.ts'
import { openShowroom, type Showroom } from './showroom.ts'

let showroom: Showroom
beforeAll(async () => {
  showroom = await openShowroom()
})
afterAll(() => showroom.close())

const cookieName = () => `sojourn-dev-${new URL(showroom.origin).port}`
const address = (path: string) => `${showroom.origin.replace('http', 'ws')}${path}`

/** Code and reason with which the door, or an instance, closes. */
async function closeOf(
  path: string,
  headers: object = {},
  first?: Uint8Array,
): Promise<[number, string]> {
  const socket = new WebSocket(address(path), { headers: { ...headers } })
  if (first) socket.on('open', () => socket.send(first))
  socket.on('error', () => {})
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
  return [code, String(reason)]
}

/** The status line and code of the answer to a request that is written as it stands. */
async function answerTo(lines: readonly string[]): Promise<string> {
  const { port } = new URL(showroom.origin)
  const socket = connectTcp(Number(port), '127.0.0.1')
  socket.setEncoding('utf8')
  let answer = ''
  socket.on('data', (text: string) => {
    answer += text
  })
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  await once(socket, 'close')
  return `${/^HTTP\/1.1 (\d+)/.exec(answer)?.[1]} ${/"code":"(\w+)"/.exec(answer)?.[1]}`
}

const upgrade = (path: string, ...more: string[]) => [
  `GET ${path} HTTP/1.1`,
  'Connection: Upgrade, close',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ...more,
]

describe('the web door', () => {
  it.each([
    ['a malformed cookie', () => `${cookieName()}=nonsense`, 400, 'COOKIE_MALFORMED'],
    [
      'two tokens',
      () => [1, 2].map((n) => `${cookieName()}=sjs_${`${n}`.repeat(42)}A`).join('; '),
      400,
      'CARRIER_CONFLICT',
    ],
  ])('answers %s with its code', async (_, cookie, status, code) => {
    const answer = await fetch(`${showroom.origin}/api/session`, { headers: { cookie: cookie() } })
    expect([answer.status, await answer.json()]).toEqual([
      status,
      { error: expect.objectContaining({ code }) },
    ])
  })

  it('removes a malformed cookie, so that the next request works', async () => {
    const answer = await fetch(`${showroom.origin}/api/session`, {
      headers: { cookie: `${cookieName()}=x` },
    })
    expect(answer.headers.getSetCookie()[0]).toMatch(new RegExp(`^${cookieName()}=;.*Max-Age=0`))
  })

  it('treats a token that nobody made as none', async () => {
    const cookie = `${cookieName()}=sjs_${'x'.repeat(42)}A`
    const answer = await fetch(`${showroom.origin}/api/session`, { headers: { cookie } })
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([200, []])
  })

  it('refuses a write that another site asks for', async () => {
    const first = await fetch(`${showroom.origin}/api/cart`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"product":"mug","delta":1}',
    })
    const cookie = first.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const answer = await fetch(`${showroom.origin}/api/logout`, {
      method: 'POST',
      headers: { cookie, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    })
    expect([answer.status, await answer.json()]).toMatchObject([
      403,
      { error: { code: 'ORIGIN_FOREIGN' } },
    ])
  })

  it('refuses a Host that is not its own (DNS rebinding)', async () => {
    expect(
      await answerTo(['GET /api/session HTTP/1.1', 'Host: evil.example', 'Connection: close']),
    ).toBe('421 HOST_FOREIGN')
  })
})

describe('the live door', () => {
  const host = () => `Host: ${new URL(showroom.origin).host}`

  it.each([
    ['an unknown backend', '/live/nope/a', [4404, 'BACKEND_UNKNOWN']],
    ['a bad key', '/live/board/a%2Fb', [4400, 'KEY_MALFORMED']],
    ['no key', '/live/board', [4400, 'REQUEST_MALFORMED']],
    ['a visitor without a right', '/live/board/Not-A-Board-Name', [4401, 'UNAUTHENTICATED']],
  ])('closes with a code for %s', async (_, path, expected) => {
    expect(await closeOf(path)).toEqual(expected)
  })

  it('closes with a code for a malformed cookie', async () => {
    const headers = { cookie: `${cookieName()}=nonsense`, origin: showroom.origin }
    expect(await closeOf('/live/board/lobby', headers)).toEqual([4400, 'COOKIE_MALFORMED'])
  })

  it('starts no process for any of these, beside the one that is kept warm', () => {
    expect(instancesOf(showroom.server.pid)).toHaveLength(1)
  })

  it.each([
    ['a foreign Origin', ['Origin: https://evil.example'], '403 ORIGIN_FOREIGN'],
    [
      'an Origin that begins like ours',
      () => [`Origin: ${showroom.origin}.evil.example`],
      '403 ORIGIN_FOREIGN',
    ],
    ['the Origin null', ['Origin: null'], '403 ORIGIN_FOREIGN'],
    ['a cookie without an Origin', ['Cookie: a=b'], '403 ORIGIN_FOREIGN'],
    ['a body', ['Content-Length: 5'], '400 REQUEST_MALFORMED'],
    ['two Hosts', () => [host()], '400 REQUEST_MALFORMED'],
  ])('refuses %s before the handshake', async (_, headers, expected) => {
    const more = typeof headers === 'function' ? headers() : headers
    expect(await answerTo(upgrade('/live/board/lobby', host(), ...more))).toBe(expected)
  })

  it('refuses a foreign Host', async () => {
    expect(await answerTo(upgrade('/live/board/lobby', 'Host: evil.example'))).toBe(
      '421 HOST_FOREIGN',
    )
  })

  it('answers plain requests with a reason', async () => {
    const answer = await fetch(`${showroom.origin}/live/board/lobby`)
    expect([answer.status, await answer.json()]).toMatchObject([
      426,
      { error: { code: 'UPGRADE_REQUIRED' } },
    ])
  })

  it('closes for an oversize message and for garbage, and goes on for others', async () => {
    expect((await closeOf('/live/board/lobby', {}, new Uint8Array(70_000)))[0]).toBe(1009)
    expect(await closeOf('/live/board/lobby', {}, new Uint8Array([77, 1, 2]))).toEqual([
      4400,
      'MESSAGE_MALFORMED',
    ])
    expect(await closeOf('/live/board/lobby', {}, new Uint8Array([2, 0xc1]))).toEqual([
      4400,
      'MESSAGE_MALFORMED',
    ])
    // The lobby's own, the same all the time, and the one that is kept warm.
    await until(() => instancesOf(showroom.server.pid).length === 2, 'two processes')
  })
})

describe('cookies', () => {
  it('are as strict as browsers allow in production, and need TLS', async () => {
    const production = await openShowroom({
      NODE_ENV: 'production',
      ORIGINS: 'https://shop.example',
      TRUST_PROXY: '1',
    })
    try {
      const write = (headers: Record<string, string>) =>
        rawPost(production.origin, { host: 'shop.example', ...headers })
      const secure = await write({ 'x-forwarded-proto': 'https' })
      expect(secure).toMatch(/set-cookie: __Host-sojourn=sjs_[\w-]{43}; /i)
      for (const attribute of ['HttpOnly', 'Secure', 'SameSite=Lax', 'Path=/'])
        expect(secure).toContain(attribute)
      expect(secure).not.toMatch(/domain=/i)
      const plain = await write({})
      expect(plain).toContain('TLS_REQUIRED')
      expect(plain).not.toMatch(/set-cookie/i)
      expect(production.output()).not.toContain('development')
    } finally {
      await production.close()
    }
  })

  it('of development are announced as the exception that they are', async () => {
    expect(showroom.output()).toMatch(/development: session cookies travel over plain http/)
  })
})

async function rawPost(origin: string, headers: Record<string, string>): Promise<string> {
  const body = '{"product":"mug","delta":1}'
  const lines = Object.entries({
    ...headers,
    'content-type': 'application/json',
    'content-length': `${body.length}`,
    connection: 'close',
  })
  const socket = connectTcp(Number(new URL(origin).port), '127.0.0.1')
  socket.setEncoding('utf8')
  let answer = ''
  socket.on('data', (text: string) => {
    answer += text
  })
  socket.write(
    `POST /api/cart HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n${body}`,
  )
  await once(socket, 'close')
  return answer
}
