import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openInstance, settle } from '../../../test/fakes/instance.ts'
import { type Fate, MemoryJournal } from '../../../test/fakes/journal.ts'
import { limits } from '../../base/core/index.ts'
import { peekFrame } from '../../base/state/index.ts'
import { backend } from './index.ts'

const notes = () => {
  const seen: string[] = []
  let release = (): void => {}
  const made = backend({
    state: () => ({ items: [] as unknown[], here: 0 }),
    presence: z.unknown(),
    connect: (ctx) => {
      ctx.state.here += 1
    },
    disconnect: (ctx) => {
      ctx.state.here -= 1
    },
    actions: (action) => ({
      add: action(z.unknown(), (ctx, item) => ctx.state.items.push(item)),
      text: action(z.string().max(5), (ctx, item) => ctx.state.items.push(item)),
      all: action((ctx) => ctx.state.items),
      nothing: action(() => {}),
      late: action((ctx) => {
        setTimeout(() => {
          try {
            ctx.state.items.push('late')
          } catch (error) {
            seen.push((error as { code: string }).code)
          }
        })
      }),
      slow: action(async (ctx) => {
        ctx.state.items.push('slow')
        await new Promise<void>((resolve) => {
          release = resolve
        })
        try {
          ctx.broadcast('slow')
        } catch (error) {
          seen.push((error as { code: string }).code)
        }
      }),
      ring: action(z.unknown(), (ctx, payload) => ctx.broadcast('ring', payload)),
      fail: action((ctx) => {
        ctx.state.items.push('never')
        ctx.broadcast('ring')
        throw new Error('no')
      }),
      store: action(z.string(), (ctx, what) => {
        ctx.state.items.push('never')
        ctx.state.items.push(what === 'function' ? () => {} : new WeakMap())
      }),
      tell: action((ctx) => {
        ctx.state.items.push('never')
        ctx.broadcast('ring', () => {})
      }),
      large: action((ctx) => {
        ctx.state.items.push('never')
        return 'x'.repeat(limits.resultBytesMax)
      }),
      odd: action((ctx) => {
        ctx.state.items.push('never')
        return () => {}
      }),
    }),
  })
  return { made, seen, release: () => release() }
}

const failed = (n: number, code: string) => expect.objectContaining({ n, ok: false, code })

describe('the gate', () => {
  it('I15: lets nothing out before the journal has it', async () => {
    const world = await openInstance(notes().made)
    const [one, two] = [await world.enter(), await world.enter()]
    let open = (_: Fate): void => {}
    world.journal.fate = () => new Promise((resolve) => (open = resolve))
    const before = [one.heard.length, two.heard.length]
    one.act(1, 'add', 'x')
    one.act(2, 'ring', 1, 0)
    await settle()
    expect([one.heard.length, two.heard.length]).toEqual(before)
    open('written')
    await settle()
    expect(one.results).toEqual([{ n: 1, ok: true, value: 1 }])
    expect(two.replica.state).toMatchObject({ items: ['x'] })
    expect(two.all('event')).toEqual([])
    open('written')
    await settle()
    expect(two.all('event')).toEqual([{ type: 'event', name: 'ring', payload: 1 }])
  })

  it('ends the process and releases nothing when the journal refuses', async () => {
    const world = await openInstance(notes().made)
    const [one, two] = [await world.enter(), await world.enter()]
    world.journal.fate = () => 'refused'
    const before = [one.heard.length, two.heard.length]
    one.act(1, 'add', 'x')
    await settle()
    expect(world.fatal).toHaveLength(1)
    expect([one.heard.length, two.heard.length]).toEqual(before)
  })

  it('takes any fault of the journal for the end, whatever its name', async () => {
    const world = await openInstance(notes().made)
    const one = await world.enter()
    world.journal.fate = () => Promise.reject(new TypeError('torn'))
    one.act(1, 'add', 'x')
    await settle()
    expect(world.fatal).toHaveLength(1)
    expect(one.results).toEqual([])
  })

  it('keeps the order of results, frames and events in a turn', async () => {
    const world = await openInstance(
      backend({
        state: () => ({ n: 0 }),
        actions: (action) => ({
          go: action((ctx) => {
            ctx.broadcast('went')
            ctx.state.n += 1
          }),
        }),
      }),
    )
    const one = await world.enter()
    one.act(1, 'go')
    await settle()
    const [, , state, event] = one.heard
    expect(state).toMatchObject({ type: 'state', results: [{ n: 1, ok: true }] })
    expect(event).toMatchObject({ type: 'event', name: 'went' })
  })
})

describe('a turn', () => {
  it.each([
    ['throws', 'fail', null, 'ACTION_FAILED'],
    ['stores a function', 'store', 'function', 'STATE_UNSUPPORTED'],
    ['stores an instance of a class', 'store', 'class', 'STATE_UNSUPPORTED'],
    ['broadcasts what no message can carry', 'tell', null, 'STATE_UNSUPPORTED'],
    ['returns too much', 'large', null, 'ACTION_FAILED'],
    ['returns what no message can carry', 'odd', null, 'STATE_UNSUPPORTED'],
    ['gets an input that its schema refuses', 'text', 'too long', 'ACTION_INVALID'],
    ['has no handler', 'nope', null, 'ACTION_UNKNOWN'],
    ['is named as a property of every object', 'constructor', null, 'ACTION_UNKNOWN'],
    ['is named __proto__', '__proto__', null, 'ACTION_UNKNOWN'],
  ])('that %s leaves no trace but its answer', async (_, name, input, code) => {
    const world = await openInstance(notes().made)
    const one = await world.enter()
    one.act(1, name, input)
    one.act(2, 'add', 'after')
    await settle()
    await settle()
    expect(one.results).toEqual([failed(1, code), { n: 2, ok: true, value: 1 }])
    expect(one.replica.state).toEqual({ items: ['after'], here: 1 })
    expect(one.all('event')).toEqual([])
    expect(one.closedWith).toBeUndefined()
  })

  it('that takes too long is rolled back, and what it does later is refused', async () => {
    const { made, seen, release } = notes()
    const world = await openInstance(made)
    const one = await world.enter()
    one.act(1, 'slow')
    one.act(2, 'add', 'next')
    await settle()
    world.clock.advance(limits.turnMs)
    await settle()
    expect(one.results).toEqual([failed(1, 'TURN_TIMEOUT'), { n: 2, ok: true, value: 1 }])
    release()
    await settle()
    expect(seen).toEqual(['TURN_OVER'])
    expect(one.replica.state).toMatchObject({ items: ['next'] })
  })

  it('that goes on after its end can write nothing', async () => {
    const { made, seen } = notes()
    const world = await openInstance(made)
    const one = await world.enter()
    one.act(1, 'late')
    await expect.poll(() => seen).toEqual(['TURN_OVER'])
    expect(one.replica.state).toMatchObject({ items: [] })
  })

  it('answers with what it returned then, also when that is a part of the state', async () => {
    const world = await openInstance(notes().made)
    const one = await world.enter(undefined, { session: 's' })
    const { client } = one.welcome
    one.act(1, 'add', 'x')
    one.act(2, 'all')
    one.act(3, 'add', 'y')
    await settle()
    const again = await world.enter({ client }, { session: 's' })
    again.act(2, 'all')
    await settle()
    expect(again.results).toEqual([{ n: 2, ok: true, value: ['x'] }])
  })

  it('says no more than a sentence when it refuses', async () => {
    const world = await openInstance(
      backend({
        state: () => ({}),
        actions: (action) => ({ go: action(z.strictObject({}), () => {}) }),
      }),
    )
    const one = await world.enter()
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`key${n}`, n]))
    one.act(1, 'go', many)
    await settle()
    const [result] = one.results as [{ message: string }]
    expect(result.message.length).toBeLessThanOrEqual(limits.refusalCharsMax)
  })
})

describe('exactly once', () => {
  it('I11: answers an action sent again from the record, in this process and in the next', async () => {
    const { made } = notes()
    const world = await openInstance(made)
    const one = await world.enter(undefined, { session: 's' })
    const { client } = one.welcome
    one.act(1, 'add', 'x')
    one.act(2, 'fail')
    await settle()
    let here = world
    for (let life = 0; life < 3; life += 1) {
      const again = await here.enter({ client }, { session: 's' })
      again.act(1, 'add', 'x')
      again.act(2, 'fail')
      await settle()
      expect(again.results).toEqual([{ n: 1, ok: true, value: 1 }, failed(2, 'ACTION_FAILED')])
      expect(again.replica.state).toMatchObject({ items: ['x'] })
      // The last life is recovered from a snapshot, the one before from records.
      if (life === 1) await here.instance.stop()
      here = await openInstance(made, world.journal, world.clock)
    }
  })

  it('gives a client id of another session no answers', async () => {
    const world = await openInstance(notes().made)
    const one = await world.enter(undefined, { session: 's' })
    one.act(1, 'add', 'secret')
    await settle()
    const thief = await world.enter({ client: one.welcome.client, acked: 1 }, { session: 't' })
    expect(thief.welcome.client).not.toBe(one.welcome.client)
  })

  it('takes no action before the welcome: it would be remembered under no name', async () => {
    const world = await openInstance(
      backend({
        state: () => ({ items: [] as string[] }),
        connect: () => new Promise((resolve) => setImmediate(resolve)),
        actions: (action) => ({ add: action(z.string(), () => {}) }),
      }),
    )
    const [one, two] = [await world.attach(), await world.attach()]
    for (const peer of [one, two]) {
      peer.hello()
      peer.act(1, 'add', 'x')
    }
    await settle()
    expect([one.closedWith, two.closedWith]).toEqual(['MESSAGE_MALFORMED', 'MESSAGE_MALFORMED'])
    expect([...one.results, ...two.results]).toEqual([])
  })
})

describe('a successor', () => {
  it('I13, I17: has the same state, and gives a client just what it missed', async () => {
    const { made } = notes()
    const world = await openInstance(made)
    const one = await world.enter()
    one.act(1, 'add', 'x')
    await settle()
    const { epoch, nonce } = one.welcome
    const cursor = { epoch, nonce, seq: one.replica.seq }
    one.act(2, 'add', 'y')
    one.act(3, 'add', 'z')
    await settle()
    const next = await openInstance(made, world.journal, world.clock)
    const back = await next.attach()
    // The client that was away has what it was given until then.
    for (const { bytes } of one.all('state'))
      if (peekFrame(bytes).seq <= cursor.seq) back.replica.apply(bytes)
    back.hello({ cursor })
    await settle()
    expect(back.welcome).toMatchObject({ resumed: true, epoch: 2, head: { epoch: 2 } })
    // Just y and z, and the connect handler's own change.
    expect(back.all('state')).toHaveLength(3)
    expect(back.replica.seq).toBe(cursor.seq + 3)
    const fresh = await next.enter()
    expect(fresh.replica.state).toMatchObject({ items: ['x', 'y', 'z'] })
  })

  it.each([
    ['of another claim', { nonce: 'forged' }],
    ['of another epoch', { epoch: 7 }],
    ['ahead of the head', { seq: 1_000 }],
  ])('gives a snapshot to a cursor %s', async (_, wrong) => {
    const { made } = notes()
    const world = await openInstance(made)
    const one = await world.enter()
    one.act(1, 'add', 'x')
    await settle()
    const { epoch, nonce } = one.welcome
    const cursor = { epoch, nonce, seq: one.replica.seq, ...wrong }
    expect((await world.enter({ cursor })).welcome.resumed).toBe(false)
    const next = await openInstance(made, world.journal, world.clock)
    expect((await next.enter({ cursor })).welcome.resumed).toBe(false)
  })

  it.each([0, 1])('resumes after quiet lives, %i frames behind', async (behind) => {
    const { made } = notes()
    const world = await openInstance(made)
    const one = await world.enter()
    one.act(1, 'add', 'x')
    one.act(2, 'add', 'y')
    await settle()
    const { epoch, nonce } = one.welcome
    const cursor = { epoch, nonce, seq: one.replica.seq - behind }
    for (let lives = 0; lives < 3; lives += 1) {
      await (await openInstance(made, world.journal, world.clock)).instance.stop()
    }
    const next = await openInstance(made, world.journal, world.clock)
    expect((await next.enter({ cursor })).welcome.resumed).toBe(true)
  })

  it('knows that an action failed whose frame no journal takes, and lost nothing else', async () => {
    const made = backend({
      state: () => ({ items: [] as string[] }),
      actions: (action) => ({
        add: action(z.number(), (ctx, bytes) => ctx.state.items.push('x'.repeat(bytes))),
      }),
    })
    const world = await openInstance(made)
    const one = await world.enter()
    one.act(1, 'add', 1)
    one.act(2, 'add', limits.frameBytesMax)
    one.act(3, 'add', 3)
    await settle()
    expect(world.fatal).toHaveLength(1)
    expect(one.results).toHaveLength(1)
    const next = await openInstance(made, world.journal, world.clock)
    const again = await next.enter({ client: one.welcome.client, acked: 1 })
    again.act(2, 'add', limits.frameBytesMax, 1)
    again.act(3, 'add', 3, 1)
    await settle()
    expect(again.results).toEqual([failed(2, 'ACTION_FAILED'), { n: 3, ok: true, value: 2 }])
    expect(again.replica.state).toEqual({ items: ['x', 'xxx'] })
  })

  it('lives on its records when the state is too large for a snapshot', async () => {
    const made = backend({
      state: () => ({ items: [] as string[] }),
      actions: (action) => ({
        add: action((ctx) => ctx.state.items.push('x'.repeat(limits.frameBytesMax - 1_000))),
      }),
    })
    const world = await openInstance(made)
    const one = await world.enter()
    for (const n of [1, 2, 3]) one.act(n, 'add')
    await settle()
    await world.instance.stop()
    expect([world.fatal, one.results.length]).toEqual([[], 3])
    expect(world.journal.snapshot?.seq).toBeLessThan(3)
    const next = await openInstance(made, world.journal, world.clock)
    expect((next.instance.history.tracked.state as { items: string[] }).items).toHaveLength(3)
  })

  it('makes a snapshot in time, also when no life is long', async () => {
    const { made } = notes()
    const journal = new MemoryJournal()
    for (let life = 0; life < 3; life += 1) {
      const world = await openInstance(made, journal)
      const one = await world.enter()
      for (let n = 1; n <= limits.recordsPerSnapshot / 2; n += 1) {
        one.act(n, 'nothing', null, n - 1)
        await settle()
      }
    }
    expect(journal.snapshot?.seq).toBeGreaterThan(0)
  })
})
