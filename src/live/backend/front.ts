/**
 * Serves HTTP of all instances in this process, on a Unix socket that only the door reaches. The
 * door says in headers which instance is meant and who asks (docs/protocol.md); it lets nobody
 * else's word of that through.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { SojournError } from '../../base/core/index.ts'
import type { CallerFacts } from '../../base/protocol/index.ts'

/** An instance, as far as HTTP is concerned. */
export interface Fronted {
  request(facts: CallerFacts, request: IncomingMessage, response: ServerResponse): void
  /** A WebSocket that is relayed, because its socket could not be handed over. */
  upgrade(facts: CallerFacts, request: IncomingMessage, socket: Socket, head: Uint8Array): void
}

/** @param find the instance of that number, if it lives here */
export function serveHttp(
  path: string,
  find: (instance: number) => Fronted | undefined,
  onListening: () => void,
): void {
  const addressed = ({ headers }: IncomingMessage): Fronted | undefined =>
    find(Number(headers['x-sojourn-instance']))
  const server = createServer((request, response) => {
    const instance = addressed(request)
    if (instance) instance.request(factsOf(request), request, response)
    else refuse(response, new SojournError('INSTANCE_STOPPED'))
  })
  server.on('upgrade', (request, socket, head) => {
    const instance = addressed(request)
    if (instance) instance.upgrade(factsOf(request), request, socket as Socket, head)
    else socket.destroy()
  })
  // The door keeps connections for the next request, and says when it is done with them.
  server.keepAliveTimeout = 0
  server.requestTimeout = 0
  server.listen(path, onListening)
  server.unref()
}

export function refuse(response: ServerResponse, { status, code, message }: SojournError): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify({ error: { code, message } }))
}

function factsOf({ headers }: IncomingMessage): CallerFacts {
  const said = (name: string): string | undefined => {
    const value = headers[`x-sojourn-${name}`]
    return typeof value === 'string' ? decodeURIComponent(value) : undefined
  }
  const [session, user] = [said('session'), said('user')]
  return {
    connection: said('connection') ?? '',
    grant: JSON.parse(said('grant') ?? 'null') as unknown,
    ...(session !== undefined && { session }),
    ...(user !== undefined && { user }),
  }
}
