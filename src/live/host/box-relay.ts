/**
 * Runs a command in a box without a network, whose ports nobody outside can reach: once the
 * command's port is open, listens on a Unix socket in the box's folder, and relays.
 * `node box-relay.js <socket> <port> <program> …`
 */
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'

const lookEveryMs = 50
const [path = '', port = '', program = '', ...args] = process.argv.slice(2)

const child = spawn(program, args, { stdio: 'inherit' })
child.on('error', (error) => {
  process.stderr.write(`${error.message}\n`)
  process.exit(127)
})
child.on('exit', (code) => process.exit(code ?? 1))
// Everybody in the box is asked to end; this one goes last.
process.on('SIGTERM', () => {})

const dial = (): Socket => connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true })

function relay(outer: Socket): void {
  const inner = dial()
  outer.pipe(inner).pipe(outer)
  for (const [one, other] of [
    [outer, inner],
    [inner, outer],
  ] as const) {
    one.on('error', () => other.destroy())
    one.on('close', () => other.destroy())
  }
}

function look(): void {
  const probe = dial()
  probe.on('error', () => setTimeout(look, lookEveryMs))
  probe.on('connect', () => {
    probe.destroy()
    rmSync(path, { force: true })
    createServer({ allowHalfOpen: true }, relay).listen(path)
  })
}

look()
