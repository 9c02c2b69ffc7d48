/** A backend for the fault tests: a list that remembers who appended what, and ways to misbehave. */
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
    append: action((ctx, entry: unknown) => {
      ctx.state.entries.push(String(entry))
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
    announce: action((ctx, text: unknown) => ctx.broadcast('said', text)),
    crash: action(() => {
      process.exit(7)
    }),
    pid: action(() => process.pid),
    spin,
  }),
})
