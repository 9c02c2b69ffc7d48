/**
 * What a request to the door must look like. Node's parser lets through more than a door may:
 * two Hosts, absolute-form targets, dot segments, upgrades with a body. Checked on the raw form.
 */
import type { IncomingMessage } from 'node:http'
import { isBackendName, isKey, SojournError } from '../../base/core/index.ts'
import type { InstanceName } from '../../base/protocol/index.ts'

/** Everything below this path is the door's. */
const doorPath = '/live/'

const pathPattern = /^\/live\/([^/?#]*)\/([^/?#]*)(?:\?[^#]*)?$/
const websocketKeyPattern = /^[A-Za-z0-9+/]{22}==$/

export function isDoorRequest({ url = '' }: IncomingMessage): boolean {
  return url.startsWith(doorPath)
}

/**
 * The instance that a request names.
 *
 * @throws SojournError `REQUEST_MALFORMED`, `BACKEND_UNKNOWN`, `KEY_MALFORMED`
 */
export function instanceOf(
  request: IncomingMessage,
  isBackend: (name: string) => boolean,
): InstanceName {
  const [, backend = '', key = ''] = pathPattern.exec(request.url ?? '') ?? []
  if (!backend)
    throw new SojournError('REQUEST_MALFORMED', 'The path must be /live/<backend>/<key>.')
  if (!isBackendName(backend) || !isBackend(backend)) throw new SojournError('BACKEND_UNKNOWN')
  if (!isKey(key)) throw new SojournError('KEY_MALFORMED')
  return { backend, key }
}

/** @throws SojournError `REQUEST_MALFORMED` unless this is a clean WebSocket upgrade (RFC 6455 §4.2.1) */
export function checkUpgrade(request: IncomingMessage): void {
  const { headers } = request
  const fault =
    (request.method !== 'GET' && 'The method must be GET.') ||
    (request.httpVersion !== '1.1' && 'The request must be HTTP/1.1.') ||
    (countOf(request, 'host') !== 1 && 'There must be one Host.') ||
    (countOf(request, 'origin') > 1 && 'There must be one Origin.') ||
    (headers.upgrade?.toLowerCase() !== 'websocket' && 'Upgrade must be websocket.') ||
    (headers['sec-websocket-version'] !== '13' && 'The WebSocket version must be 13.') ||
    (!websocketKeyPattern.test(headers['sec-websocket-key'] ?? '') && 'Bad Sec-WebSocket-Key.') ||
    ((headers['transfer-encoding'] ?? Number(headers['content-length'] ?? 0)) &&
      'There must be no body.')
  if (fault) throw new SojournError('REQUEST_MALFORMED', fault)
}

function countOf({ rawHeaders }: IncomingMessage, name: string): number {
  return rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === name).length
}

/** The headers that an instance needs for the handshake; cookies and credentials stay here. */
export function handshakeHeaders({ headers }: IncomingMessage): Record<string, string> {
  const names = [
    'host',
    'upgrade',
    'connection',
    'sec-websocket-key',
    'sec-websocket-version',
    'user-agent',
  ]
  const pairs = names.map((name) => [name, headers[name]] as const)
  return Object.fromEntries(
    pairs.filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  )
}
