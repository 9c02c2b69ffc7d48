import { describe, expect, it } from 'vitest'
import { virtualClock } from '../../testing/index.ts'
import { SessionCache } from './cache.ts'
import type { SessionRecord, SessionStore, TokenState } from './store.ts'

function setUp({ bytesMax = 1_000_000 } = {}) {
  const clock = virtualClock()
  const asked: string[] = []
  const stopped: string[] = []
  const state = { isCurrent: true, answer: undefined as TokenState | Promise<TokenState> }
  let changed: (id: string | undefined) => void = () => {}
  const store: Pick<SessionStore, 'read' | 'watch'> = {
    read(hash) {
      asked.push(hash)
      return state.answer ?? live(`s_${hash}`)
    },
    watch(told) {
      changed = told
      return { isCurrent: () => state.isCurrent, stop: () => stopped.push('stopped') }
    },
  }
  const record = (id: string, over: Partial<SessionRecord> = {}): SessionRecord => ({
    id,
    version: 1,
    bytes: new Uint8Array(976),
    user: undefined,
    createdAtMs: 0,
    touchedAtMs: 0,
    expiresAtMs: clock.nowMs() + 1_000,
    endsAtMs: clock.nowMs() + 10_000,
    device: undefined,
    parentId: undefined,
    ...over,
  })
  const live = (id: string, isReplaced = false): TokenState => ({
    kind: 'live',
    record: record(id),
    isReplaced,
  })
  const cache = new SessionCache<object>(store as SessionStore, clock, bytesMax)
  const read = (hash: string) => cache.read(hash)
  const tell = (id: string | undefined): void => changed(id)
  return { clock, asked, stopped, state, cache, read, tell, record, live }
}

describe('remembered sessions', () => {
  it('are read once, until somebody changes them', () => {
    const { asked, read, tell } = setUp()
    for (const hash of ['a', 'b', 'a', 'b']) read(hash)
    expect(asked).toEqual(['a', 'b'])
    tell('s_a')
    for (const hash of ['a', 'b']) read(hash)
    expect(asked).toEqual(['a', 'b', 'a'])
    tell(undefined)
    for (const hash of ['a', 'b']) read(hash)
    expect(asked).toHaveLength(5)
  })

  it('are asked for again past their times, and as long as nothing proves them', () => {
    const { clock, asked, state, read } = setUp()
    read('a')
    state.isCurrent = false
    read('a')
    expect(asked).toHaveLength(2)
    state.isCurrent = true
    read('a')
    expect(asked).toHaveLength(2)
    clock.advance(1_000)
    read('a')
    expect(asked).toHaveLength(3)
  })

  it('are not kept when they were read while nothing proved them', () => {
    const { asked, state, read } = setUp()
    state.isCurrent = false
    read('a')
    state.isCurrent = true
    read('a')
    expect(asked).toEqual(['a', 'a'])
  })

  it.each(['s_a', undefined])('are not kept when %s changed while they were read', async (id) => {
    const { asked, state, read, tell, live } = setUp()
    let answer = (_: TokenState): void => {}
    state.answer = new Promise((resolve) => {
      answer = resolve
    })
    const late = read('a')
    tell(id)
    answer(live('s_a'))
    await late
    state.answer = undefined
    read('a')
    read('a')
    expect(asked).toEqual(['a', 'a'])
  })

  it('are kept when another one changed meanwhile, and forget reads that failed', async () => {
    const { asked, state, read, tell, live } = setUp()
    state.answer = Promise.reject(new Error('away'))
    await expect(read('a')).rejects.toThrow('away')
    state.answer = Promise.resolve(live('s_a'))
    const late = read('a')
    tell('s_b')
    await late
    read('a')
    expect(asked).toEqual(['a', 'a'])
  })

  it('are not kept by a token that was replaced; an end is none', () => {
    const { asked, state, read, live } = setUp()
    state.answer = live('s_a', true)
    read('a')
    state.answer = { kind: 'ended', reason: 'logout' }
    expect(read('a')).toEqual({ kind: 'ended', reason: 'logout' })
    expect(read('a')).toEqual({ kind: 'ended', reason: 'logout' })
    expect(asked).toHaveLength(3)
  })

  it('are found by their newest token only', () => {
    const { asked, cache, record, read, tell } = setUp()
    cache.put('old', record('s_1'))
    cache.put('new', record('s_1', { version: 2 }))
    expect(read('new')).toMatchObject({ record: { id: 's_1', version: 2 } })
    expect(asked).toEqual([])
    read('old')
    expect(asked).toEqual(['old'])
    tell('s_1')
    read('new')
    expect(asked).toEqual(['old', 'new'])
  })

  it('make room for others; those that are used stay', () => {
    // An entry counts for 2,000 bytes: eight in each generation.
    const { asked, read, tell } = setUp({ bytesMax: 32_000 })
    for (let count = 0; count < 1_000; count++) {
      read(`n${count}`)
      read('used')
    }
    expect(asked.filter((hash) => hash === 'used')).toHaveLength(1)
    asked.length = 0
    for (let count = 0; count < 1_000; count++) {
      read(`n${count}`)
      read('used')
    }
    expect(asked.length).toBeGreaterThan(980)
    // What has gone leaves nothing behind that a change would find.
    tell('s_n1')
    read('used')
    expect(asked).not.toContain('used')
  })

  it('are none once it is closed', () => {
    const { asked, stopped, cache, read, record } = setUp()
    read('a')
    cache.close()
    expect(stopped).toEqual(['stopped'])
    cache.put('b', record('s_b'))
    for (const hash of ['a', 'a', 'b']) read(hash)
    expect(asked).toEqual(['a', 'a', 'a', 'b'])
  })

  it('are decoded once, and anew for another record', () => {
    const { cache, read, record } = setUp()
    let count = 0
    const decode = (): object => ({ count: ++count })
    const { record: found } = read('a') as { record: SessionRecord }
    expect(cache.contentOf(found, decode)).toBe(cache.contentOf(found, decode))
    expect(cache.contentOf(record('s_a'), decode)).toEqual({ count: 2 })
    const written = record('s_a', { version: 2 })
    cache.put('a', written, { count: 'as written' })
    expect(cache.contentOf(written, decode)).toEqual({ count: 'as written' })
  })
})
