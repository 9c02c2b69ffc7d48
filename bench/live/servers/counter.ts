/** Sojourn's counter. */
import { backend } from 'sojourn/backend'

export default backend({
  level: process.env['BENCH_LEVEL'] as 'process',
  state: () => ({ count: 0 }),
  actions: (action) => ({
    add: action((ctx) => {
      ctx.state.count += 1
    }),
    /** Which process to kill. */
    pid: action(() => process.pid),
  }),
})
