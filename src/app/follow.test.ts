import { describe, expect, it } from 'vitest'
import { SojournError, silentLog } from '../base/core/index.ts'
import { virtualClock } from '../testing/index.ts'
import { followEnds } from './follow.ts'

function setUp() {
  const clock = virtualClock()
  const done: string[] = []
  const store = { mode: 'well' as 'well' | 'failing' | 'hanging', looks: 0 }
  const stop = followEnds({
    clock,
    log: silentLog,
    door: {
      refuseAll: (error) => done.push(error ? `refuse ${error.code}` : 'admit'),
      closeAll: (code) => done.push(`close ${code}`),
    },
    sessions: {
      followEnds() {
        store.looks += 1
        if (store.mode === 'failing') throw new SojournError('STORE_UNAVAILABLE')
        return store.mode === 'hanging' ? new Promise(() => {}) : 0
      },
    },
  })
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 50) {
      clock.advance(50)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { done, store, pass, stop }
}

describe('the ends of sessions', () => {
  it('are looked for a few times a second, and nothing else happens', async () => {
    const { done, store, pass, stop } = setUp()
    await pass(10_000)
    expect(done).toEqual([])
    expect(store.looks).toBeGreaterThan(30)
    stop()
    const { looks } = store
    await pass(1_000)
    expect(store.looks).toBe(looks)
  })

  it.each(['failing', 'hanging'] as const)('shut the door when they are %s', async (mode) => {
    const { done, store, pass } = setUp()
    await pass(1_000)
    store.mode = mode
    await pass(500)
    expect(done).toEqual([])
    await pass(1_000)
    expect(done).toEqual(['refuse STORE_UNAVAILABLE'])
    await pass(3_000)
    expect(done).toEqual(['refuse STORE_UNAVAILABLE'])
    await pass(1_500)
    expect(done).toContain('close STORE_UNAVAILABLE')
  })

  it('open it again when they can be seen', async () => {
    const { done, store, pass } = setUp()
    store.mode = 'failing'
    await pass(2_000)
    store.mode = 'well'
    await pass(1_000)
    expect(done).toEqual(['refuse STORE_UNAVAILABLE', 'admit'])
  })
})
