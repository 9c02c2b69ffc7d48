/** What a box keeps in, and what still works inside. */
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sojourn } from '../../src/app/index.ts'
import { limits, silentLog } from '../../src/base/core/index.ts'
import { connect, type Live } from '../../src/client/index.ts'
import { hasSandbox } from '../../src/live/host/sandbox.ts'
import { childrenOf, isAlive, until } from '../e2e/scratch.ts'
import type boxed from './backends/boxed.ts'
import { Site } from './site.ts'

const canBox = hasSandbox()
if (!canBox) console.warn('NOT TESTED: the sandbox, for want of bubblewrap 0.8')

const module = new URL('./backends/boxed.ts', import.meta.url)
const lives: Live<typeof boxed>[] = []
let site: Site

afterEach(async () => {
  for (const live of lives.splice(0)) live.close()
  await site?.close()
})

async function open(
  given: { network?: boolean; idleAfterMs?: number; memoryBytesMax?: number } = {},
) {
  const { network = false, ...others } = given
  const authorize = () => true
  site = await Site.open({
    boxed: { module, authorize, sandbox: { network }, ...others },
    open: { module, authorize, ...others, warm: 0 },
  })
}

function enter(key = 'a', backend = 'boxed'): Live<typeof boxed> {
  const live = connect<typeof boxed>(site.url(`/live/${backend}/${key}`))
  lives.push(live)
  return live
}
const find = (key = 'a') => site.app.instances.get('boxed', key)
const leftOf = (sign: string): number[] =>
  childrenOf(process.pid).flatMap(({ pid, command }) => (command.includes(sign) ? pid : []))

describe.runIf(canBox)('a box', () => {
  it('hides files: of the platform, of other keys, of the user, of the system', async () => {
    await open()
    const [live, other, unboxed] = [enter(), enter('b'), enter('a', 'open')]
    const [own, others] = [await live.actions.folder(), await other.actions.folder()]
    const secret = join(site.data.path, 'sessions.db')
    await other.actions.write('secret')
    const hidden = [
      ...[secret, join(site.data.path, 'journal.db'), join(others, 'secret')],
      ...[join(homedir(), '.bashrc'), '/etc/passwd', '/etc/shadow', '/proc/1/root/etc/passwd'],
      ...[join(process.cwd(), '.git'), `/proc/${process.pid}/environ`],
    ]
    for (const path of hidden)
      expect([path, await live.actions.read(path)]).toEqual([path, 'ENOENT'])
    expect(await live.actions.list(site.data.path)).toEqual(['folders'])
    expect(await live.actions.list(join(own, '..'))).toEqual(['a'])
    // The same without a box reads it: the test looks in the right place.
    expect(await unboxed.actions.read(secret)).toContain('SQLite format 3')
  })

  it('lets it write to its folder only, and to little memory', async () => {
    await open()
    const live = enter()
    const own = await live.actions.folder()
    expect(await live.actions.write('note')).toBe('written')
    expect(await live.actions.read(join(own, 'note'))).toBe('x')
    expect(await live.actions.write('/tmp/note')).toBe('written')
    for (const path of ['/tmp', '/dev/shm'])
      expect(await live.actions.bytesFree(path)).toBeLessThanOrEqual(limits.boxTmpBytesMax)
    // What lies in the box's own /tmp takes it, and it stays there.
    await live.actions.write(join(site.data.path, 'note'))
    await live.actions.write(join(own, '..', 'note'))
    expect(existsSync(join(site.data.path, 'note'))).toBe(false)
    expect(existsSync(join(own, '..', 'note'))).toBe(false)
    const places = ['/', '/dev', '/usr', '/etc', '/var', '/proc']
    for (const place of [...places, process.cwd(), homedir(), join(process.cwd(), 'src')])
      expect([place, await live.actions.write(join(place, 'note'))]).toEqual([
        place,
        expect.stringMatching(/^(EROFS|ENOENT|EACCES|EPERM)$/),
      ])
  })

  it('shows it no other process, no variable and no user', async () => {
    process.env['SOJOURN_TEST_SECRET'] = 'of the host'
    await open()
    const live = enter()
    expect(await live.actions.processes()).toBeLessThan(5)
    expect(await live.actions.signal(process.pid)).toBe('ESRCH')
    const environment = (await live.actions.environment()) as Record<string, string>
    expect(environment['SOJOURN_TEST_SECRET']).toBeUndefined()
    expect(environment['home']).toBe(await live.actions.folder())
    expect(await live.actions.run(['id', '-u'])).toBe('0: 65534\n')
    expect(await live.actions.run(['unshare', '-Ur', 'true'])).toMatch(/^1: /)
  })

  it.each([false, true])('has the network that was asked for: %s', async (network) => {
    await open({ network })
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const live = enter()
    const reached = await live.actions.dial({ port, host: '127.0.0.1' })
    expect(reached).toBe(network ? 'connected' : 'ECONNREFUSED')
    if (!network)
      expect(await live.actions.dial({ port: 53, host: '192.0.2.1' })).toBe('ENETUNREACH')
    server.close()
  })

  it('serves actions and HTTP, keeps its state, and its clients while it hibernates', async () => {
    await open({ idleAfterMs: 300 })
    const live = enter()
    expect(await live.actions.add()).toBe(1)
    expect(await (await site.fetch('/live/boxed/a')).text()).toBe('1')
    await until(() => find().phase === 'stopped', 'it hibernates')
    expect([find().lastEnd?.reason, live.status]).toEqual(['idle', 'live'])
    expect(await live.actions.add()).toBe(2)
    expect(await (await site.fetch('/live/boxed/a')).text()).toBe('2')
  })

  it('ends with all that is in it, also what left its group', async () => {
    await open()
    const live = enter()
    await live.actions.leave()
    expect(leftOf('sleep 1234')).toHaveLength(1)
    const [left = 0] = leftOf('sleep 1234')
    process.kill(find().pid ?? 0, 'SIGKILL')
    await until(() => !isAlive(left), 'what it started is gone')
    await until(() => find().epoch === 2 && find().phase === 'ready', 'another serves')
    expect([await live.actions.add(), find().lastEnd?.reason]).toEqual([1, 'crashed'])
  })

  it('does not outlive its host, also when it spins', async () => {
    await open()
    const live = enter()
    await live.actions.leave()
    const pids = [...leftOf('sleep 1234'), ...leftOf('bwrap')]
    live.actions.spin().catch(() => {})
    await pause(100)
    const [host = 0] = leftOf('host-main')
    process.kill(host, 'SIGKILL')
    await until(() => !pids.some(isAlive), 'all are gone')
    live.close()
  })

  it('is weighed by what is in it', async () => {
    await open({ memoryBytesMax: 256 * 2 ** 20 })
    const live = enter()
    await live.actions.add()
    live.actions.grow().catch(() => {})
    await until(() => find().lastEnd, 'it is ended')
    expect(find().lastEnd?.reason).toBe('out-of-memory')
    live.close()
  })

  it('hides the data and what is hidden in the folder of its code', async () => {
    const home = mkdtempSync(join(tmpdir(), 'sojourn-app-'))
    const text = readFileSync(module, 'utf8').replace('../../..', process.cwd())
    for (const [name, content] of Object.entries({
      'board.ts': text,
      'package.json': '{"type":"module"}',
      '.env': 'SECRET=1',
    }))
      writeFileSync(join(home, name), content)
    symlinkSync(join(process.cwd(), 'node_modules'), join(home, 'node_modules'))
    const data = join(home, 'var', 'data')
    mkdirSync(data, { recursive: true })
    symlinkSync(join(home, 'var'), join(home, 'linked'))
    cpSync(join(home, 'package.json'), join(home, 'var', 'seen.json'))
    const board = { module: new URL(`file://${home}/board.ts`), authorize: () => true }
    site = await Site.open({ boxed: { ...board, sandbox: true } }, data)
    const live = enter()
    expect(await live.actions.read(join(home, 'var', 'seen.json'))).toContain('module')
    for (const path of ['.env', 'var/data/sessions.db', 'linked/data/sessions.db'])
      expect([path, await live.actions.read(join(home, path))]).toEqual([path, 'ENOENT'])
    expect(await live.actions.write(join(data, 'note'))).toBe('EROFS')
    expect(await live.actions.write('note')).toBe('written')
    live.close()
    await site.close()
    rmSync(home, { recursive: true })
  })

  it.each([null, { type: 'log', level: '__proto__' }])(
    'ends alone when it says %j to its host',
    async (nonsense) => {
      await open()
      const [live, other] = [enter(), enter('b')]
      const pid = await other.actions.pid()
      await live.actions.add()
      live.actions.say(nonsense).catch(() => {})
      await until(() => find().lastEnd, 'it is ended')
      live.close()
      expect([find().lastEnd?.reason, await other.actions.pid()]).toEqual(['crashed', pid])
    },
  )

  it('cannot have the door dial a socket outside', async () => {
    await open()
    const run = mkdtempSync(join(tmpdir(), 'sojourn-victim-'))
    const victim = createServer((_, response) => response.end('the victim'))
    const path = join(run, 'victim.sock')
    await new Promise<void>((resolve) => victim.listen(path, resolve))
    const live = enter()
    const sockets = (await live.actions.run(['sh', '-c', 'ls -d /tmp/sojourn-*/box-*']))
      .slice(3)
      .trim()
    await live.actions.lure({ to: path, at: join(sockets, 'http.sock') })
    const response = await site.fetch('/live/boxed/a')
    expect([response.status, await response.text()]).toEqual([
      503,
      expect.not.stringMatching('victim'),
    ])
    victim.close()
    rmSync(run, { recursive: true })
  })
})

describe.runIf(canBox)('the platform', () => {
  const folders: string[] = []
  beforeEach(() => {
    folders.push(realpathSync(mkdtempSync(join(tmpdir(), 'sojourn-app-'))))
  })
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
  })
  const start = (data: string, file: string | URL) =>
    sojourn({
      data,
      development: { port: 1 },
      log: silentLog,
      backends: { boxed: { module: file, sandbox: true, authorize: () => true } },
    })

  it.each([
    ['memory', (_: string) => ':memory:'],
    ['the folder of the code', (folder: string) => folder],
    ['a link to it', (folder: string) => `${folder}-link`],
  ])('refuses a box with its data in %s', async (_, dataIn) => {
    const [folder = ''] = folders
    folders.push(`${folder}-link`)
    symlinkSync(folder, `${folder}-link`)
    writeFileSync(join(folder, 'board.js'), '')
    const url = new URL(`file://${folder}/board.js`)
    await expect(start(dataIn(folder), url)).rejects.toThrow(TypeError)
  })
})
