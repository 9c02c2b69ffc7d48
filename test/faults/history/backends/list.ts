/** A list that only grows, at the level of durability that is asked for. */
import { z } from 'zod'
import { backend, SojournError } from '../../../../src/live/backend/index.ts'

export const listAt = (level: 'process' | 'disk') =>
  backend({
    level,
    state: () => ({ entries: [] as string[] }),
    actions: (action) => ({
      append: action(z.string(), (ctx, value) => ctx.state.entries.push(value)),
      appendAndRefuse: action(z.string(), (ctx, value) => {
        ctx.state.entries.push(value)
        throw new SojournError('FORBIDDEN')
      }),
    }),
  })
