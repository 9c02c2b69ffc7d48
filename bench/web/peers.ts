/** The peers, each as its documentation sets it up, with what costs nothing when nothing changed. */
import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Bag } from './data.ts'
import { bagOf } from './data.ts'
import { type App, onExpress, onFastify, onHttp, send } from './frameworks.ts'
import { type Held, routeOf } from './routes.ts'

const secret = randomBytes(32).toString('hex')

interface ExpressSession {
  destroy(done: () => void): void
}

export async function expressSession(store?: unknown): Promise<App> {
  const { default: session } = await import('express-session')
  const way = { secret, resave: false, saveUninitialized: false, ...(store ? { store } : {}) }
  return onExpress(session(way), ({ session: data }: { session: ExpressSession & Bag }) => ({
    data,
    end: () => new Promise<void>((resolve) => data.destroy(resolve)),
  }))
}

export async function expressSessionOnRedis(url: string): Promise<App> {
  const [{ RedisStore }, { createClient }] = await Promise.all([
    import('connect-redis'),
    import('redis'),
  ])
  return expressSession(new RedisStore({ client: await createClient({ url }).connect() }))
}

export async function fastifySession(): Promise<App> {
  const [{ default: cookie }, { default: session }] = await Promise.all([
    import('@fastify/cookie'),
    import('@fastify/session'),
  ])
  // Its default, `rolling: true`, would store every session that comes.
  const way = { secret, saveUninitialized: false, rolling: false, cookie: { secure: false } }
  return onFastify(
    (app) => void app.register(cookie).register(session, way),
    ({ session: data }: { session: { destroy(): Promise<void> } & Bag }) => ({
      data,
      end: () => data.destroy(),
    }),
  )
}

/** Paths that leave the session changed, where it must be stored by hand. */
const changing = /^\/(write|seed|add|slow)/

export async function ironSession(): Promise<App> {
  const { getIronSession } = await import('iron-session')
  // `chunk`: 8 kB fit in no single cookie.
  const way = {
    cookieName: 'iron',
    password: secret,
    chunk: true,
    cookieOptions: { secure: false },
  }
  return onHttp(async (request, response) => {
    const { url = '' } = request
    const { route, query } = routeOf(url)
    const session =
      url === '/untouched' ? undefined : await getIronSession<Bag>(request, response, way)
    const held = { data: session as Bag, end: () => session?.destroy() }
    const body = await route(() => held, query)
    if (changing.test(url)) await session?.save()
    send(response, body)
  })
}

/** Its sessions hold fields that are declared; the bag is one of them. In memory, no cookie cache. */
export async function betterAuth(port: number): Promise<App> {
  const [{ betterAuth: create }, { memoryAdapter }, { fromNodeHeaders }] = await Promise.all([
    import('better-auth'),
    import('better-auth/adapters/memory'),
    import('better-auth/node'),
  ])
  const database = memoryAdapter({ user: [], session: [], account: [], verification: [] })
  const auth = create({
    database,
    secret,
    baseURL: `http://localhost:${port}`,
    emailAndPassword: { enabled: true },
    session: { additionalFields: { bag: { type: 'string', required: false } } },
    telemetry: { enabled: false },
    logger: { disabled: true },
  })
  let users = 0
  const signUp = async (response: ServerResponse): Promise<Headers> => {
    users += 1
    const body = { name: 'A', email: `a${users}@example.com`, password: secret }
    const { headers } = await auth.api.signUpEmail({ body, returnHeaders: true })
    response.setHeader('set-cookie', headers.getSetCookie())
    const cookie = headers.getSetCookie().map((line: string) => line.split(';')[0])
    return new Headers({ cookie: cookie.join('; ') })
  }
  const holdOf = async (headers: Headers): Promise<Held> => {
    const found = await auth.api.getSession({ headers })
    const data = JSON.parse(found?.session.bag ?? '{}') as Bag
    return { data, end: () => auth.api.signOut({ headers }) }
  }
  return onHttp(async (request, response) => {
    const { url = '' } = request
    const { route, query } = routeOf(url)
    const isSeed = url.startsWith('/seed')
    const headers = isSeed ? await signUp(response) : fromNodeHeaders(request.headers)
    const held = url === '/untouched' ? undefined : await holdOf(headers)
    const body = await route(() => held ?? { data: bagOf(0), end() {} }, query)
    if (changing.test(url)) {
      const bag = JSON.stringify(held?.data)
      await auth.api.updateSession({ body: { bag }, headers }).catch(() => {})
    }
    send(response, body)
  })
}
