/**
 * The headers that go through the door. Those to an instance say who asks, and nobody else can say
 * it; a session's token never gets there.
 */
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { limits, SojournError } from '../../base/core/index.ts'
import type { CallerFacts, InstanceName } from '../../base/protocol/index.ts'
import { offerOf } from './protocols.ts'

/** Names and values in turn, as node:http and undici take them; several of one name stay several. */
export type HeaderLines = string[]

/** See `DoorSessions`. */
export type WithoutToken = (name: string, value: string) => string | undefined

/** What concerns one hop only (RFC 9110 §7.6.1), and what is made anew for the next one. */
const hopByHop = new Set(
  'connection,keep-alive,proxy-connection,proxy-authenticate,proxy-authorization,te,trailer,transfer-encoding,upgrade,http2-settings'.split(
    ',',
  ),
)
const madeAnew = /^(host|expect|sec-websocket-.*|x-sojourn-.*|x-forwarded-.*|forwarded|x-real-ip)$/

/** Who asks for what, as told to an instance. */
export interface Introduction {
  readonly name: InstanceName
  readonly caller: CallerFacts
  /** Tells apart what shares one address; `undefined` where nothing does. */
  readonly instance: number | undefined
  /** Whether a proxy in front is believed what it says of the client. */
  readonly trustProxy: boolean
}

/**
 * What an instance is sent: the client's headers, cleaned, and who asks. Values of `x-sojourn-user`,
 * `-session` and `-grant` (JSON) are percent-encoded UTF-8, so that they survive whatever is in
 * them: `JSON.parse(decodeURIComponent(value))`.
 *
 * @throws TypeError for a grant that is no JSON; SojournError `AUTHORIZE_FAILED` for one above 8 KiB
 */
export function headersToInstance(
  request: IncomingMessage,
  introduction: Introduction,
  withoutToken: WithoutToken,
): HeaderLines {
  const { name, caller, instance } = introduction
  const { connection, session, user } = caller
  const ours = {
    host: request.headers.host,
    ...forwarding(request, introduction.trustProxy),
    'x-sojourn-backend': name.backend,
    'x-sojourn-key': name.key,
    'x-sojourn-connection': connection,
    'x-sojourn-grant': grantText(caller.grant),
    'x-sojourn-session': session && encoded(session),
    'x-sojourn-user': user && encoded(user),
    'x-sojourn-instance': instance?.toString(),
  }
  const lines = cleaned(request.rawHeaders, withoutToken)
  for (const [key, value] of Object.entries(ours)) if (value !== undefined) lines.push(key, value)
  return lines
}

/** What a WebSocket needs in addition; the ticket stays here. */
export function upgradeHeaders({ headers }: IncomingMessage): Record<string, string> {
  const { protocols } = offerOf({ headers })
  const extensions = headers['sec-websocket-extensions']
  return {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': headers['sec-websocket-key'] ?? '',
    ...(protocols.length > 0 && { 'sec-websocket-protocol': protocols.join(', ') }),
    ...(extensions !== undefined && { 'sec-websocket-extensions': extensions }),
  }
}

/** What a client is answered: an instance speaks for itself only, and never to the session. */
export function headersToClient(raw: readonly string[], withoutToken: WithoutToken): HeaderLines {
  return cleaned(raw, withoutToken)
}

function cleaned(raw: readonly string[], withoutToken: WithoutToken): HeaderLines {
  const named = namedInConnection(raw)
  const lines: HeaderLines = []
  for (let at = 0; at < raw.length; at += 2) {
    const name = (raw[at] as string).toLowerCase()
    // CGI and its heirs read `x_sojourn_user` as `x-sojourn-user`: such names go no further.
    if (hopByHop.has(name) || named.has(name) || madeAnew.test(name) || name.includes('_')) continue
    const value = withoutToken(name, raw[at + 1] as string)
    if (value !== undefined) lines.push(name, value)
  }
  return lines
}

function namedInConnection(raw: readonly string[]): Set<string> {
  const values = raw.filter((_, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase() === 'connection')
  return new Set(
    values
      .join(',')
      .toLowerCase()
      .split(/[\s,]+/),
  )
}

export const isEncrypted = ({ socket }: IncomingMessage): boolean =>
  (socket as TLSSocket).encrypted === true

function forwarding(request: IncomingMessage, trustProxy: boolean): Record<string, string> {
  const { headers, socket } = request
  const heard = (name: string): string => (trustProxy ? String(headers[name] ?? '') : '')
  const clients = [heard('x-forwarded-for'), socket.remoteAddress ?? ''].filter(Boolean)
  const [protocol = ''] = heard('x-forwarded-proto').split(',')
  const isTls = isEncrypted(request) || protocol.trim().toLowerCase() === 'https'
  return {
    'x-forwarded-for': clients.join(', '),
    'x-forwarded-proto': isTls ? 'https' : 'http',
    'x-forwarded-host': headers.host ?? '',
  }
}

const encoded = (text: string): string => encodeURIComponent(text.toWellFormed())

function grantText(grant: unknown): string {
  const json = JSON.stringify(grant) as string | undefined
  if (json === undefined) throw new TypeError('a grant must be JSON to be told over HTTP')
  const text = encoded(json)
  if (text.length > limits.grantBytesMax)
    throw new SojournError('AUTHORIZE_FAILED', `The grant takes ${text.length} bytes as a header.`)
  return text
}
