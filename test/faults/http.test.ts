/** Plain HTTP, raw sockets and TLS through the real door, with real processes. */
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { limits } from '../../src/base/core/index.ts'
import { type ConnectOptions, connect } from '../../src/client/index.ts'
import { until } from '../e2e/scratch.ts'
import type web from './backends/web.ts'
import { closing, heard, Site, told } from './site.ts'

const at = '/live/web/doc'
let site: Site

const moduleAt = (name: string) => ({
  module: new URL(`./backends/${name}.ts`, import.meta.url),
  authorize: ({ session }: { session: { user?: { id: string } | undefined } | undefined }) => ({
    role: session?.user ? 'writer' : 'reader',
  }),
  warm: 0,
  idleAfterMs: 300,
})

beforeEach(async () => {
  site = await Site.open({ web: moduleAt('web'), log: moduleAt('log') })
})
afterEach(() => site.close())

interface Seen {
  readonly count: number
  readonly aborted: number
  readonly closed: number
  readonly pid: number
}
const look = async (): Promise<Seen> => (await site.fetch(at)).json() as Promise<Seen>
const post = (path: string, init: RequestInit = {}) =>
  site.fetch(`${at}${path}`, { method: 'POST', ...init })
const phase = (): string => site.app.instances.get('web', 'doc').phase

describe('a request', () => {
  it('arrives whole: method, path, query, headers and bytes, and who asks', async () => {
    const cookie = await site.login('ada')
    const body = new Uint8Array(limits.httpBodyBytesMax).fill(200)
    const headers = { cookie: `${cookie}; mine=1`, 'x-mine': 'ä', 'x-sojourn-user': 'eve' }
    const response = await site.fetch(`${at}/echo?a=%20b&a=c`, { method: 'PUT', headers, body })
    const echo = (await response.json()) as {
      url: string
      method: string
      headers: [string, string][]
      body: string
      key: string
      caller: { user: string; grant: unknown; session: string }
    }
    expect(echo).toMatchObject({ method: 'PUT', key: 'doc' })
    expect(new URL(echo.url).search).toBe('?a=%20b&a=c')
    expect(Buffer.from(echo.body, 'base64').equals(body)).toBe(true)
    expect(echo.caller).toMatchObject({ user: 'ada', grant: { role: 'writer' } })
    const seen = Object.fromEntries(echo.headers)
    expect(seen).toMatchObject({ cookie: 'mine=1', 'x-mine': 'ä' })
    expect(seen['x-sojourn-user']).toBe('ada')
  })

  it('with a body above the limit is refused, and the connection serves the next', async () => {
    const large = new Uint8Array(limits.httpBodyBytesMax + 1)
    const refused = await post('/echo', { body: large })
    expect([refused.status, await refused.json()]).toMatchObject([
      413,
      { error: { code: 'MESSAGE_TOO_LARGE' } },
    ])
    const chunked = new Blob([large]).stream()
    const again = await post('/echo', { body: chunked, duplex: 'half' } as RequestInit)
    expect(again.status).toBe(413)
    expect((await post('/add')).status).toBe(200)
  })

  it('is a turn: others wait for it, and none is lost', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, async () => (await post('/add?ms=20')).json()),
    )
    const counts = answers.map((answer) => (answer as Seen).count).sort((a, b) => a - b)
    expect(counts).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  it('that throws leaves nothing, and says no more than its code', async () => {
    const forbidden = await post('/throw')
    expect([forbidden.status, await forbidden.json()]).toMatchObject([
      403,
      { error: { code: 'FORBIDDEN' } },
    ])
    const broken = await post('/break')
    expect(broken.status).toBe(500)
    expect(await broken.text()).not.toContain('secret')
    expect((await post('/nothing')).status).toBe(500)
    expect((await look()).count).toBe(0)
  })

  it('answers HEAD without a body, and keeps cookies apart', async () => {
    const got = await site.fetch(`${at}/cookies`)
    expect([got.status, await got.text()]).toEqual([203, 'ä'])
    expect(got.headers.getSetCookie()).toEqual([
      'a=1; Path=/',
      'b=2; Expires=Wed, 21 Oct 2035 07:28:00 GMT',
    ])
    const head = await site.fetch(`${at}/cookies`, { method: 'HEAD' })
    expect([head.status, await head.text(), head.headers.getSetCookie().length]).toEqual([
      203,
      '',
      2,
    ])
  })

  it('whose client leaves is aborted, and one that was answered is not', async () => {
    await look()
    const controller = new AbortController()
    const left = site.fetch(`${at}/waits`, { signal: controller.signal })
    await pause(100)
    controller.abort()
    await expect(left).rejects.toThrow()
    await until(async () => (await look()).aborted === 1, 'it is aborted')
    expect(await (await site.fetch(`${at}/waits`)).text()).toBe('late')
    await pause(50)
    expect((await look()).aborted).toBe(1)
  })

  it('is refused by a backend that serves none', async () => {
    const response = await site.fetch('/live/log/doc')
    expect([response.status, await response.json()]).toMatchObject([
      426,
      { error: { code: 'UPGRADE_REQUIRED' } },
    ])
  })

  it('wakes what hibernates, and finds its state', async () => {
    await post('/add')
    await until(() => phase() === 'stopped', 'it hibernates')
    expect(site.app.instances.get('web', 'doc').lastEnd?.reason).toBe('idle')
    expect((await look()).count).toBe(1)
  })

  it('that loses its process is answered with 503, and the next by another process', async () => {
    const { pid } = await look()
    expect((await post('/die')).status).toBe(503)
    expect((await look()).pid).not.toBe(pid)
  })

  it('that loses its host is answered with 503, and the next by another host', async () => {
    await post('/add')
    const cut = post('/add?ms=5000')
    await pause(100)
    process.kill(site.instance.parent, 'SIGKILL')
    expect((await cut).status).toBe(503)
    await until(async () => (await site.fetch(at)).ok, 'another host serves')
    expect((await look()).count).toBe(1)
  })

  it('shows nobody what is not in the journal yet', async () => {
    const socket = site.socket(`${at}/raw`)
    await heard(socket)
    const seen: string[] = []
    socket.on('message', (data) => seen.push(String(data)))
    let answered = false
    const added = post('/add?ms=200').finally(() => {
      answered = true
    })
    await pause(100)
    const { parent } = site.instance
    process.kill(parent, 'SIGSTOP')
    try {
      socket.send('add')
      await pause(500)
      expect([answered, seen]).toEqual([false, []])
    } finally {
      process.kill(parent, 'SIGCONT')
    }
    expect(await (await added).json()).toEqual({ count: 1 })
    await until(() => seen.length > 0, 'the socket hears')
    expect(seen).toEqual(['2'])
  })

  it('that streams keeps the instance awake, and ends with its session', async () => {
    const cookie = await site.login('ada')
    const response = await site.fetch(`${at}/ticks`, { headers: { cookie } })
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    const { pid } = await look()
    await pause(1_000)
    expect((await look()).pid).toBe(pid)
    const drained = (async () => {
      while (!(await reader.read()).done);
    })()
    await site.fetch('/logout', { headers: { cookie } })
    await expect(drained).rejects.toThrow()
    await until(async () => (await look()).aborted === 1, 'its stream is cancelled')
    await until(() => phase() === 'stopped', 'it hibernates')
  })
})

describe.each(['http', 'https'] as const)('a raw socket over %s', (way) => {
  it('knows its path and its client, and takes text and bytes', async () => {
    const cookie = way === 'http' ? await site.login('ada') : ''
    const socket = site.socket(`${at}/sync/x?room=7`, { way, cookie })
    expect(await heard(socket)).toBe(`/sync/x?room=7 ${cookie ? 'ada' : 'nobody'} 0`)
    expect(await told(socket, 'text')).toBe('text')
    expect(await told(socket, new Uint8Array([65, 66, 67]))).toBe('CBA')
    expect(await told(socket, 'later')).toBe('later')
    const closed = closing(socket)
    socket.send('bye')
    expect(await closed).toEqual([3999, 'bye'])
    await until(async () => (await look()).closed === 1, 'its end is told')
  })

  it('hears nothing of a turn that fails', async () => {
    const socket = site.socket(`${at}/raw`, { way })
    await heard(socket)
    const seen: string[] = []
    socket.on('message', (data) => seen.push(String(data)))
    const closed = closing(socket)
    socket.send('fail')
    expect(await closed).toEqual([4403, 'FORBIDDEN'])
    expect([seen, (await look()).count]).toEqual([[], 0])
  })

  it('is refused with the code that its handler throws', async () => {
    expect(await closing(site.socket(`${at}/refused`, { way }))).toEqual([4403, 'FORBIDDEN'])
  })

  it('keeps its instance awake, and is told to come back when that is ended', async () => {
    const socket = site.socket(`${at}/raw`, { way })
    await heard(socket)
    await pause(1_000)
    expect([await told(socket, 'here'), phase()]).toEqual(['here', 'ready'])
    const closed = closing(socket)
    await site.app.instances.stop('web', 'doc')
    expect((await closed)[0]).toBe(1012)
  })

  it('is closed when its session ends', async () => {
    const cookie = await site.login('ada')
    const socket = site.socket(`${at}/raw`, { way, cookie })
    expect(await heard(socket)).toBe('/raw ada 0')
    const closed = closing(socket)
    await site.fetch('/logout', { headers: { cookie } })
    expect(await closed).toEqual([4401, 'SESSION_ENDED'])
  })
})

it('opens no more raw sockets of one session than the limit', async () => {
  const cookie = await site.login('ada')
  const sockets = Array.from({ length: limits.connectionsPerSessionMax }, () =>
    site.socket(`${at}/raw`, { cookie }),
  )
  await Promise.all(sockets.map(heard))
  expect(await closing(site.socket(`${at}/raw`, { cookie }))).toEqual([
    4429,
    'CONNECTIONS_TOO_MANY',
  ])
})

describe('a client over TLS', () => {
  const enter = (cookie = '') => {
    const open = ((url: string, protocols?: string[]) =>
      new WebSocket(url, protocols ?? [], {
        rejectUnauthorized: false,
        headers: { origin: site.url('', 'https'), ...(cookie && { cookie }) },
      })) as unknown as NonNullable<ConnectOptions['open']>
    return connect<typeof web>(site.url(at, 'https'), { open })
  }

  it('acts, sees what plain clients do, and resumes after a crash', async () => {
    const live = enter()
    expect(await live.actions.add()).toBe(1)
    await post('/add')
    await until(() => live.state?.count === 2, 'it sees the change')
    const before = live.state
    await post('/die')
    await until(() => live.status === 'stale', 'its process is gone')
    expect([await live.actions.add(), before?.count]).toEqual([3, 2])
    live.close()
  })

  it('is closed for good when its session ends', async () => {
    const cookie = await site.login('ada')
    const live = enter(cookie)
    await live.actions.add()
    await site.fetch('/logout', { headers: { cookie } })
    await until(() => live.status === 'closed', 'it is closed')
    expect(live.error?.code).toBe('SESSION_ENDED')
  })
})

it('serves HTTP over TLS', async () => {
  const { status, body } = await site.fetchTls(at)
  expect([status, JSON.parse(body)]).toMatchObject([200, { count: 0 }])
  expect(await once(site.socket(`${at}/raw`, { way: 'https' }), 'open')).toEqual([])
})
