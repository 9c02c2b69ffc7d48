/** What only a visitor who is logged in may do: see and end their sessions, change the address. */
import { Hono } from 'hono'
import type { SessionInfo, Sessions } from 'sojourn'
import { z } from 'zod'
import { type Address, fieldCharactersMax, fieldsOfStep } from '../shop/checkout.ts'
import { readBody } from '../web/body.ts'
import { Refusal } from '../web/refusal.ts'
import type { Web } from '../web/site.ts'
import type { Accounts } from './accounts.ts'
import { requireUser } from './api.ts'
import type { Users } from './users.ts'
import type { VisitorData, VisitorSession } from './visitor.ts'

export interface Device
  extends Pick<SessionInfo, 'id' | 'device' | 'parentId' | 'createdAtMs' | 'touchedAtMs'> {
  readonly isThis: boolean
}

interface Tools {
  readonly users: Users
  readonly accounts: Accounts
  readonly sessions: Sessions<VisitorData>
  readonly freshForMs: number
}

const DeviceId = z.object({ id: z.string() })
const NewAddress = z.record(
  z.enum(fieldsOfStep.address),
  z.string().trim().min(1).max(fieldCharactersMax),
)

export function accountApi({ users, accounts, sessions, freshForMs }: Tools): Hono<Web> {
  const api = new Hono<Web>()

  async function devicesOf(session: VisitorSession): Promise<Device[]> {
    const list = await sessions.listByUser(requireUser(session, users).id)
    return list.map(({ id, device, parentId, createdAtMs, touchedAtMs }) => {
      return { id, device, parentId, createdAtMs, touchedAtMs, isThis: id === session.id }
    })
  }

  api.get('/account/devices', async (c) => c.json(await devicesOf(c.get('session'))))

  api.post('/account/devices/end', async (c) => {
    const { id } = await readBody(c, DeviceId)
    const session = c.get('session')
    // An id is no secret: whose session it is, has to be looked up.
    const device = (await devicesOf(session)).find((one) => one.id === id && !one.isThis)
    if (!device) throw new Refusal('DEVICE_UNKNOWN', 'None of your other devices has this id.')
    await sessions.revoke(device.id)
    return c.json(await devicesOf(session))
  })

  api.post('/account/devices/end-others', async (c) => {
    const session = c.get('session')
    const { id } = requireUser(session, users)
    await sessions.revokeUser(id, session.id ? { except: session.id } : {})
    return c.json(await devicesOf(session))
  })

  api.get('/account/address', (c) => {
    const { id } = requireUser(c.get('session'), users)
    return c.json(accounts.addressOf(id) ?? null)
  })

  api.put('/account/address', async (c) => {
    const address: Address = await readBody(c, NewAddress)
    const session = c.get('session')
    const { id } = requireUser(session, users)
    // Whoever finds an unlocked laptop must not send the parcels elsewhere.
    session.requireFresh({ withinMs: freshForMs })
    accounts.saveAddress(id, address)
    return c.json(address)
  })

  return api
}
