/** ws and nothing else: sends back what it gets. */
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
server.on('connection', (socket) => socket.on('message', (data) => socket.send(data)))
server.on('listening', () => process.send?.((server.address() as AddressInfo).port))
process.on('message', () => process.exit(0))
