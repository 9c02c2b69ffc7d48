/** Programs that know nothing of Sojourn, through the real door. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import { hasSandbox } from '../../src/live/host/sandbox.ts'
import { childrenOf, isAlive, until } from '../e2e/scratch.ts'
import { closing, heard, Site, told } from './site.ts'

const program = fileURLToPath(new URL('./programs/server.mjs', import.meta.url))
let site: Site
afterEach(() => site.close())

interface Given {
  readonly idleAfterMs?: number
  readonly lifetimeMs?: number
  readonly sandbox?: boolean
  readonly readyPath?: string
}

async function open(given: Given = {}): Promise<void> {
  site = await Site.open({
    program: {
      command: [process.execPath, program, '{port}', '{key}'],
      authorize: ({ session }) => ({ user: session?.user?.id }),
      env: { MINE: 'yes' },
      ...given,
    },
    python: {
      command: ['/usr/bin/python3', '-m', 'http.server', '{port}', '--bind', '127.0.0.1'],
      authorize: () => true,
    },
    missing: { command: ['/nowhere/at-all'], authorize: () => true },
  })
}

interface Facts {
  readonly pid: number
  readonly child?: number
  readonly argv: string[]
  readonly env: Record<string, string>
  readonly headers: Record<string, string>
  readonly cwd: string
  readonly isReady: boolean
}
const at = (key: string, path = ''): string => `/live/program/${key}${path}`
const facts = async (key: string): Promise<Facts> =>
  (await site.fetch(at(key))).json() as Promise<Facts>
const info = (key: string) => site.app.instances.get('program', key)
const isStopped = (key: string) => until(() => info(key).phase === 'stopped', `${key} stopped`)
const fileOf = (key: string, name: string): string =>
  readFileSync(join(site.data.path, 'folders', 'program', key, name), 'utf8')

/** What is true of a program is true of it in a box without a network. */
const boxes = hasSandbox() ? [false, true] : [false]
if (!hasSandbox()) console.warn('NOT TESTED: commands in a sandbox, for want of bubblewrap 0.8')

it('serves what any program serves, to whoever may enter', async () => {
  await open()
  const response = await site.fetch('/live/python/docs/')
  expect(response.status).toBe(200)
  expect(response.headers.get('server')).toContain('SimpleHTTP')
  expect((await site.fetch('/live/python/docs/missing')).status).toBe(404)
})

it.each(boxes)('tells it its place and who asks (in a box: %s)', async (sandbox) => {
  await open({ sandbox })
  process.env['SOJOURN_TEST_SECRET'] = 'of the host'
  const cookie = await site.login('ada')
  const headers = { cookie: `${cookie}; mine=1` }
  const first = (await (await site.fetch(at('a', '/x?y'), { headers })).json()) as Facts
  const { env, argv } = first
  expect(env).toMatchObject({
    SOJOURN_KEY: 'a',
    SOJOURN_BACKEND: 'program',
    SOJOURN_USER: 'ada',
    MINE: 'yes',
  })
  expect(env['SOJOURN_TEST_SECRET']).toBeUndefined()
  expect(argv.slice(2)).toEqual([env['PORT'], 'a'])
  expect(first).toMatchObject({ url: '/x?y', cwd: join(site.data.path, 'folders', 'program', 'a') })
  expect(first.headers).toMatchObject({ 'x-sojourn-user': 'ada', cookie: 'mine=1' })
  expect(first.headers['x-sojourn-instance']).toBeUndefined()
  const other = await facts('b')
  expect([other.env['SOJOURN_KEY'], other.env['SOJOURN_USER']]).toEqual(['b', undefined])
  expect(other.env['PORT'] === env['PORT']).toBe(false)
})

it.each(boxes)('relays its WebSockets, which keep it awake (in a box: %s)', async (sandbox) => {
  await open({ sandbox, idleAfterMs: 300 })
  const cookie = await site.login('ada')
  const socket = site.socket(at('a', '/ws?q'), { cookie })
  expect(await heard(socket)).toBe('/ws?q ada')
  expect(await told(socket, 'text')).toBe('text')
  await pause(800)
  expect([await told(socket, new Uint8Array([65])), info('a').phase]).toEqual(['A', 'ready'])
  const closed = closing(socket)
  await site.fetch('/logout', { headers: { cookie } })
  expect(await closed).toEqual([4401, 'SESSION_ENDED'])
  await isStopped('a')
  expect(info('a').lastEnd?.reason).toBe('idle')
})

it.each(boxes)('asks it to end, and keeps its folder (in a box: %s)', async (sandbox) => {
  await open({ sandbox })
  await site.fetch(at('a', '/write'))
  const { pid } = info('a')
  await site.app.instances.stop('program', 'a')
  expect(info('a').lastEnd?.reason).toBe('requested')
  expect([isAlive(pid ?? 0), fileOf('a', 'said')]).toEqual([false, 'SIGTERM\n'])
  expect(await (await site.fetch(at('a', '/notes'))).text()).toBe('undefined\n')
})

it('kills one that does not end, and what a program started', async () => {
  await open()
  const [{ pid }, { child = 0 }] = [await facts('stubborn'), await facts('parent')]
  await Promise.all(['stubborn', 'parent'].map((key) => site.app.instances.stop('program', key)))
  expect([isAlive(pid), fileOf('stubborn', 'said')]).toEqual([false, 'SIGTERM\n'])
  await until(() => !isAlive(child), 'what it started is gone')
})

it('waits until its path is answered with something but a fault', async () => {
  await open({ readyPath: '/ready' })
  expect((await facts('slow')).isReady).toBe(true)
})

it('says what a program said that did not start', async () => {
  await open()
  expect((await site.fetch(at('broken'))).status).toBe(503)
  expect(info('broken').lastEnd).toMatchObject({ reason: 'start-failed' })
  expect(info('broken').lastEnd?.output).toContain('no configuration found')
  const socket = site.socket('/live/missing/a')
  expect((await closing(socket))[1]).toBe('INSTANCE_START_FAILED')
})

it('starts one again that ended by itself, and tells its clients', async () => {
  await open()
  const { pid } = await facts('a')
  const socket = site.socket(at('a', '/ws'))
  await heard(socket)
  const closed = closing(socket)
  await site.fetch(at('a', '/exit'))
  await closed
  await until(() => info('a').lastEnd, 'its end is known')
  expect((await facts('a')).pid).not.toBe(pid)
  expect(info('a').lastEnd?.reason).toBe('crashed')
  expect((await site.fetch(at('twice'))).status).toBe(503)
  expect((await site.fetch(at('twice'))).status).toBe(200)
})

it('ends one that has come to its age', async () => {
  await open({ lifetimeMs: 1_000 })
  const socket = site.socket(at('a', '/ws'))
  await heard(socket)
  await closing(socket)
  await isStopped('a')
  expect(info('a').lastEnd?.reason).toBe('lifetime')
})

it.each(boxes)('leaves none behind a host that is killed (in a box: %s)', async (sandbox) => {
  process.env['SOJOURN_TEST_LEASH'] = 'off'
  try {
    await open({ sandbox })
  } finally {
    delete process.env['SOJOURN_TEST_LEASH']
  }
  await facts('parent')
  const [host] = childrenOf(process.pid).filter(({ command }) => command.includes('host-main'))
  const left = childrenOf(host?.pid ?? 0).map(({ pid }) => pid)
  expect(left.length).toBeGreaterThan(1)
  process.kill(host?.pid ?? 0, 'SIGKILL')
  await until(async () => (await site.fetch(at('a'))).ok, 'another host serves')
  expect(left.filter(isAlive)).toEqual([])
})
