/**
 * What a request to the door must look like. Node's parser lets through more than a door may:
 * two Hosts, absolute-form targets, dot segments, upgrades with a body. Checked on the raw form.
 */
import type { IncomingMessage } from 'node:http'
import { isBackendName, isKey, limits, SojournError } from '../../base/core/index.ts'
import type { InstanceName } from '../../base/protocol/index.ts'

/** Everything below this path is the door's. */
const doorPath = '/live/'

const targetPattern = /^\/live\/([^/?#]*)\/([^/?#]*)((?:\/[^?#]*)?)((?:\?[^#]*)?)$/
const websocketKeyPattern = /^[A-Za-z0-9+/]{22}==$/

/** What a request asks for. */
export interface Target {
  readonly name: InstanceName
  /** What is left for the instance: `/<rest>?<query>`. */
  readonly path: string
}

export function isDoorRequest({ url = '' }: IncomingMessage): boolean {
  return url.startsWith(doorPath)
}

/**
 * The instance that a request names, and what it wants there.
 *
 * @throws SojournError `REQUEST_MALFORMED`, `BACKEND_UNKNOWN`, `KEY_MALFORMED`
 */
export function targetOf(
  { url = '' }: IncomingMessage,
  isBackend: (name: string) => boolean,
): Target {
  const [, backend = '', key = '', rest = '', query = ''] = targetPattern.exec(url) ?? []
  if (!backend)
    throw new SojournError('REQUEST_MALFORMED', 'The path must be /live/<backend>/<key>.')
  if (!isBackendName(backend) || !isBackend(backend)) throw new SojournError('BACKEND_UNKNOWN')
  if (!isKey(key)) throw new SojournError('KEY_MALFORMED')
  if (!/^[\x21-\x7e]*$/.test(url) || !isClean(rest))
    throw new SojournError('REQUEST_MALFORMED', 'The path has segments that programs read unlike.')
  return { name: { backend, key }, path: `${rest || '/'}${query}` }
}

/** Whether everybody takes a path for the same: whoever decodes it, and whoever doesn't. */
function isClean(rest: string): boolean {
  const isBroken = /\\|%(?![0-9a-f]{2})|%00|%5c/i.test(rest) || rest.startsWith('//')
  const decoded = rest.replace(/%2e/gi, '.').replace(/%2f/gi, '/')
  return !isBroken && !/(^|\/)\.{1,2}(;|\/|$)/.test(decoded)
}

/** @throws SojournError `REQUEST_MALFORMED` unless everybody reads the same request out of it */
export function checkRequest(request: IncomingMessage): void {
  const { headers } = request
  const [codings, lengths] = [all(request, 'transfer-encoding'), all(request, 'content-length')]
  const fault =
    (request.httpVersion !== '1.1' && 'The request must be HTTP/1.1.') ||
    (request.rawHeaders.length > 2 * limits.requestHeadersMax && 'There are too many headers.') ||
    (all(request, 'host').length !== 1 && 'There must be one Host.') ||
    (all(request, 'origin').length > 1 && 'There must be one Origin.') ||
    (codings.some((coding) => coding.toLowerCase() !== 'chunked') && 'Odd Transfer-Encoding.') ||
    (codings.length + lengths.length > 1 && 'The length of the body is told twice.') ||
    (!/^\d*$/.test(headers['content-length'] ?? '') && 'Odd Content-Length.') ||
    (/^(TRACE|CONNECT)$/.test(request.method ?? '') && 'The method is not served.')
  if (fault) throw new SojournError('REQUEST_MALFORMED', fault)
}

/** @throws SojournError `REQUEST_MALFORMED` unless this is a clean WebSocket upgrade (RFC 6455 §4.2.1) */
export function checkUpgrade(request: IncomingMessage): void {
  const { headers } = request
  checkRequest(request)
  const fault =
    (request.method !== 'GET' && 'The method must be GET.') ||
    (headers.upgrade?.toLowerCase() !== 'websocket' && 'Upgrade must be websocket.') ||
    (headers['sec-websocket-version'] !== '13' && 'The WebSocket version must be 13.') ||
    (!websocketKeyPattern.test(headers['sec-websocket-key'] ?? '') && 'Bad Sec-WebSocket-Key.') ||
    (hasBody(request) && 'There must be no body.')
  if (fault) throw new SojournError('REQUEST_MALFORMED', fault)
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return 'transfer-encoding' in headers || Number(headers['content-length'] ?? 0) > 0
}

function all({ rawHeaders }: IncomingMessage, name: string): string[] {
  return rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name,
  )
}
