import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { createSessions, type SessionStore, type Sojourn, sojourn } from './index.ts'

const Visitor = z.object({ theme: z.enum(['light', 'dark']), visits: z.number().optional() })
type Visitor = z.infer<typeof Visitor>
const place = { data: ':memory:', development: { port: 3000 } }
const module = new URL('file:///board.ts')

/** Only for the compiler: none of these is called. */
const typed = {
  bySchema: () =>
    sojourn({
      ...place,
      session: { schema: Visitor, initial: (): Visitor => ({ theme: 'light' }) },
      backends: {
        board: {
          module,
          authorize: ({ session, key }) => {
            expectTypeOf(session?.data.theme).toEqualTypeOf<'light' | 'dark' | undefined>()
            expectTypeOf(key).toBeString()
            return session?.user && { role: 'editor' }
          },
        },
      },
    }),
  byInitial: () => sojourn({ ...place, session: { initial: () => ({ visits: 0 }) } }),
  byNothing: () => sojourn(place),
  wrongInitial: () =>
    // @ts-expect-error any text is no theme of the schema
    sojourn({ ...place, session: { schema: Visitor, initial: () => ({ theme: 'blue' }) } }),
  sessionsAlone: (store: SessionStore) =>
    createSessions({ store, schema: Visitor, initial: (): Visitor => ({ theme: 'dark' }) }),
}

describe('the type of session data', () => {
  it('is that of the schema, which initial() has to fit', () => {
    expectTypeOf(typed.bySchema).returns.resolves.toEqualTypeOf<Sojourn<Visitor>>()
    expectTypeOf(typed.sessionsAlone).returns.toEqualTypeOf<Sojourn<Visitor>['sessions']>()
  })

  it('is that of initial() where there is no schema', () => {
    expectTypeOf(typed.byInitial).returns.resolves.toEqualTypeOf<Sojourn<{ visits: number }>>()
    expectTypeOf(typed.byNothing).returns.resolves.toEqualTypeOf<Sojourn<Record<string, unknown>>>()
  })
})
