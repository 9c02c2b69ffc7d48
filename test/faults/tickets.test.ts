/** A ticket on its whole way: from the platform through the door and the host to an instance. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Sojourn, sojourn } from '../../src/app/index.ts'
import { silentLog } from '../../src/base/core/index.ts'
import { type ConnectOptions, connect } from '../../src/client/index.ts'
import { scratchFolder } from '../e2e/scratch.ts'
import type log from './backends/log.ts'

const data = scratchFolder()
let server: Server
let app: Sojourn<Record<string, unknown>>
let address: string
let asked = 0

beforeAll(async () => {
  server = createServer()
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  app = await sojourn({
    data: data.path,
    development: { port },
    log: silentLog,
    backends: {
      log: {
        module: new URL('./backends/log.ts', import.meta.url),
        authorize: () => {
          asked += 1
          return false
        },
      },
    },
  })
  app.attach(server)
  address = `ws://localhost:${port}/live/log/room`
})
afterAll(async () => {
  await app.close()
  server.closeAllConnections()
  server.close()
  data.remove()
})

const open = (options: ConnectOptions) => connect<typeof log>(address, options)

it('F64, I30: lets a client in whom no rule would, again and again', async () => {
  const here = { backend: 'log', key: 'room', grant: { role: 'writer' }, user: 'ada' }
  const used: string[] = []
  const live = open({
    ticket: async () => {
      const ticket = await app.tickets.issue(here)
      used.push(ticket)
      return ticket
    },
  })
  await expect.poll(() => live.status).toBe('live')
  // The same ticket opens nothing more, and the client knows to ask for another.
  let attempts = 0
  const other = open({
    ticket: () => {
      attempts += 1
      return used[0] ?? ''
    },
  })
  await expect.poll(() => attempts).toBeGreaterThan(1)
  expect(other.status).toBe('connecting')
  other.close()
  live.close()
  expect(used).toHaveLength(1)
  expect(asked).toBe(0)
})

it('opens nothing for a session that is not there', async () => {
  const ticket = () => app.tickets.issue({ backend: 'log', key: 'room', session: 's_none' })
  const live = open({ ticket })
  await expect.poll(() => live.error?.code).toBe('SESSION_ENDED')
})
