import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { action, type Backend, backend } from './index.ts'

const Stroke = z.object({ color: z.string(), points: z.array(z.number()).default([]) })
const Grant = z.object({ role: z.enum(['editor', 'viewer']) })

const board = backend({
  grant: Grant,
  presence: z.object({ x: z.number(), y: z.number() }),
  state: () => ({ strokes: [] as { color: string; points: number[] }[] }),
  identity: (caller) => ({ role: caller.grant.role }),
  actions: (action) => ({
    draw: action(Stroke, (ctx, stroke) => {
      expectTypeOf(ctx.caller.grant.role).toEqualTypeOf<'editor' | 'viewer'>()
      expectTypeOf(stroke.points).toEqualTypeOf<number[]>()
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
      typeof board extends Backend<infer S, infer G, infer P, infer I, infer A, infer _, infer __>
        ? [S, G, P, I, keyof A]
        : never
    expectTypeOf<Parts>().toEqualTypeOf<
      [
        { strokes: { color: string; points: number[] }[] },
        { role: 'editor' | 'viewer' },
        { x: number; y: number },
        { role: 'editor' | 'viewer' },
        'draw' | 'clear',
      ]
    >()
  })

  it('refuses misuse at once', () => {
    expect(() => backend({} as never)).toThrow(TypeError)
    expect(() => backend({ state: () => ({}), actions: () => ({ go: {} as never }) })).toThrow(
      'action go',
    )
    expect(() => action({} as never, (() => {}) as never)).toThrow('Standard Schema')
  })
})
