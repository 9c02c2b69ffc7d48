/** A backend for the fault tests: a list that remembers who appended what, and ways to misbehave. */
import { z } from 'zod'
import { action, backend, SojournError } from '../../../src/live/backend/index.ts'

const spin = action(() => {
  for (;;);
})

export default backend({
  state: () => ({ entries: [] as string[], starts: 0 }),
  identity: (caller) => ({ user: caller.user ?? null }),
  start(ctx) {
    ctx.state.starts += 1
  },
  actions: (action) => ({
    append: action(z.string(), (ctx, entry) => {
      ctx.state.entries.push(entry)
      return ctx.state.entries.length
    }),
    appendThenThrow: action((ctx) => {
      ctx.state.entries.push('never')
      ctx.broadcast('never')
      throw new Error('no')
    }),
    refuse: action(() => {
      throw new SojournError('FORBIDDEN')
    }),
    announce: action(z.string(), (ctx, text) => ctx.broadcast('said', text)),
    crash: action(() => {
      process.exit(7)
    }),
    pid: action(() => process.pid),
    spin,
  }),
})
