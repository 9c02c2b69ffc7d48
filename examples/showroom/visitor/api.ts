/** The visitor's side of the API: see the session, set preferences, log in and out. */
import { Hono } from 'hono'
import { z } from 'zod'
import { readBody } from '../web/body.ts'
import { Refusal } from '../web/refusal.ts'
import type { Web } from '../web/site.ts'
import type { Accounts } from './accounts.ts'
import { enterWithCart } from './enter.ts'
import { languages, themes } from './preferences.ts'
import type { User, Users } from './users.ts'
import { keptAtLogin, type VisitorSession, viewOf } from './visitor.ts'

const Credentials = z.object({
  user: z.string().min(1).max(50),
  password: z.string().max(200),
  remember: z.boolean().default(false),
})
const preferenceKeys = ['theme', 'language'] as const
const Preferences = z
  .object({ theme: z.enum(themes), language: z.enum(languages) })
  .partial()
  .strict()

export function visitorApi({ users, accounts }: { users: Users; accounts: Accounts }): Hono<Web> {
  const api = new Hono<Web>()

  api.get('/session', (c) => {
    const session = c.get('session')
    return c.json(viewOf(session, userOf(session, users)))
  })

  api.put('/preferences', async (c) => {
    const { theme, language } = await readBody(c, Preferences)
    const session = c.get('session')
    if (theme) session.data.theme = theme
    if (language) session.data.language = language
    return c.json(viewOf(session, userOf(session, users)))
  })

  api.post('/login', async (c) => {
    const { user: name, password, remember } = await readBody(c, Credentials)
    const user = await checked(users, name.trim().toLowerCase(), password)
    const session = c.get('session')
    // The cart of somebody else, who is still logged in here, is not this user's.
    const keep = session.user ? preferenceKeys : keptAtLogin
    // A new session with a new token: whoever knew the old one, knows nothing now.
    session.login(user.id, { keep, remember })
    session.data.isRemembered = remember
    await enterWithCart(session, accounts, accounts.cartOf(user.id))
    return c.body(null, 204)
  })

  // Proves again who is there, before something that matters; nothing else changes.
  api.post('/login/again', async (c) => {
    const { password } = await readBody(c, Credentials.pick({ password: true }))
    const session = c.get('session')
    const { id } = requireUser(session, users)
    const user = await checked(users, id, password)
    session.login(user.id, { keep: 'all', remember: session.data.isRemembered ?? false })
    return c.body(null, 204)
  })

  // A POST, because messages are gone once they are read.
  api.post('/messages', (c) => c.json(c.get('session').flash('message')))

  api.post('/logout', (c) => {
    c.get('session').logout()
    return c.body(null, 204)
  })

  return api
}

export function userOf(session: VisitorSession, users: Users): User | undefined {
  return session.user && users.find(session.user.id)
}

/** @throws Refusal `LOGIN_NEEDED` */
export function requireUser(session: VisitorSession, users: Users): User {
  const user = userOf(session, users)
  if (!user) throw new Refusal('LOGIN_NEEDED', 'This is for visitors who are logged in.')
  return user
}

async function checked(users: Users, name: string, password: string): Promise<User> {
  const user = await users.check(name, password)
  if (!user) throw new Refusal('CREDENTIALS_WRONG', 'Name and password do not fit together.')
  return user
}
