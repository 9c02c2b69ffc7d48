import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { action, type Backend, backend } from './index.ts'

const Stroke = z.object({ color: z.string(), points: z.array(z.number()).default([]) })
const Grant = z.object({ role: z.enum(['editor', 'viewer']) })

const board = backend({
  grant: Grant,
  presence: z.object({ x: z.number(), y: z.number() }),
  state: () => ({ strokes: [] as { color: string; points: number[] }[] }),
  attachment: (caller) => ({ color: 'red', role: caller.grant.role }),
  identity: (caller) => ({ role: caller.attachment.role }),
  alarms: {
    fade: (ctx, stroke: { index: number }) => {
      expectTypeOf(ctx.connections[0]?.grant.role).toEqualTypeOf<'editor' | 'viewer' | undefined>()
      ctx.state.strokes.splice(stroke.index, 1)
    },
    clear: (ctx, payload) => {
      expectTypeOf(payload).toEqualTypeOf<unknown>()
      ctx.state.strokes.length = 0
    },
  },
  tick: {
    everyMs: 50,
    input: z.object({ n: z.number() }),
    run: (ctx, { count, elapsedMs, inputs }) => {
      expectTypeOf(ctx.state.strokes.length).toEqualTypeOf<number>()
      expectTypeOf(inputs[0]?.value).toEqualTypeOf<{ n: number } | undefined>()
      expectTypeOf(inputs[0]?.caller.grant.role).toEqualTypeOf<'editor' | 'viewer' | undefined>()
      expectTypeOf([count, elapsedMs]).toEqualTypeOf<number[]>()
    },
  },
  connect: (ctx) => {
    expectTypeOf(ctx.caller.attachment.color).toEqualTypeOf<string>()
  },
  actions: (action) => ({
    draw: action(Stroke, (ctx, stroke) => {
      expectTypeOf(ctx.caller.grant.role).toEqualTypeOf<'editor' | 'viewer'>()
      expectTypeOf(stroke.points).toEqualTypeOf<number[]>()
      expectTypeOf(ctx.caller.attachment.color).toEqualTypeOf<string>()
      ctx.attach({ ...ctx.caller.attachment, color: stroke.color })
      // @ts-expect-error: not what `attachment` makes
      const wrong = () => ctx.attach({ color: 1 })
      expectTypeOf(wrong).toBeFunction()
      ctx.state.strokes.push(stroke)
      return ctx.state.strokes.length
    }),
    clear: action((ctx) => {
      ctx.state.strokes.length = 0
    }),
  }),
})

describe('backend()', () => {
  it('keeps the definition and the actions by name', () => {
    expect(Object.keys(board.actions)).toEqual(['draw', 'clear'])
    expect(board.actions.draw.schema).toBe(Stroke)
    expect(board.actions.clear.schema).toBeUndefined()
  })

  it('infers state, grant, presence, identity and actions', () => {
    type Parts =
      typeof board extends Backend<
        infer S,
        infer G,
        infer P,
        infer I,
        infer A,
        infer Kept,
        infer Input
      >
        ? [S, G, P, I, keyof A, Kept, Input]
        : never
    expectTypeOf<Parts>().toEqualTypeOf<
      [
        { strokes: { color: string; points: number[] }[] },
        { role: 'editor' | 'viewer' },
        { x: number; y: number },
        { role: 'editor' | 'viewer' },
        'draw' | 'clear',
        { color: string; role: 'editor' | 'viewer' },
        { n: number },
      ]
    >()
  })

  it('refuses misuse at once', () => {
    expect(() => backend({} as never)).toThrow(TypeError)
    expect(() => backend({ state: () => ({}), actions: () => ({ go: {} as never }) })).toThrow(
      'action go',
    )
    expect(() => action({} as never, (() => {}) as never)).toThrow('Standard Schema')
    const alarms = { 'a:b': () => {} }
    expect(() => backend({ state: () => ({}), alarms })).toThrow('colon')
    expect(() => backend({ state: () => ({}), alarms: { a: 1 as never } })).toThrow('alarms.a')
  })
})
