/** Ends that come from outside, and for whose fault: with processes that the test plays. */
import { beforeEach, describe, expect, it } from 'vitest'
import { settle } from '../../../test/fakes/instance.ts'
import { FakeHandle, FakeLaunch, nothing } from '../../../test/fakes/launch.ts'
import { limits, silentLog } from '../../base/core/index.ts'
import type { HostToDoor, ModulePlan, StatusChange } from '../../base/protocol/index.ts'
import { type VirtualClock, virtualClock } from '../../testing/index.ts'
import { Host } from './host.ts'

const base: ModulePlan = {
  kind: 'module',
  module: 'file:///board.js',
  idleAfterMs: 1_000_000,
  env: {},
  warm: 0,
  perProcess: 1,
  memoryBytesMax: 0,
  lifetimeMs: 0,
}

let clock: VirtualClock
let launches: FakeLaunch
let told: HostToDoor[]
let host: Host
let epoch = 0

function open(plan: Partial<ModulePlan> = {}): void {
  clock = virtualClock()
  launches = new FakeLaunch()
  told = []
  host = new Host({
    backends: { board: { ...base, ...plan } },
    folderOf: () => undefined,
    directory: { claim: (of) => ({ ...of, epoch: ++epoch, nonce: 'n' }), close: () => {} },
    spawn: nothing,
    makeBox: nothing,
    relay: '/nowhere',
    journal: {
      recover: () => ({ records: [] }),
      write: (batch) => batch.map(() => true),
      sync: () => {},
      due: () => [],
      nextWakeMs: () => undefined,
    },
    launch: launches.launch,
    clock,
    log: silentLog,
    tell: (message) => told.push(message),
    defer: setImmediate,
    onBroken: (error) => {
      throw error
    },
  })
}
beforeEach(() => open())

async function connect(key = 'x'): Promise<void> {
  const caller = { connection: `c_${told.length}_${key}`, grant: true }
  const facts = { caller, url: '/', headers: {}, head: new Uint8Array(0) }
  host.connect({ backend: 'board', key }, facts, new FakeHandle())
  await settle()
}
async function serve(key = 'x'): Promise<void> {
  await connect(key)
  const child = launches.newest
  child.tell({ type: 'ready' })
  await settle()
  child.tell({ type: 'adopted', connection: child.connections.at(-1) ?? '' })
}
async function exit(): Promise<void> {
  launches.newest.exit()
  await settle()
}
const changes = (): StatusChange[] => told.flatMap((word) => (word.type === 'status' ? word : []))
const ends = () =>
  changes().flatMap(({ phase, key, reason }) => (phase === 'stopped' ? [[key, reason]] : []))
const refusals = () => told.flatMap((word) => (word.type === 'refused' ? word.code : []))

describe('the watchdog', () => {
  it('ends a process that owes an answer for too long, and not one that gives it late', async () => {
    await serve()
    const { newest } = launches
    clock.advance(limits.stuckAfterMs)
    expect(newest.killed).toBe(false)
    newest.say({ type: 'beat' })
    clock.advance(limits.stuckAfterMs)
    expect(newest.killed).toBe(false)
    clock.advance(2 * limits.beatEveryMs)
    expect(newest.killed).toBe(true)
    await exit()
    expect(ends()).toEqual([['x', 'stuck']])
  })

  it('sends nobody to a process that it has just ended', async () => {
    await serve()
    clock.advance(limits.stuckAfterMs + 2 * limits.beatEveryMs)
    const before = launches.newest.connections.length
    await connect()
    expect(launches.newest.connections).toHaveLength(before)
    await exit()
    expect(launches.children).toHaveLength(2)
  })
})

describe('a key that crashes again and again', () => {
  async function crash(): Promise<void> {
    const before = launches.children.length
    connect()
    for (let n = 0; launches.children.length === before && n < 1_000; n += 1) {
      await settle()
      clock.advance(50)
    }
    launches.newest.output.write('the reason\n')
    await settle()
    await exit()
  }

  it('is parked, which its status and its clients are told, until it is stopped', async () => {
    for (let n = 0; n < limits.crashesMax; n += 1) {
      expect(changes().some(({ isParked }) => isParked)).toBe(false)
      await crash()
    }
    const last = { phase: 'stopped', reason: 'start-failed', lastOutput: 'the reason' }
    expect(changes().at(-1)).toMatchObject({ ...last, isParked: true })
    await connect()
    expect(refusals().at(-1)).toBe('INSTANCE_PARKED')
    expect(launches.children).toHaveLength(limits.crashesMax)
    await host.end({ backend: 'board', key: 'x' })
    await connect()
    expect(launches.children).toHaveLength(limits.crashesMax + 1)
  })
})

describe('an end', () => {
  it('comes with age, and to a process that ignores it by a kill', async () => {
    open({ lifetimeMs: 5_000 })
    await serve()
    launches.newest.say({ type: 'beat' })
    clock.advance(5_000)
    expect(launches.newest.heard.at(-1)?.type).toBe('stop')
    clock.advance(limits.stopMs)
    expect(launches.newest.killed).toBe(true)
    await exit()
    expect(ends()).toEqual([['x', 'lifetime']])
  })

  it('that is asked for comes also to one that is just starting', async () => {
    await connect()
    const ended = host.end({ backend: 'board', key: 'x' })
    expect(launches.newest.heard.at(-1)?.type).toBe('stop')
    launches.newest.tell({ type: 'stopped' })
    await exit()
    await ended
    expect(ends()).toEqual([['x', 'requested']])
    expect(refusals()).toEqual(['INSTANCE_STOPPED'])
  })

  it('shows the last output of what runs, and nothing of what does not', async () => {
    expect(host.log({ backend: 'board', key: 'x' })).toBeUndefined()
    await serve()
    launches.newest.output.write('one\ntwo\n')
    await settle()
    expect(host.log({ backend: 'board', key: 'x' })).toEqual(['one', 'two'])
  })
})

describe('neighbours', () => {
  async function three(): Promise<void> {
    open({ perProcess: 3 })
    for (const key of ['a', 'b']) await serve(key)
    await connect('c')
  }
  const instanceOf = (key: string): number =>
    launches.newest.heard.flatMap((message) =>
      message.type === 'start' && message.name.key === key ? message.instance : [],
    )[0] ?? 0

  it('are not charged for what one of them did, nor is one that was just starting', async () => {
    await three()
    launches.newest.say({ type: 'failed', instance: instanceOf('a'), message: 'no' })
    await exit()
    expect(ends().toSorted()).toEqual([
      ['a', 'crashed'],
      ['b', 'neighbour'],
      ['c', 'neighbour'],
    ])
    expect(refusals()).toEqual(['INSTANCE_STOPPED'])
  })

  it('are not charged for one that does not start in time', async () => {
    await three()
    for (let ms = 0; ms < limits.startMs; ms += 500) {
      launches.newest.say({ type: 'beat' })
      clock.advance(500)
    }
    expect(launches.newest.killed).toBe(true)
    await exit()
    expect(ends()).toEqual([
      ['a', 'neighbour'],
      ['b', 'neighbour'],
      ['c', 'start-failed'],
    ])
  })

  it('are all charged when nobody knows whose fault it was', async () => {
    await three()
    await exit()
    expect(ends().map(([, reason]) => reason)).toEqual(['crashed', 'crashed', 'start-failed'])
  })
})
