/** A backend for the fault tests that does things while nobody is there. */
import { basename } from 'node:path'
import { z } from 'zod'
import { backend } from '../../../src/live/backend/index.ts'

export default backend({
  state: () => ({ entries: [] as string[], starts: 0 }),
  start(ctx) {
    ctx.state.starts += 1
  },
  alarms: {
    note: (ctx, entry: string) => {
      ctx.state.entries.push(entry)
    },
    crash: (ctx, entry: string) => {
      ctx.state.entries.push(entry)
      if (ctx.state.starts < 3) process.exit(7)
    },
  },
  actions: (action) => ({
    noteIn: action(z.number(), (ctx, ms) =>
      ctx.schedule('note:1', ctx.clock.nowMs() + ms, 'noted'),
    ),
    crashIn: action(z.number(), (ctx, ms) =>
      ctx.schedule('crash', ctx.clock.nowMs() + ms, 'after all'),
    ),
    work: action(z.number(), (ctx, ms) => {
      ctx.keepAwake(new Promise((resolve) => setTimeout(resolve, ms)))
    }),
    folder: action((ctx) => {
      return { key: basename(ctx.folder ?? ''), isCurrent: ctx.folder === process.cwd() }
    }),
  }),
})
