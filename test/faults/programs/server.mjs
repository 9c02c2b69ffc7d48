/** A program that serves HTTP and WebSocket on $PORT, and misbehaves as its key says. */
import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import process from 'node:process'
import { WebSocketServer } from 'ws'

const { PORT, SOJOURN_KEY: key = '' } = process.env
const isReadyAtMs = Date.now() + (key === 'slow' ? 500 : 0)
const child = key === 'parent' ? spawn('sleep', ['1000'], { stdio: 'ignore' }) : undefined

if (key === 'broken') {
  process.stderr.write('no configuration found\n')
  process.exit(3)
}
if (key === 'twice' && !existsSync('ran')) {
  appendFileSync('ran', 'x')
  process.exit(1)
}
process.on('SIGTERM', () => {
  appendFileSync('said', 'SIGTERM\n')
  if (key !== 'stubborn') process.exit(0)
})

const server = createServer(({ url, headers, method }, response) => {
  if (url === '/ready') response.writeHead(Date.now() < isReadyAtMs ? 503 : 200).end()
  else if (url === '/exit') process.exit(0)
  else if (url === '/write') response.end(appendFileSync('notes', `${headers['x-sojourn-user']}\n`))
  else if (url === '/notes') response.end(readFileSync('notes', 'utf8'))
  else {
    const { pid, argv, env } = process
    const facts = { method, url, headers, pid, child: child?.pid, argv, env, cwd: process.cwd() }
    response.end(JSON.stringify({ ...facts, isReady: Date.now() >= isReadyAtMs }))
  }
})
new WebSocketServer({ server }).on('connection', (socket, { url, headers }) => {
  socket.send(`${url} ${headers['x-sojourn-user']}`)
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
})
server.listen(Number(PORT), '127.0.0.1')
