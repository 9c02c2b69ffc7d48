import type { Awaitable } from '../../base/core/index.ts'
import type { Opening, RequestFacts } from './requests.ts'
import type { Sessions } from './types.ts'
import type { Visit } from './visit.ts'

/** What every adapter takes beside the sessions. */
export interface AdapterOptions {
  /**
   * Paths without sessions, static files for instance: `(path) => path.startsWith('/assets/')`.
   * Such a request is handed on as it came: no store call, no check, no barrier, and its session
   * is `undefined`. Called once a request with the path of its URL, without the query. Default:
   * none.
   */
  readonly ignore?: (path: string) => boolean
  /**
   * When a session is looked up that lies in a server: `'always'` before the handler, so that
   * `session.data` is there at once; `'manual'` by `await session.open()`, so that a route without
   * it makes no call. Stores that answer at once are asked when the session is first used, either
   * way. Default: `'always'`.
   */
  readonly open?: Opening
}

/** A request as an adapter asks for its session. */
export interface Asked<Given> {
  readonly url: string
  readonly request: Given
  readonly factsOf: (request: Given) => RequestFacts
}

/** The visit of a request; `undefined` where the application wants none. */
export function open<Data extends object, Given>(
  sessions: Sessions<Data>,
  { ignore, open: opening }: AdapterOptions,
  { url, request, factsOf }: Asked<Given>,
): Awaitable<Visit<Data> | undefined> {
  return ignore?.(pathOf(url)) ? undefined : sessions.visit(factsOf(request), opening)
}

/** The same for frameworks that go on by a call, at once where the store answers at once. */
export function openThen<Data extends object, Given>(
  sessions: Sessions<Data>,
  options: AdapterOptions,
  asked: Asked<Given>,
  enter: (visit: Visit<Data> | undefined) => unknown,
  refuse: (error: unknown) => unknown,
): void {
  let visit: Awaitable<Visit<Data> | undefined>
  try {
    visit = open(sessions, options, asked)
  } catch (error) {
    refuse(error)
    return
  }
  if (visit instanceof Promise) visit.then(enter, refuse)
  else enter(visit)
}

/** A client may name the whole URL in its request line (RFC 9112 §3.2.2). */
function pathOf(url: string): string {
  const local = url.startsWith('/') ? url : (URL.parse(url)?.pathname ?? url)
  return local.split('?', 1)[0] ?? local
}
