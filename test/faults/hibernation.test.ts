/** Instances that hibernate while their clients stay connected: nobody may notice. */
import { once } from 'node:events'
import { connect as dial, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeFromClient, parseFromInstance } from '../../src/base/protocol/index.ts'
import { instancesOf, until } from '../e2e/scratch.ts'
import { type LogLive, openWorld, type World } from './world.ts'

const idleAfterMs = 300
let world: World
beforeEach(async () => {
  world = await openWorld(undefined, { idleAfterMs })
})
afterEach(() => world.close())

const isLive = (live: LogLive) => until(() => live.status === 'live', 'live')
const isAsleep = () => until(() => instancesOf(process.pid).length === 0, 'no process runs')

/** Everything but `live` that a client ever is from now on. */
function unrest(live: LogLive): string[] {
  const seen: string[] = []
  live.subscribe(() => live.status !== 'live' && seen.push(live.status))
  return seen
}

describe('a quiet instance', () => {
  it('ends its process and keeps its clients, who see what comes next and no break', async () => {
    const lives = [world.connect('a'), world.connect('a'), world.connect('a')]
    await Promise.all(lives.map(isLive))
    const [one, two] = lives as [LogLive, LogLive]
    one.presence.set({ x: 1 })
    await one.actions.append('first')
    const seen = lives.map(unrest)
    for (const round of [1, 2, 3]) {
      await isAsleep()
      expect(await two.actions.append(`round ${round}`)).toBe(round + 1)
      await expect.poll(() => one.state?.entries.at(-1)).toBe(`round ${round}`)
      expect(one.state?.starts).toBe(round + 1)
    }
    expect(seen).toEqual([[], [], []])
    expect(two.presence.others.map(({ value }) => value)).toContainEqual({ x: 1 })
    // A fresh look from the journal shows the same.
    await isAsleep()
    const late = world.connect('a')
    await isLive(late)
    expect(late.state?.entries).toEqual(['first', 'round 1', 'round 2', 'round 3'])
    expect(late.presence.others).toHaveLength(3)
  })

  it('I7, I9, I17: loses and doubles nothing of what many clients say while it falls asleep and wakes', async () => {
    const lives = Array.from({ length: 8 }, () => world.connect('a'))
    await Promise.all(lives.map(isLive))
    const acknowledged: string[] = []
    await Promise.all(
      lives.map(async (live, writer) => {
        for (let n = 0; n < 6; n += 1) {
          // Around the time at which it falls asleep, on either side.
          const pauseMs = idleAfterMs + (Math.random() - 0.5) * 120
          await new Promise((resolve) => setTimeout(resolve, pauseMs))
          const entries = [0, 1, 2].map((part) => `${writer}-${n}-${part}`)
          await Promise.all(entries.map((entry) => live.actions.append(entry)))
          acknowledged.push(...entries)
        }
      }),
    )
    // What others were told may reach this one a moment later.
    for (const live of lives)
      await expect
        .poll(() => live.state?.entries.toSorted(), { timeout: 5_000 })
        .toEqual(acknowledged.toSorted())
    expect(lives[0]?.state?.starts).toBeGreaterThan(1)
  })

  it('I17: resumes exactly when a client was away after a wake', async () => {
    const [one, two] = [world.connect('a'), world.connect('a')]
    await Promise.all([isLive(one), isLive(two)])
    await isAsleep()
    await two.actions.append('x')
    await expect.poll(() => one.state?.entries).toEqual(['x'])
    const before = one.state?.entries
    for (const { pid } of instancesOf(process.pid)) process.kill(pid, 'SIGKILL')
    await until(() => one.status === 'stale', 'cut')
    await until(() => one.status === 'live', 'back')
    // Only frames came: what did not change kept its identity.
    expect(one.state?.entries).toBe(before)
  })

  it('F69, I19: ends the connection of a session that ended, and wakes for nobody', async () => {
    world.sessions.add('s1')
    const [mine, other] = [world.connect('a', 's1'), world.connect('a')]
    await Promise.all([isLive(mine), isLive(other)])
    await isAsleep()
    world.sessions.delete('s1')
    world.gateway.endSession('s1')
    await until(() => mine.status === 'closed', 'closed')
    expect(mine.error?.code).toBe('SESSION_ENDED')
    await expect.poll(() => other.presence.others).toEqual([])
    expect(other.status).toBe('live')
    expect(instancesOf(process.pid)).toEqual([])
  })

  it('F3, I26: lets its clients come back when the host dies', async () => {
    const live = world.connect('a')
    await live.actions.append('x')
    await isAsleep()
    await world.killHost()
    await until(() => live.status === 'stale', 'cut')
    expect(await live.actions.append('y')).toBe(2)
  })
})

/** A client that speaks WebSocket byte by byte. */
async function bareClient(key: string): Promise<{ socket: Socket; heard: number[] }> {
  const socket = dial(world.port, 'localhost')
  const heard: number[] = []
  socket.write(
    `GET /live/log/${key} HTTP/1.1\r\nHost: localhost:${world.port}\r\nUpgrade: websocket\r\n` +
      'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  )
  await once(socket, 'data')
  socket.on('data', (chunk) => heard.push(...chunk))
  return { socket, heard }
}

function frame(opcode: number, payload: Uint8Array): Buffer {
  const mask = Buffer.from([1, 2, 3, 4])
  const masked = payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0))
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.byteLength]), mask, masked])
}
const said = (message: Parameters<typeof encodeFromClient>[0]) =>
  frame(2, encodeFromClient(message))

describe('a parked socket', () => {
  it('answers pings and heartbeats without a process, however they are cut', async () => {
    const { socket, heard } = await bareClient('a')
    socket.write(said({ type: 'hello', version: 1, acked: 0 }))
    await until(() => heard.length > 0, 'welcome')
    await isAsleep()
    heard.length = 0
    const bytes = Buffer.concat([
      frame(9, Buffer.from('hi')),
      said({ type: 'ping', sentMs: 5 }),
      frame(10, Buffer.of()),
    ])
    for (const byte of bytes) {
      socket.write(Uint8Array.of(byte))
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await until(() => heard.length >= 23, 'answers')
    expect(heard.slice(0, 4)).toEqual([0x8a, 2, ...Buffer.from('hi')])
    expect(heard.slice(4, 6)).toEqual([0x82, 17])
    expect(parseFromInstance(Uint8Array.from(heard.slice(6, 23)))).toEqual({
      type: 'pong',
      sentMs: 5,
      serverMs: expect.closeTo(Date.now(), -4),
    })
    expect(instancesOf(process.pid)).toEqual([])
    heard.length = 0
    socket.write(frame(8, Buffer.from([3, 232])))
    await once(socket, 'end')
    expect(heard).toEqual([0x88, 2, 3, 232])
    expect(instancesOf(process.pid)).toEqual([])
  })

  it('gives the next process every byte of what woke it, also of what came behind', async () => {
    const { socket, heard } = await bareClient('a')
    socket.write(said({ type: 'hello', version: 1, acked: 0 }))
    await until(() => heard.length > 0, 'welcome')
    await isAsleep()
    const actions = [1, 2, 3, 4].map((n) =>
      said({ type: 'action', n, acked: 0, name: 'append', input: `entry ${n}` }),
    )
    const bytes = Buffer.concat([said({ type: 'ping', sentMs: 5 }), ...actions])
    for (let at = 0; at < bytes.byteLength; at += 11) {
      socket.write(bytes.subarray(at, at + 11))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const live = world.connect('a')
    await expect
      .poll(() => live.state?.entries, { timeout: 5_000 })
      .toEqual(['entry 1', 'entry 2', 'entry 3', 'entry 4'])
    socket.destroy()
  })
})
