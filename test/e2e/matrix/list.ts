/** The backend of the matrix test: a list to which its writers append, and parts that stay. */
import { setTimeout as pause } from 'node:timers/promises'
import { backend } from 'sojourn/backend'
import { z } from 'zod'

const Item = z.object({ by: z.string(), n: z.number(), takesMs: z.number() })

export default backend({
  state: () => ({
    items: [] as { by: string; n: number }[],
    still: { note: 'never changes' },
    filler: '',
  }),
  actions: (action) => ({
    /** Answers with the place of the item, which a second run would change. */
    append: action(Item, async (ctx, { by, n, takesMs }) => {
      if (takesMs > 0) await pause(takesMs)
      return ctx.state.items.push({ by, n }) - 1
    }),
    /** Makes a large frame. */
    fill: action(z.string(), (ctx, text) => {
      ctx.state.filler = text
    }),
  }),
})
