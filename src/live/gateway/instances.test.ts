import { beforeEach, describe, expect, it } from 'vitest'
import { limits, silentLog } from '../../base/core/index.ts'
import type { HostAnswer, StatusChange } from '../../base/protocol/index.ts'
import { type VirtualClock, virtualClock } from '../../testing/index.ts'
import { type InstanceNews, InstanceTable } from './instances.ts'

let clock: VirtualClock
let table: InstanceTable
let asked: unknown[]
let answer: HostAnswer
const sockets = new Map<string, number>()

beforeEach(() => {
  clock = virtualClock()
  asked = []
  answer = {}
  sockets.clear()
  table = newTable()
})

function newTable(): InstanceTable {
  return new InstanceTable({
    isBackend: (name) => ['board', 'game'].includes(name),
    connections: () => sockets,
    ask: async (...question) => {
      asked.push(question)
      return answer
    },
    clock,
    log: silentLog,
  })
}

function tell(key: string, phase: StatusChange['phase'], more: Partial<StatusChange> = {}): void {
  const atMs = clock.nowMs()
  table.take({ backend: 'board', key, epoch: 1, phase, atMs, pid: 7, ...more })
}
const crash = { reason: 'crashed', lastOutput: 'a\nb' } as const

describe('an instance', () => {
  it('is shown as it is, with how its key ended last', () => {
    const atMs = clock.nowMs()
    sockets.set('board/x', 2)
    tell('x', 'ready')
    const running = { backend: 'board', key: 'x', phase: 'ready', sinceMs: atMs, epoch: 1 }
    const shown = { ...running, connections: 2, isParked: false, pid: 7 }
    expect(table.get('board', 'x')).toEqual(shown)
    tell('x', 'stopped', crash)
    const lastEnd = { reason: 'crashed', atMs, output: 'a\nb' }
    const { pid: _, ...ended } = shown
    expect(table.get('board', 'x')).toEqual({ ...ended, phase: 'stopped', lastEnd })
    tell('x', 'ready', { epoch: 2 })
    expect(table.get('board', 'x')).toEqual({ ...shown, epoch: 2, lastEnd })
  })

  it.each([
    ['board', 'x', 'INSTANCE_UNKNOWN'],
    ['nope', 'x', 'BACKEND_UNKNOWN'],
    ['board', '..', 'KEY_MALFORMED'],
  ])('%s/%s is refused', async (backend, key, code) => {
    expect(() => table.get(backend, key)).toThrow(expect.objectContaining({ code }))
    await expect(table.log(backend, key)).rejects.toMatchObject({ code })
    if (code !== 'INSTANCE_UNKNOWN')
      await expect(table.stop(backend, key)).rejects.toMatchObject({ code })
  })

  it('has the log of its process, or what that said last', async () => {
    tell('x', 'ready')
    answer = { lines: ['hello'] }
    expect(await table.log('board', 'x')).toEqual(['hello'])
    answer = {}
    tell('x', 'stopped', crash)
    expect(await table.log('board', 'x')).toEqual(['a', 'b'])
    expect(asked).toEqual(Array(2).fill(['log', { backend: 'board', key: 'x' }]))
  })

  it('that is parked is so until it is stopped, or the host that knew is gone', async () => {
    for (const forgive of [() => table.stop('board', 'x'), () => table.hostLost()]) {
      tell('x', 'stopped', { ...crash, isParked: true })
      const news: InstanceNews[] = []
      table.follow((heard) => news.push(heard))
      expect(table.get('board', 'x').isParked).toBe(true)
      await forgive()
      expect(table.get('board', 'x')).toMatchObject({
        isParked: false,
        lastEnd: { reason: 'crashed', output: 'a\nb' },
      })
      expect(news).toMatchObject([{ type: 'change', phase: 'stopped', isParked: false }])
    }
  })

  it('ends with its host, once', () => {
    tell('x', 'ready')
    tell('y', 'stopped', { reason: 'idle' })
    table.hostLost()
    table.hostLost()
    expect(table.get('board', 'x').lastEnd).toMatchObject({ reason: 'host-lost' })
    expect(table.get('board', 'y').lastEnd).toMatchObject({ reason: 'idle' })
  })
})

describe('the list', () => {
  it('comes in pages that miss none and repeat none, also of one backend', () => {
    for (const key of ['c', 'a', 'e', 'b', 'd']) tell(key, key < 'c' ? 'ready' : 'stopped')
    tell('z', 'ready', { backend: 'game' })
    for (const [backend, all] of [
      ['board', ['a', 'b', 'c', 'd', 'e']],
      ['game', ['z']],
      [undefined, ['a', 'b', 'c', 'd', 'e', 'z']],
    ] as const) {
      const keys: string[] = []
      let after: string | undefined
      do {
        const given = { limit: 2, ...(backend && { backend }), ...(after && { after }) }
        const page = table.list(given)
        keys.push(...page.instances.map(({ key }) => key))
        after = page.next
      } while (after)
      expect(keys).toEqual(all)
    }
  })

  it.each([0, 1_001, 1.5, Number.NaN])('refuses %s instances a page', (limit) => {
    expect(() => table.list({ limit })).toThrow(RangeError)
  })

  it('forgets the oldest that ended, parked ones last, and none that runs', () => {
    tell('runs', 'ready')
    tell('parked', 'stopped', { ...crash, isParked: true })
    const many = limits.instancesEndedKept
    for (let n = 0; n < many; n += 1) tell(`k${n}`, 'stopped', { reason: 'idle' })
    for (const key of ['runs', 'parked', 'k1', `k${many - 1}`]) table.get('board', key)
    expect(() => table.get('board', 'k0')).toThrow()
    for (let n = 0; n <= many; n += 1) tell(`p${n}`, 'stopped', { ...crash, isParked: true })
    expect(() => table.get('board', 'parked')).toThrow()
    expect(table.list({ limit: 1_000 }).instances).toHaveLength(1_000)
    expect(() => table.get('board', 'k1')).toThrow()
  })
})

describe('a follower', () => {
  function follow(after?: number, of = table): InstanceNews[] {
    const news: InstanceNews[] = []
    of.follow((heard) => news.push(heard), after)
    return news
  }
  const idsOf = (news: InstanceNews[]) => news.map(({ id }) => id)

  it('goes on after the last change that it heard, without gap or double', () => {
    const all = follow()
    for (let n = 0; n < 20; n += 1) {
      tell('x', 'ready')
      for (const seen of [...all]) {
        const news: InstanceNews[] = []
        table.follow((heard) => news.push(heard), seen.id)()
        expect(news).toEqual(all.slice(all.indexOf(seen) + 1))
      }
      if (n % 5 === 4) table.hostLost()
    }
    expect(idsOf(all)).toEqual(idsOf(all).toSorted((a, b) => a - b))
    expect(new Set(idsOf(all)).size).toBe(all.length)
  })

  it('is told of a gap: too old, of an earlier process, or of none at all', () => {
    tell('x', 'ready')
    const [first] = follow(clock.nowMs())
    clock.advance(5_000)
    const later = newTable()
    expect(follow(first?.id, later)).toMatchObject([{ type: 'reset' }])
    for (let n = 0; n < limits.statusChangesKept; n += 1) tell('x', 'ready')
    expect(follow(first?.id)).toHaveLength(limits.statusChangesKept)
    tell('x', 'ready')
    const [reset, ...others] = follow(first?.id)
    expect([reset?.type, others]).toEqual(['reset', []])
    expect(follow(reset?.id)).toEqual([])
    for (const odd of [Number.NaN, -1, Number.MAX_VALUE])
      expect(follow(odd)).toMatchObject([{ type: 'reset' }])
  })

  it('is not held up by one that throws, hears nothing after its end, and has a limit', () => {
    table.follow(() => {
      throw new Error('no')
    })
    const heard: InstanceNews[] = []
    const stop = table.follow((news) => heard.push(news))
    tell('x', 'ready')
    stop()
    tell('x', 'stopped', crash)
    expect(heard).toHaveLength(1)
    expect(heard[0]).not.toHaveProperty('lastOutput')
    for (let n = 1; n < limits.statusFollowersMax; n += 1) table.follow(() => {})
    expect(() => table.follow(() => {})).toThrow(
      expect.objectContaining({ code: 'CONNECTIONS_TOO_MANY' }),
    )
  })
})
