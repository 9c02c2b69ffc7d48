/**
 * A session goes on in another browser. The code travels in the fragment of a link, which reaches
 * no server and no log, and from there in the body of a POST.
 */
import { Hono } from 'hono'
import { z } from 'zod'
import { readBody } from '../web/body.ts'
import type { Web } from '../web/site.ts'
import type { Accounts } from './accounts.ts'
import { requireUser } from './api.ts'
import { enterWithCart } from './enter.ts'
import type { User, Users } from './users.ts'
import { keptAtLogin } from './visitor.ts'

export interface Offer {
  readonly link: string
  readonly forMs: number
}

/** Whose session would go on here. */
export interface Offered {
  readonly user: User | null
  readonly device: string | null
}

interface Tools {
  readonly users: Users
  readonly accounts: Accounts
  readonly origin: string
}

const Code = z.object({ code: z.string().max(100) })
const forMs = 60_000

export function handOverApi({ users, accounts, origin }: Tools): Hono<Web> {
  const api = new Hono<Web>()

  api.post('/handover', async (c) => {
    const session = c.get('session')
    requireUser(session, users)
    const code = await session.handOver({ audience: origin, forMs, keep: keptAtLogin })
    return c.json<Offer>({ link: `${origin}/shop/continue#code=${code}`, forMs })
  })

  api.post('/handover/look', async (c) => {
    const { code } = await readBody(c, Code)
    const { user, device } = await c.get('session').lookAtHandOver(code)
    return c.json<Offered>({ user: (user && users.find(user.id)) ?? null, device: device ?? null })
  })

  // The page has named the account and asked: only its button sends this.
  api.post('/handover/take', async (c) => {
    const { code } = await readBody(c, Code)
    const session = c.get('session')
    const brought = session.user ? {} : { ...session.data.cart }
    await session.takeOver(code, { isConfirmed: true })
    await enterWithCart(session, accounts, brought)
    return c.body(null, 204)
  })

  return api
}
