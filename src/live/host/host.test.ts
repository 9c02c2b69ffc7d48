import { beforeEach, describe, expect, it } from 'vitest'
import { settle } from '../../../test/fakes/instance.ts'
import { FakeHandle, FakeLaunch, nothing } from '../../../test/fakes/launch.ts'
import { limits, SojournError, silentLog } from '../../base/core/index.ts'
import type { BackendPlan, HostToDoor, InstanceName } from '../../base/protocol/index.ts'
import { type VirtualClock, virtualClock } from '../../testing/index.ts'
import { Host } from './host.ts'
import type { Journal } from './journal.ts'

const idleAfterMs = 1_000
const plan: BackendPlan = {
  kind: 'module',
  module: 'file:///board.js',
  idleAfterMs,
  env: {},
  warm: 0,
  perProcess: 1,
  memoryBytesMax: 0,
  lifetimeMs: 0,
}
const name: InstanceName = { backend: 'board', key: 'x' }

let clock: VirtualClock
let launches: FakeLaunch
let told: HostToDoor[]
let journal: Journal
let claims: number
let claimFault: Error | undefined
let host: Host

beforeEach(() => {
  clock = virtualClock()
  launches = new FakeLaunch()
  told = []
  claims = 0
  claimFault = undefined
  journal = {
    recover: () => ({ records: [] }),
    write: () => [true],
    sync: () => {},
    due: () => [],
    nextWakeMs: () => undefined,
  }
  host = new Host({
    backends: { board: plan },
    spawn: nothing,
    makeBox: nothing,
    relay: '/nowhere',
    folderOf: () => undefined,
    directory: {
      claim: (of) => {
        if (claimFault) throw claimFault
        claims += 1
        return { ...of, epoch: claims, nonce: `n${claims}` }
      },
      close: () => {},
    },
    journal: {
      recover: (claim) => journal.recover(claim),
      write: (batch) => journal.write(batch),
      sync: () => journal.sync(),
      due: (nowMs, max) => journal.due(nowMs, max),
      nextWakeMs: () => journal.nextWakeMs(),
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
})

let connectionsMade = 0
function connect(to = name): { id: string; handle: FakeHandle } {
  connectionsMade += 1
  const id = `c_${connectionsMade}`
  const handle = new FakeHandle()
  const caller = { connection: id, grant: true }
  host.connect(to, { caller, url: '/', headers: {}, head: new Uint8Array(0) }, handle)
  return { id, handle }
}
async function connected() {
  const visit = connect()
  await settle()
  const child = launches.newest
  child.tell({ type: 'ready' })
  await settle()
  child.tell({ type: 'adopted', connection: visit.id })
  return { ...visit, child }
}
const refusals = () => told.flatMap((word) => (word.type === 'refused' ? word.code : []))
const words = (type: string) => told.filter((word) => word.type === type)

describe('a start', () => {
  it('F30, I4: is one for all who ask, and nobody is handed over before it is ready', async () => {
    const visits = Array.from({ length: 50 }, () => connect())
    await settle()
    expect([launches.children.length, claims]).toEqual([1, 1])
    expect(launches.newest.connections).toEqual([])
    launches.newest.tell({ type: 'ready' })
    await settle()
    expect(launches.newest.connections).toEqual(visits.map(({ id }) => id))
    connect({ ...name, key: 'y' })
    await settle()
    expect(launches.children).toHaveLength(2)
  })

  it.each<[string, () => void]>([
    ['says that it failed', () => launches.newest.tell({ type: 'failed', message: 'no module' })],
    ['ends', () => launches.newest.exit()],
    ['takes too long', () => clock.advance(limits.startMs)],
  ])('that %s refuses all who wait, and closes their sockets here', async (_, fail) => {
    const visits = [connect(), connect()]
    await settle()
    fail()
    if (launches.newest.killed) launches.newest.exit()
    await settle()
    expect(refusals()).toEqual(['INSTANCE_START_FAILED', 'INSTANCE_START_FAILED'])
    expect(visits.every(({ handle }) => handle.isClosed && !handle.isCut)).toBe(true)
    expect(launches.newest.killed || !launches.newest.connected).toBe(true)
    connect()
    await settle()
    expect(launches.children).toHaveLength(2)
  })

  it('that the system refuses is known at once', async () => {
    launches.fails = true
    connect()
    await settle()
    await settle()
    expect(refusals()).toEqual(['INSTANCE_START_FAILED'])
  })

  it('is made for an alarm that is due, also one that was written just now', async () => {
    const { child, id } = await connected()
    const names: InstanceName[] = []
    let nextMs: number | undefined
    journal.due = () => names
    journal.nextWakeMs = () => nextMs
    child.write({ type: 'append', seq: 1, wakeAtMs: clock.nowMs() + 5_000 })
    child.tell({ type: 'closed', connection: id })
    clock.advance(idleAfterMs)
    child.tell({ type: 'stopped' })
    await settle()
    expect(launches.children).toHaveLength(1)
    names.push(name)
    nextMs = clock.nowMs()
    clock.advance(5_000)
    await settle()
    expect(launches.children).toHaveLength(2)
    expect(launches.newest.heard).toMatchObject([{ type: 'start', name, perProcess: 1 }])
  })

  it('without a claim refuses with the reason, and can be tried again', async () => {
    claimFault = new SojournError('STORE_UNAVAILABLE')
    connect()
    await settle()
    expect(refusals()).toEqual(['STORE_UNAVAILABLE'])
    expect(launches.newest).toMatchObject({ isEnded: true, heard: [] })
    claimFault = undefined
    await connected()
    expect(launches.newest.connections).toHaveLength(1)
  })

  it('is put off further the more often the process crashes, and at once again after a calm life', async () => {
    const pauses: number[] = []
    for (let crash = 0; crash < 5; crash += 1) {
      const before = launches.children.length
      connect()
      const startMs = clock.monotonicMs()
      for (;;) {
        await settle()
        if (launches.children.length > before) break
        clock.advance(50)
      }
      pauses.push(clock.monotonicMs() - startMs)
      launches.newest.tell({ type: 'ready' })
      await settle()
      if (crash === 3) clock.advance(3_000)
      launches.newest.exit()
      await settle()
    }
    expect(pauses).toEqual([0, 0, 100, 200, 0])
  })
})

describe('an end', () => {
  it('for idleness comes when nobody said anything for so long, connected or not', async () => {
    const { id, child } = await connected()
    clock.advance(idleAfterMs - 1)
    child.tell({ type: 'active', connections: [id] })
    clock.advance(idleAfterMs - 1)
    const next = connect()
    await settle()
    clock.advance(idleAfterMs - 1)
    child.tell({ type: 'closed', connection: next.id })
    clock.advance(idleAfterMs - 1)
    expect(child.heard.map(({ type }) => type)).toEqual(['start', 'connect', 'connect'])
    clock.advance(1)
    expect(child.heard.at(-1)?.type).toBe('park')
  })

  it('for idleness does not come while work keeps the instance awake', async () => {
    const { id, child } = await connected()
    child.tell({ type: 'awake', isAwake: true })
    child.tell({ type: 'closed', connection: id })
    clock.advance(idleAfterMs * 3)
    expect(child.heard.at(-1)?.type).toBe('connect')
    child.tell({ type: 'awake', isAwake: false })
    clock.advance(idleAfterMs - 1)
    expect(child.heard.at(-1)?.type).toBe('connect')
    clock.advance(1)
    expect(child.heard.at(-1)?.type).toBe('park')
  })

  it('is waited for by those who come meanwhile; the next process takes them', async () => {
    const { id, child } = await connected()
    child.tell({ type: 'closed', connection: id })
    clock.advance(idleAfterMs)
    const visits = [connect(), connect()]
    await settle()
    expect([launches.children.length, child.connections]).toEqual([1, [id]])
    child.exit()
    await settle()
    expect(launches.children).toHaveLength(2)
    launches.newest.tell({ type: 'ready' })
    await settle()
    expect(launches.newest.connections).toEqual(visits.map((visit) => visit.id))
    expect(refusals()).toEqual([])
  })

  it('that takes too long is a kill', async () => {
    const { id, child } = await connected()
    child.tell({ type: 'closed', connection: id })
    clock.advance(idleAfterMs + limits.stopMs)
    expect(child.killed).toBe(true)
  })

  it('of the host starts nothing for those who still wait', async () => {
    const { child } = await connected()
    const stopped = host.stop()
    connect()
    connect({ ...name, key: 'y' })
    await settle()
    child.exit()
    await stopped
    await settle()
    expect(launches.children).toHaveLength(1)
    expect(refusals()).toEqual(['HOST_STOPPED', 'HOST_STOPPED'])
  })

  it('I3: comes to a process that writes under a claim that is no longer its own', async () => {
    const { child } = await connected()
    journal.write = () => [false]
    child.write({ type: 'append', seq: 1 })
    await settle()
    expect(child.killed).toBe(true)
    const next = connect()
    child.exit()
    await settle()
    launches.newest.tell({ type: 'ready' })
    await settle()
    expect(launches.newest.connections).toEqual([next.id])
  })

  it.each([
    ['garbage', new Uint8Array([0, 0, 0, 7, 99, 0, 0, 0, 0, 0, 0])],
    ['a length beyond the limit', new Uint8Array([255, 255, 255, 255])],
  ])('comes to a process that writes %s into the journal pipe', async (_, bytes) => {
    const { child } = await connected()
    child.journal.emit('data', bytes)
    expect(child.killed).toBe(true)
  })
})

describe('a socket', () => {
  it('is cut when its process dies before it adopts it', async () => {
    const { child } = await connected()
    const visit = connect()
    await settle()
    child.exit()
    await settle()
    expect(words('closed')).toContainEqual({ type: 'closed', connection: visit.id })
    expect(visit.handle.isCut).toBe(true)
  })

  it('that is not adopted in time is cut, and closed when its process wakes up later', async () => {
    const { child } = await connected()
    const visit = connect()
    await settle()
    clock.advance(limits.adoptMs)
    await settle()
    expect(visit.handle.isCut).toBe(true)
    expect(words('closed')).toEqual([{ type: 'closed', connection: visit.id }])
    child.tell({ type: 'adopted', connection: visit.id })
    expect(child.heard.at(-1)).toMatchObject({ type: 'close', connections: [visit.id] })
    expect(words('adopted')).not.toContainEqual({ type: 'adopted', connection: visit.id })
  })

  it('is cut when its process does not close it in time', async () => {
    const { id, handle, child } = await connected()
    host.close([id], 'SESSION_ENDED')
    expect(child.heard.at(-1)).toMatchObject({ type: 'close', connections: [id] })
    clock.advance(limits.closeMs - 1)
    expect(handle.isCut).toBe(false)
    clock.advance(1)
    await settle()
    expect(handle.isCut).toBe(true)
    child.tell({ type: 'closed', connection: id })
    expect(words('closed')).toHaveLength(1)
  })

  it('is closed here as well when its process has closed it', async () => {
    const { id, handle, child } = await connected()
    child.tell({ type: 'closed', connection: id })
    expect([handle.isClosed, handle.isCut]).toEqual([true, false])
    const heard = child.heard.length
    host.close([id], 'SESSION_ENDED')
    expect(child.heard).toHaveLength(heard)
  })
})
