import { backend } from 'sojourn/backend'

export default backend({
  state: () => ({ clicks: 0 }),
  actions: (action) => ({
    click: action((ctx) => {
      ctx.state.clicks += 1
    }),
  }),
})
