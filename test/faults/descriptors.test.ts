/** Descriptors run out: of the process of an instance, of the host, of the application. */
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { instancesOf, until } from '../e2e/scratch.ts'
import { limitDescriptors, limitForMore } from './machine.ts'
import { type LogLive, openWorld, type World } from './world.ts'

let world: World
afterEach(() => world.close())

const isLive = (live: LogLive) => until(() => live.status === 'live', 'live')
const hostPid = (): number => instancesOf(process.pid)[0]?.parent ?? 0
const plenty = 4_096

describe('F19: a host without descriptors', () => {
  it.each([1, 3, 6, 9])('I24, I28: goes on with %i left, and takes others when there are more', async (left) => {
    world = await openWorld()
    const [live, other] = [world.connect('a'), world.connect('b')]
    await Promise.all([live, other].map(isLive))
    const host = hostPid()
    limitDescriptors(host, limitForMore(host, left))
    const late = [world.connect('c'), world.connect('d'), world.connect('a')]
    for (let n = 0; n < 20; n += 1) {
      await live.actions.append(String(n))
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    console.info({ left, statuses: late.map(({ status }) => status), same: hostPid() === host }, world.logged.map((l) => l.message + JSON.stringify(l.facts)))
    limitDescriptors(host, plenty)
    await Promise.all(late.map(isLive))
    await other.actions.append('x')
    expect(hostPid()).toBe(host)
  })

  it('I23, I28: forgets nobody whose socket it could not take', async () => {
    world = await openWorld()
    world.sessions.add('s1')
    const live = world.connect('a')
    await isLive(live)
    const host = hostPid()
    limitDescriptors(host, limitForMore(host, 0))
    const closed = []
    const log: any[] = []
    for (let n = 0; n < 60; n += 1) {
      const socket = new WebSocket(`ws://localhost:${world.port}/live/log/a?session=s1`, {origin: 'http://localhost'})
      socket.on('error', (e) => {log.push(e.message)})
      closed.push(new Promise((resolve) => socket.on('close', (code, r) => {log.push(code+' '+r);resolve(code)})))
    }
    await Promise.race([Promise.all(closed), new Promise(r => setTimeout(r, 15000))])
    console.log(log)
    limitDescriptors(host, plenty)
    const late = world.connect('a', 's1')
    await isLive(late)
  })
})
