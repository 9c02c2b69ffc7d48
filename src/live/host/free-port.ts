import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'

/**
 * A port on loopback that nobody listens on now. Somebody may take it before the program that it
 * is for: that one ends then, and is started again with another.
 */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
