/** Relays the bytes of a WebSocket whose socket can't be handed over. */
import { request as ask, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Clock, type ErrorCode, limits, SojournError } from '../../base/core/index.ts'
import type { Address } from '../../base/protocol/index.ts'
import { closeFrame, FrameCounter } from './frames.ts'
import { type HeaderLines, headersToClient, type WithoutToken } from './headers.ts'
import { watchForStall } from './stalled.ts'
import { within } from './within.ts'

/** The instance's end, after its handshake. */
export interface Upstream {
  readonly answer: IncomingMessage
  readonly socket: Duplex
  /** What it said right after. */
  readonly head: Buffer
}

export interface Dialling {
  readonly address: Address
  readonly path: string
  readonly headers: HeaderLines
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Asks an instance for a WebSocket. Nothing of the client is sent on before it agreed: what refuses
 * an upgrade would take it for a request.
 *
 * @throws SojournError `INSTANCE_STOPPED`, `INSTANCE_ANSWER_INVALID`, or the signal's reason
 */
export async function dial({ address, path, headers, clock, signal }: Dialling): Promise<Upstream> {
  const where = 'path' in address ? address : { host: '127.0.0.1', port: address.port }
  const createConnection = () => connect({ ...where, allowHalfOpen: true })
  const asked = ask({ method: 'GET', path, headers, createConnection })
  const answered = new Promise<Upstream>((resolve, reject) => {
    asked.on('upgrade', (answer, socket, head) => resolve({ answer, socket, head }))
    asked.on('response', ({ statusCode }) => reject(refused(`It answered ${statusCode}.`)))
    asked.on('error', (cause) => reject(new SojournError('INSTANCE_STOPPED', undefined, { cause })))
  })
  asked.end()
  const late = (): SojournError => refused('It did not answer.')
  try {
    const upstream = await within({ clock, ms: limits.handshakeMs, late, signal }, answered)
    signal.throwIfAborted()
    return upstream
  } catch (error) {
    asked.destroy()
    answered.then(
      ({ socket }) => socket.destroy(),
      () => {},
    )
    throw error
  }
}

/** The kernel asks a client that was silent for so long whether it is there. */
const keepAliveAfterMs = 15_000

const refused = (detail: string): SojournError =>
  new SojournError('INSTANCE_ANSWER_INVALID', detail)

export interface Splicing {
  readonly client: Duplex
  /** What the client said right after its request. */
  readonly head: Uint8Array
  readonly upstream: Upstream
  readonly withoutToken: WithoutToken
  readonly clock: Clock
  /** The client sent a frame of data. */
  readonly onData: () => void
}

export interface Spliced {
  /** Resolves when both ends are closed. */
  readonly ended: Promise<unknown>
  /** Closes with the code's close code where that is possible, else cuts. */
  close(code: ErrorCode): void
}

/** Joins the two ends: each is read as fast as the other takes, and their ends pass through. */
export function splice(splicing: Splicing): Spliced {
  const { client, head, upstream, withoutToken, clock, onData } = splicing
  const { socket } = upstream
  client.write(answerHead(upstream.answer, withoutToken), 'latin1')
  ;(client as Socket).setKeepAlive(true, keepAliveAfterMs)
  let isClosed = false
  let isClosing = false
  const outbound = new FrameCounter((opcode) => {
    isClosed ||= opcode === 8
  })
  const inbound = new FrameCounter((opcode) => {
    if (opcode < 8) onData()
  })
  const cut = (): void => {
    client.destroy()
    socket.destroy()
  }
  const unwatch = watchForStall(clock, client, cut)
  // An end that has nothing more to say, or is gone: nobody can tell before they write to it.
  for (const end of [client, socket]) end.once('end', () => clock.after(limits.stalledMs, cut))
  const ended = Promise.all([
    join(socket, client, outbound, upstream.head, () => isClosing || client.destroy()),
    join(client, socket, inbound, head, () => socket.destroy()),
  ]).then(unwatch)
  const close = (code: ErrorCode): void => {
    if (isClosing) return
    isClosing = true
    socket.unpipe(client).destroy()
    client.unpipe(socket).resume()
    if (isClosed || !outbound.isBetween) {
      client.destroy()
      return
    }
    client.end(closeFrame(new SojournError(code).close, code))
    clock.after(limits.closeMs, () => client.destroy())
  }
  return { ended, close }
}

/** Sends one direction on; resolves when its source is closed. */
function join(
  from: Duplex,
  to: Duplex,
  counter: FrameCounter,
  head: Uint8Array,
  cut: () => void,
): Promise<void> {
  from.on('error', () => {})
  // A pipe writes each chunk in the same turn: what was counted is what was written.
  from.on('data', (chunk: Buffer) => counter.pass(chunk))
  counter.pass(head)
  if (head.length > 0) to.write(head)
  from.pipe(to)
  return new Promise((resolve) => {
    from.once('close', () => {
      // Two ends that passed through leave nothing to do; anything else is a cut.
      if (!from.readableEnded || !from.writableFinished) cut()
      resolve()
    })
  })
}

const webSocketHeader = /^sec-websocket-(accept|protocol|extensions)$/

function answerHead({ rawHeaders, headers }: IncomingMessage, withoutToken: WithoutToken): string {
  const lines = ['HTTP/1.1 101 Switching Protocols', 'connection: Upgrade', 'upgrade: websocket']
  for (const [name, value] of Object.entries(headers))
    if (webSocketHeader.test(name)) lines.push(`${name}: ${value}`)
  const others = headersToClient(rawHeaders, withoutToken)
  for (let at = 0; at < others.length; at += 2) lines.push(`${others[at]}: ${others[at + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}
