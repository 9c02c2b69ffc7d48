/** The routes that every contestant serves. A framework of each kind calls them in the same way. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Bag, bagOf } from './data.ts'

/** The session of one request. */
export interface Held {
  readonly data: Bag
  end(): unknown
}

type Route = (hold: () => Held, query: URLSearchParams) => string | Promise<string>

const handlerMs = 5
const slowHandlerMs = 20
/** The same for all that is measured, so that only the session makes a difference. */
const body = (theme: string): string => `{"theme":"${theme}"}`

export const routes = {
  '/untouched': () => body('dark'),
  '/read': (hold) => body(hold().data.preferences.theme),
  '/write': (hold) => {
    const { preferences } = hold().data
    preferences.visits += 1
    return body(preferences.theme)
  },
  '/seed': (hold, query) => {
    Object.assign(hold().data, bagOf(Number(query.get('bytes'))))
    return 'seeded'
  },
  /** Looks at the session, waits for something, then adds a key of its own. */
  '/add': async (hold, query) => {
    const { data } = hold()
    const { theme } = data.preferences
    await sleep(handlerMs)
    data[query.get('key') ?? ''] = theme
    return 'added'
  },
  /** On its way while its session is logged out. */
  '/slow': async (hold) => {
    const { data } = hold()
    const { theme } = data.preferences
    await sleep(slowHandlerMs)
    data['late'] = theme
    return 'late'
  },
  '/logout': async (hold) => {
    await hold().end()
    return 'out'
  },
  '/keys': (hold) => JSON.stringify(Object.keys(hold().data)),
} satisfies Record<string, Route>

/** What `createServer` of node:http gives for a URL. */
export function routeOf(url: string): { readonly route: Route; readonly query: URLSearchParams } {
  const [path = '', search] = url.split('?')
  return { route: routes[path as keyof typeof routes], query: new URLSearchParams(search) }
}
