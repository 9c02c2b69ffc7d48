import { describe, expect, it } from 'vitest'
import { openInstance, settle } from '../../../test/fakes/instance.ts'
import { limits } from '../../base/core/index.ts'
import { backend, type Context } from './index.ts'

interface Seat {
  readonly seat: number
  readonly tags: string[]
}
type Ctx = Context<{ seen: unknown[] }, unknown, Seat>

async function open() {
  let script: (ctx: Ctx) => unknown = () => {}
  const made = backend({
    state: () => ({ seen: [] as unknown[] }),
    attachment: (caller): Seat => ({ seat: 0, tags: [caller.connection] }),
    identity: (caller) => ({ seat: caller.attachment.seat }),
    alarms: { ring: (ctx) => ctx.attach({ seat: 1, tags: [] }) },
    actions: (action) => ({ go: action((ctx) => script(ctx)) }),
  })
  const world = await openInstance(made)
  const peer = await world.enter({}, { connection: 'c' })
  let n = 0
  const go = async (next: (ctx: Ctx) => unknown): Promise<unknown> => {
    script = next
    n += 1
    peer.act(n, 'go', null, n - 1)
    await settle()
    return peer.results.at(-1)
  }
  return { ...world, peer, go }
}
const value = (value: unknown) => expect.objectContaining({ ok: true, value })
const failed = expect.objectContaining({ ok: false })

describe('an attachment', () => {
  it('is made for each connection, replaced by its caller, and seen by all', async () => {
    const { go, enter } = await open()
    expect(await go((ctx) => ctx.caller.attachment)).toEqual(value({ seat: 0, tags: ['c'] }))
    const given = { seat: 3, tags: ['x'] }
    expect(
      await go((ctx) => {
        ctx.attach(given)
        given.tags.push('after')
        return ctx.caller.attachment
      }),
    ).toEqual(value({ seat: 3, tags: ['x'] }))
    await enter({}, { connection: 'd' })
    expect(await go((ctx) => ctx.connections.map(({ attachment }) => attachment))).toEqual(
      value([
        { seat: 3, tags: ['x'] },
        { seat: 0, tags: ['d'] },
      ]),
    )
  })

  it('is as before when the turn fails, however often it was replaced', async () => {
    const { go } = await open()
    await go((ctx) => ctx.attach({ seat: 1, tags: [] }))
    const fails = await go((ctx) => {
      ctx.attach({ seat: 2, tags: [] })
      ctx.attach({ seat: 3, tags: [] })
      throw new Error('no')
    })
    expect(fails).toEqual(failed)
    expect(await go((ctx) => ctx.caller.attachment.seat)).toEqual(value(1))
  })

  it.each<[string, (ctx: Ctx) => void]>([
    ['is too large', (ctx) => ctx.attach({ seat: 1, tags: ['x'.repeat(4_096)] })],
    ['is no plain data', (ctx) => ctx.attach((() => {}) as never)],
    ['is changed in place', (ctx) => ctx.caller.attachment.tags.push('x')],
  ])('that %s fails the turn', async (_, misuse) => {
    const { go } = await open()
    expect(await go((ctx) => void misuse(ctx))).toEqual(failed)
    expect(await go((ctx) => ctx.caller.attachment)).toEqual(value({ seat: 0, tags: ['c'] }))
  })

  it('comes back with a connection that was parked', async () => {
    const { go, peer, attach } = await open()
    await go((ctx) => ctx.attach({ seat: 5, tags: ['x'] }))
    const parked = peer.conversation?.park()
    expect(parked).toMatchObject({ attachment: { seat: 5, tags: ['x'] } })
    const back = await attach({ connection: 'back', attachment: parked?.attachment })
    back.hello()
    await settle()
    expect(await go((ctx) => ctx.connections.map(({ attachment }) => attachment.seat))).toEqual(
      value([5, 5]),
    )
  })

  it('needs a caller', async () => {
    const { go, clock, journal } = await open()
    await go((ctx) => ctx.schedule('ring', 0))
    clock.advance(0)
    await settle()
    // It failed, so it is tried again.
    expect(journal.wakeAtMs).toBe(clock.nowMs() + 1_000)
  })
})

describe('keepAwake', () => {
  it('lasts until the last promise has settled, whether its turn failed or not', async () => {
    const { go, awake } = await open()
    const [one, two] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    await go((ctx) => ctx.keepAwake(one.promise))
    await go((ctx) => {
      ctx.keepAwake(two.promise)
      throw new Error('no')
    })
    expect(awake).toEqual([true])
    one.resolve()
    await settle()
    expect(awake).toEqual([true])
    two.reject(new Error('no'))
    await settle()
    expect(awake).toEqual([true, false])
  })

  it('is bounded', async () => {
    const { go } = await open()
    const never = new Promise(() => {})
    const fill = (ctx: Ctx, count: number) => {
      for (let n = 0; n < count; n += 1) ctx.keepAwake(never)
    }
    expect(await go((ctx) => fill(ctx, limits.keepAwakeMax))).toEqual(value(null))
    expect(await go((ctx) => fill(ctx, 1))).toEqual(failed)
  })
})

it('the methods of ctx can be taken off it', async () => {
  const { go, peer } = await open()
  await go(({ broadcast, attach }) => {
    attach({ seat: 9, tags: [] })
    broadcast('said', 1)
  })
  expect(peer.all('event')).toHaveLength(1)
  expect(await go(({ caller, folder }) => [caller.attachment.seat, folder ?? 'none'])).toEqual(
    value([9, 'none']),
  )
})
