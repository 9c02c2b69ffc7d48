/** The visitor's side of the API: see the session, set preferences, log in and out. */
import { Hono } from 'hono'
import { z } from 'zod'
import { readBody } from '../web/body.ts'
import { Refusal } from '../web/refusal.ts'
import type { Web } from '../web/site.ts'
import { languages, themes } from './preferences.ts'
import type { User, Users } from './users.ts'
import { keptAtLogin, type VisitorSession, viewOf } from './visitor.ts'

const Credentials = z.object({ user: z.string().min(1).max(50), password: z.string().max(200) })
const Preferences = z
  .object({ theme: z.enum(themes), language: z.enum(languages) })
  .partial()
  .strict()

export function visitorApi(users: Users): Hono<Web> {
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
    const { user: name, password } = await readBody(c, Credentials)
    const user = await users.check(name.trim().toLowerCase(), password)
    if (!user) throw new Refusal('CREDENTIALS_WRONG', 'Name and password do not fit together.')
    // A new session with a new token: whoever knew the old one, knows nothing now.
    c.get('session').login(user.id, { keep: keptAtLogin })
    return c.body(null, 204)
  })

  api.post('/logout', (c) => {
    c.get('session').logout()
    return c.body(null, 204)
  })

  return api
}

export function userOf(session: VisitorSession, users: Users): User | undefined {
  return session.user && users.find(session.user.id)
}
