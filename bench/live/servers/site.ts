/** A program behind the door: answers every request at once, with the port it listens on. */
import { createServer } from 'node:http'

const port = Number(process.env['PORT'])
const body = JSON.stringify({ port })
createServer((_, response) =>
  response
    .writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
    .end(body),
).listen(port, '127.0.0.1')
