/** A backend for the fault tests that tries to get out of its box. */
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect, Server } from 'node:net'
import { homedir } from 'node:os'
import { z } from 'zod'
import { backend } from '../../../src/live/backend/index.ts'

const codeOf = (error: unknown): string => String((error as { code?: string }).code ?? error)

function tried<T>(run: () => T): T | string {
  try {
    return run()
  } catch (error) {
    return codeOf(error)
  }
}

function dialled(port: number, host: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: 2_000 })
    socket.once('connect', () => resolve('connected'))
    socket.once('error', (error) => resolve(codeOf(error)))
    socket.once('timeout', () => resolve('ETIMEDOUT'))
    socket.once('close', () => resolve('closed'))
  })
}

export default backend({
  state: () => ({ count: 0 }),
  http: (ctx) => new Response(String(ctx.state.count)),
  actions: (action) => ({
    add: action((ctx) => {
      ctx.state.count += 1
      return ctx.state.count
    }),
    read: action(z.string(), (_, path) => tried(() => readFileSync(path, 'utf8').slice(0, 100))),
    list: action(z.string(), (_, path) => tried(() => readdirSync(path))),
    write: action(z.string(), (_, path) => tried(() => writeFileSync(path, 'x') ?? 'written')),
    /** Puts a link where the door looks for this process, and says that it listens there. */
    lure: action(z.object({ to: z.string(), at: z.string() }), (_, { to, at }) => {
      symlinkSync(to, at)
      Server.prototype.listen = function (this: Server, _path: unknown, onListening: () => void) {
        onListening()
        return this
      } as never
    }),
    dial: action(z.object({ port: z.number(), host: z.string() }), (_, { port, host }) =>
      dialled(port, host),
    ),
    signal: action(z.number(), (_, pid) => tried(() => process.kill(pid, 0))),
    processes: action(() => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length),
    environment: action(() => ({ ...process.env, home: homedir() })),
    folder: action((ctx) => ctx.folder ?? ''),
    bytesFree: action(z.string(), (_, path) => {
      const { bavail, bsize } = statfsSync(path)
      return bavail * bsize
    }),
    run: action(z.array(z.string()), (_, [program = '', ...args]) => {
      const { status, stdout, stderr } = spawnSync(program, args)
      return `${status}: ${stdout}${stderr}`
    }),
    say: action(z.unknown(), (_, message) => {
      process.send?.(message)
    }),
    /** Starts a process that would go on without this one. */
    leave: action(() => {
      spawn('setsid', ['sleep', '1234'], { detached: true, stdio: 'ignore' }).unref()
    }),
    grow: action(async () => {
      const held: Buffer[] = []
      for (;;) {
        held.push(Buffer.alloc(8 * 2 ** 20, 1))
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }),
    spin: action(() => {
      for (;;);
    }),
    pid: action(() => process.pid),
  }),
})
