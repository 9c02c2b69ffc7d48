/** The backend of the round-trip bench. */
import { backend } from 'sojourn/backend'

export default backend({
  state: () => ({ count: 0 }),
  actions: (action) => ({
    /** Changes nothing: the way there and back, and the record of the result. */
    ask: action(() => null),
    /** Changes the state: a frame, a record, and the answer in the same message. */
    add: action((ctx) => {
      ctx.state.count += 1
    }),
  }),
})
