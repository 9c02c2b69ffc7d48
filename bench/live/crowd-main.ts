/** Many clients of one contestant, in a process of their own; does what its parent says. */
import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, clientOf } from './clients/client.ts'
import { contestants, type Name } from './contestants.ts'
import type { Add, Answer, Join, Listen, Order, Trips } from './crowd.ts'

const [name, port] = process.argv.slice(2)
const { technology, mode } = contestants[name as Name]
const host = `127.0.0.1:${port}`
const joinsAtOnce = 8

/** Whatever library opened them. */
const sockets = new Set<Socket>()
subscribe('net.client.socket', (message) => {
  sockets.add((message as { socket: Socket }).socket)
})

let clients: Client[] = []

async function join({ kind, keys, perKey }: Join): Promise<void> {
  const joinOne = await clientOf(technology)
  const left = Array.from({ length: keys * perKey }, (_, at) => `key-${at % keys}`)
  const lines = Array.from({ length: joinsAtOnce }, async () => {
    for (let key = left.shift(); key; key = left.shift())
      clients.push(await joinOne({ port: Number(port), host, kind, key, mode }))
  })
  await Promise.all(lines)
}

const receivedBytes = (): number =>
  Array.from(sockets).reduce((sum, socket) => sum + socket.bytesRead, 0)

/**
 * Everybody listens to one key while one client of them has its players moved at an even pace.
 * Sojourn's `tick` would do without that client, as would a timer in each of the others.
 */
async function listen({ forMs, everyMs }: Listen): Promise<number> {
  const startedMs = performance.now()
  const before = receivedBytes()
  for (let next = startedMs; next < startedMs + forMs; next += everyMs) {
    await sleep(Math.max(0, next - performance.now()))
    clients[0]?.move()
  }
  await sleep(Math.max(0, startedMs + forMs - performance.now()))
  const seconds = (performance.now() - startedMs) / 1_000
  return (receivedBytes() - before) / clients.length / seconds
}

/** Each client keeps so many actions open, for so long, and waits for the last answers. */
async function add({ forMs, openMax }: Add): Promise<number> {
  const startedMs = performance.now()
  let count = 0
  const line = async (client: Client): Promise<void> => {
    while (performance.now() < startedMs + forMs) {
      await client.add()
      count += 1
    }
  }
  await Promise.all(
    clients.flatMap((client) => Array.from({ length: openMax }, () => line(client))),
  )
  return count / ((performance.now() - startedMs) / 1_000)
}

async function trips({ count }: Trips): Promise<readonly number[]> {
  const [client] = clients
  const seen: number[] = []
  while (seen.length < count) {
    const startedMs = performance.now()
    await client?.add()
    seen.push((performance.now() - startedMs) * 1_000)
  }
  return seen
}

async function obey(order: Order): Promise<readonly number[]> {
  switch (order.type) {
    case 'join':
      await join(order)
      return []
    case 'listen':
      return [await listen(order)]
    case 'add':
      return [await add(order)]
    case 'trips':
      return await trips(order)
    default:
      for (const client of clients) client.close()
      clients = []
      return []
  }
}

process.on('message', (order: Order) => {
  const tell = (answer: Answer): void => void process.send?.(answer)
  obey(order).then(
    (values) => tell({ values }),
    (error: Error) => tell({ error: error.message }),
  )
})
process.on('disconnect', () => process.exit(0))
