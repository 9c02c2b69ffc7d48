/** Descriptors run out: of the process of an instance, of the host, of the server. */
import { once } from 'node:events'
import { get } from 'node:http'
import { connect as connectTcp, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { limits } from '../../src/base/core/index.ts'
import { connect } from '../../src/client/index.ts'
import { freePort, instancesOf, isAlive, run, scratchFolder, until } from '../e2e/scratch.ts'
import type log from './backends/log.ts'
import { has, limitDescriptors, limitForMore } from './machine.ts'
import { type LogLive, openWorld, type World } from './world.ts'

let world: World | undefined
afterEach(async () => {
  await world?.close()
  world = undefined
})

const isLive = (live: LogLive) => until(() => live.status === 'live', 'live')
const hostPid = (): number => instancesOf(process.pid)[0]?.parent ?? 0
const plenty = 4_096

describe.skipIf(!has('prlimit'))('without descriptors (prlimit)', () => {
  it.each([1, 3, 6, 9])(
    'F19, I24, I28: a host goes on with %i left, and starts others when there are more',
    async (left) => {
      world = await openWorld()
      const [live, other] = [world.connect('a'), world.connect('b')]
      await Promise.all([live, other].map(isLive))
      const host = hostPid()
      limitDescriptors(host, limitForMore(host, left))
      const late = [world.connect('c'), world.connect('d'), world.connect('a')]
      for (let n = 1; n <= 10; n += 1) {
        expect(await live.actions.append('x')).toBe(n)
        await pause(50)
      }
      limitDescriptors(host, plenty)
      await Promise.all(late.map(isLive))
      await other.actions.append('x')
      expect(hostPid()).toBe(host)
      expect(['a', 'b'].map((key) => world?.instances.get('log', key).epoch)).toEqual([1, 1])
    },
  )

  it('F19, I23, I28: nobody whose socket a host could not take is forgotten', async () => {
    world = await openWorld()
    world.sessions.add('s1')
    await isLive(world.connect('a'))
    const host = hostPid()
    limitDescriptors(host, limitForMore(host, 0))
    const url = `ws://localhost:${world.port}/live/log/a?session=s1`
    const codes = Array.from({ length: limits.connectionsPerSessionMax }, async () => {
      const socket = new WebSocket(url, { origin: 'http://localhost' })
      const [code] = (await once(socket, 'close')) as [number]
      return code
    })
    expect(new Set(await Promise.all(codes))).toEqual(new Set([4503]))
    limitDescriptors(host, plenty)
    await isLive(world.connect('a', 's1'))
    expect(hostPid()).toBe(host)
  })

  it('F19, I24: a process alone suffers', async () => {
    world = await openWorld()
    const [live, other] = [world.connect('a'), world.connect('b')]
    const [pid = 0] = await Promise.all([live, other].map((one) => one.actions.pid()))
    limitDescriptors(pid, limitForMore(pid, 0))
    const late = world.connect('a')
    // So long that the host takes back what the process did not adopt.
    await pause(limits.adoptMs)
    await live.actions.append('x')
    await other.actions.append('y')
    limitDescriptors(pid, plenty)
    await isLive(late)
    expect(late.state?.entries).toEqual(['x'])
    expect([isAlive(pid), world.instances.get('log', 'b').epoch]).toEqual([true, 1])
  })

  it('F19, I23, I28: a server sheds, and serves when there are more', async () => {
    const data = scratchFolder()
    const port = await freePort()
    const script = new URL('./server-main.ts', import.meta.url).pathname
    const server = await run(script, {
      cwd: data.path,
      args: [data.path, String(port)],
      ready: /listening/,
    })
    const live = connect<typeof log>(`ws://localhost:${port}/live/log/a`)
    const sockets: Socket[] = []
    try {
      await live.actions.append('x')
      limitDescriptors(server.pid, limitForMore(server.pid, 20))
      const ends = Array.from({ length: 100 }, async () => {
        const socket = connectTcp(port, '127.0.0.1').on('error', () => {})
        sockets.push(socket)
        await once(socket, 'close')
      })
      await Promise.race([...ends, pause(20_000)])
      expect(await live.actions.append('y')).toBe(2)
      for (const socket of sockets) socket.destroy()
      await Promise.all(ends)
      limitDescriptors(server.pid, plenty)
      const [answer] = await once(get(`http://localhost:${port}/`), 'response')
      expect(answer.statusCode).toBe(200)
      const late = connect<typeof log>(`ws://localhost:${port}/live/log/b`)
      expect(await late.actions.append('z')).toBe(1)
      late.close()
    } finally {
      live.close()
      await server.end('SIGKILL')
      data.remove()
    }
  })
})
