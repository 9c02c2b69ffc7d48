/** A backend for the fault tests that does not start for every key, nor take every grant. */
import { z } from 'zod'
import { backend } from '../../../src/live/backend/index.ts'

export default backend({
  grant: z.object({ role: z.string() }),
  state: ({ key }) => {
    if (key === 'broken') throw new Error('no state for this key')
    if (key === 'gone') {
      console.error('nothing can be done')
      process.exit(3)
    }
    return { entries: [] as string[], starts: 0 }
  },
})
