/** What a parked socket hears in any pieces: it answers what needs no instance, and loses nothing. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { settle } from '../../../test/fakes/instance.ts'
import { encodeFromClient, encodeFromInstance } from '../../base/protocol/index.ts'
import { virtualClock } from '../../testing/index.ts'
import { ParkedSocket } from './parked-socket.ts'
import type { SocketHandle } from './sockets.ts'

let server: Server
const clock = virtualClock()
beforeAll(async () => {
  server = createServer({ pauseOnConnect: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => server.close())

interface Pair {
  readonly client: Socket
  readonly parked: ParkedSocket
  readonly heard: number[]
  readonly woken: Promise<void>
  readonly closed: Promise<void>
}

async function pair(): Promise<Pair> {
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [accepted] = (await once(server, 'connection')) as [Socket]
  const { _handle: handle } = accepted as unknown as { _handle: SocketHandle }
  const heard: number[] = []
  client.on('data', (chunk) => heard.push(...chunk))
  client.on('error', () => {})
  const [woken, closed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const parked = new ParkedSocket({
    handle,
    clock,
    onWake: () => woken.resolve(),
    onClosed: () => closed.resolve(),
  })
  return { client, parked, heard, woken: woken.promise, closed: closed.promise }
}

function frame(first: number, payload: Uint8Array): number[] {
  const mask = [payload.byteLength, 7, 200, 1]
  const length =
    payload.byteLength < 126
      ? [0x80 | payload.byteLength]
      : [0x80 | 126, payload.byteLength >> 8, payload.byteLength & 255]
  return [first, ...length, ...mask, ...payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0))]
}
const sentMs = 1.5
const ping = encodeFromClient({ type: 'ping', sentMs })
const pong = encodeFromInstance({ type: 'pong', sentMs, serverMs: clock.nowMs() })

const quiet = fc.oneof(
  fc.uint8Array({ maxLength: 125 }).map((payload) => ({
    bytes: frame(0x89, payload),
    answer: [0x8a, payload.byteLength, ...payload],
  })),
  fc.uint8Array({ maxLength: 125 }).map((payload) => ({ bytes: frame(0x8a, payload), answer: [] })),
  fc.constant({ bytes: frame(0x82, ping), answer: [0x82, pong.byteLength, ...pong] }),
)
/** Frames that an instance has to see: actions, fragments, text, and what breaks the rules. */
const waking = fc.oneof(
  fc.uint8Array({ minLength: 2, maxLength: 300 }).map((payload) => frame(0x82, payload)),
  fc.uint8Array({ maxLength: 1 }).map((payload) => frame(0x02, payload)),
  fc.uint8Array({ maxLength: 3 }).map((payload) => frame(0x81, payload)),
  fc.constant(frame(0x82, Uint8Array.of(1))),
  fc.constant([0x82, 0x01, 4]),
  fc.constant(frame(0x82, ping.subarray(1))),
  fc.constant(frame(0x82, Uint8Array.of(...ping, 0))),
  fc.constant(frame(0xc2, Uint8Array.of(4))),
)

async function inPieces(client: Socket, bytes: readonly number[], cuts: readonly number[]) {
  const edges = [
    0,
    ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b),
    bytes.length,
  ]
  client.setNoDelay(true)
  for (const [index, edge] of edges.slice(1).entries()) {
    client.write(Uint8Array.from(bytes.slice(edges[index], edge)))
    await settle()
  }
}

describe('ParkedSocket', () => {
  it('answers quietly until something counts, and gives that away with every byte behind it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(quiet, { maxLength: 6 }),
        waking,
        fc.uint8Array({ maxLength: 50 }),
        fc.array(fc.nat(400), { maxLength: 5 }),
        async (before, wakes, behind, cuts) => {
          const { client, parked, heard, woken } = await pair()
          const rest = [...wakes, ...behind]
          await inPieces(client, [...before.flatMap(({ bytes }) => bytes), ...rest], cuts)
          await woken
          const given = await parked.giveUp()
          const answers = before.flatMap(({ answer }) => answer)
          await expect.poll(() => heard).toEqual(answers)
          // The kernel may still hold what came after the wake.
          expect(rest.slice(0, given?.head.byteLength)).toEqual([...(given?.head ?? [])])
          expect(given?.head.byteLength).toBeGreaterThan(0)
          given?.handle.close()
          client.destroy()
        },
      ),
      { numRuns: 60 },
    )
  })

  it('answers the closing handshake, and says when the socket is gone', async () => {
    const { client, heard, closed } = await pair()
    client.write(Uint8Array.from(frame(0x88, Uint8Array.of(3, 232))))
    await once(client, 'end')
    client.end()
    await closed
    expect(heard).toEqual([0x88, 2, 3, 232])
  })

  it('closes with a code, and is gone even when the client never answers', async () => {
    const { client, parked, heard, closed } = await pair()
    parked.close('SESSION_ENDED')
    await once(client, 'end')
    const code = Buffer.from([...heard.slice(2)])
    expect([heard[0], code.readUInt16BE(0), code.toString('latin1', 2)]).toEqual([
      0x88,
      4401,
      'SESSION_ENDED',
    ])
    client.end()
    await closed
  })

  it('is cut when its client sends pings and never reads', async () => {
    const { client, closed } = await pair()
    client.pause()
    const pings = Buffer.concat(
      Array.from({ length: 2_000 }, () => Buffer.from(frame(0x89, new Uint8Array(125)))),
    )
    const flood = setInterval(() => client.writable && client.write(pings), 1)
    await closed
    clearInterval(flood)
    client.destroy()
  })

  it('gives up nothing once it has closed', async () => {
    const { client, parked, closed } = await pair()
    client.destroy()
    await closed
    expect(await parked.giveUp()).toBeUndefined()
  })
})
