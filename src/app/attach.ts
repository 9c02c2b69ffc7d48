/** Puts the door into a server of node:http: only what is below `/live/`, the rest stays as it was. */
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { limits } from '../base/core/index.ts'
import { isDoorRequest } from '../live/gateway/request.ts'

/** The parts of the gateway that a server needs. */
export interface ServerDoor {
  upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): Promise<void>
  request(request: IncomingMessage, response: ServerResponse): Promise<void>
}

/** The client as one file for pages without a bundler; there in the built package. */
const clientScript = new URL('../client/client.bundle.js', import.meta.url)
const clientPath = '/live/client.js'

/**
 * WebSockets of a TLS server are relayed, since the keys of its sockets can't be handed to another
 * process.
 *
 * @throws RangeError for a server that lets clients take their time with the head of a request
 */
export function attachDoor(server: Server | TlsServer, door: ServerDoor): void {
  const { headersTimeout } = server
  if (!(headersTimeout > 0 && headersTimeout <= limits.headersMs))
    throw new RangeError(`attach(): headersTimeout must be 1 to ${limits.headersMs} ms`)
  // Listeners may come before and after us; what is the door's never reaches any of them.
  const emit = server.emit.bind(server) as (event: string, ...args: unknown[]) => boolean
  server.emit = (event: string, ...args: unknown[]): boolean => {
    const [request, response] = args as [IncomingMessage, ServerResponse]
    if (!isRequest(event) || !isDoorRequest(request)) return emit(event, ...args)
    if (request.url === clientPath && isRead(request)) serveClient(response)
    else door.request(request, response)
    return true
  }
  // The door asks for the body of a request once it is let in. Node asks by itself, unless there is
  // a listener: then it is for that one to go on.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (server.listenerCount('checkContinue') > 1) return
    response.writeContinue()
    server.emit('request', request, response)
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Uint8Array) => {
    if (isDoorRequest(request)) door.upgrade(request, socket, head)
    // Nobody else listens, so nobody else would ever answer.
    else if (server.listenerCount('upgrade') === 1)
      socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n')
  })
}

const isRequest = (event: string): boolean => event === 'request' || event === 'checkContinue'
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
