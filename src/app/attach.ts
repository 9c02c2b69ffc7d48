/** Puts the door into a server of node:http: only what is below `/live/`, the rest stays as it was. */
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { isDoorRequest } from '../live/gateway/request.ts'

/** The parts of the gateway that a server needs. */
export interface ServerDoor {
  upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): Promise<void>
  request(request: IncomingMessage, response: ServerResponse): void
}

/** The client as one file for pages without a bundler; there in the built package. */
const clientScript = new URL('../client/client.bundle.js', import.meta.url)
const clientPath = '/live/client.js'

/** @throws TypeError for a TLS server: the keys of its sockets can't be handed to another process */
export function attachDoor(server: Server, door: ServerDoor): void {
  if ('setSecureContext' in server) {
    throw new TypeError('attach(): put a proxy that ends TLS in front of a plain http server')
  }
  // Listeners may come before and after us; what is the door's never reaches any of them.
  const emit = server.emit.bind(server) as (event: string, ...args: unknown[]) => boolean
  server.emit = (event: string, ...args: unknown[]): boolean => {
    const [request, response] = args as [IncomingMessage, ServerResponse]
    if (event !== 'request' || !isDoorRequest(request)) return emit(event, ...args)
    if (request.url === clientPath && isRead(request)) serveClient(response)
    else door.request(request, response)
    return true
  }
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Uint8Array) => {
    if (isDoorRequest(request)) door.upgrade(request, socket, head)
    // Nobody else listens, so nobody else would ever answer.
    else if (server.listenerCount('upgrade') === 1)
      socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n')
  })
}

const isRead = ({ method }: IncomingMessage): boolean => method === 'GET' || method === 'HEAD'

function serveClient(response: ServerResponse): void {
  readFile(clientScript).then(
    (script) => {
      response
        .writeHead(200, { 'content-type': 'text/javascript', 'cache-control': 'no-cache' })
        .end(script)
    },
    () => response.writeHead(404).end(),
  )
}
