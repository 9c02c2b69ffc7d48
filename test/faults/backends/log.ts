/** A backend for the fault tests: a list that remembers who appended what, and ways to misbehave. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { z } from 'zod'
import { action, backend, SojournError } from '../../../src/live/backend/index.ts'

/** 64 KiB of lines. */
const chunk = `${'flood '.repeat(10)}\n`.repeat(1074)

const spin = action(() => {
  for (;;);
})

export default backend({
  state: () => ({ entries: [] as string[], starts: 0 }),
  identity: (caller) => ({ user: caller.user ?? null }),
  start(ctx) {
    ctx.state.starts += 1
  },
  /** Appends after a while, in the turn of the request. */
  async http(ctx, request) {
    await new Promise((resolve) => setTimeout(resolve, 600))
    const entry = new URL(request.url).searchParams.get('entry') ?? ''
    return new Response(String(ctx.state.entries.push(entry)))
  },
  actions: (action) => ({
    append: action(z.string(), (ctx, entry) => {
      ctx.state.entries.push(entry)
      return ctx.state.entries.length
    }),
    appendThenThrow: action((ctx) => {
      ctx.state.entries.push('never')
      ctx.broadcast('never')
      throw new Error('no')
    }),
    refuse: action(() => {
      throw new SojournError('FORBIDDEN')
    }),
    announce: action(z.string(), (ctx, text) => ctx.broadcast('said', text)),
    exit: action(z.number(), (_, code) => {
      process.exit(code)
    }),
    throwLater: action(() => {
      setTimeout(() => {
        throw new Error('nobody catches this')
      }, 10)
    }),
    print: action(z.string(), (_, text) => {
      process.stdout.write(text)
    }),
    work: action(z.number(), async (ctx, ms) => {
      await new Promise((resolve) => setTimeout(resolve, ms))
      return ctx.state.entries.push('worked')
    }),
    /** Prints so many chunks of lines; answers when its own share is written. */
    flood: action(z.number(), async (_, chunks) => {
      for (let n = 0; n < chunks; n += 1) {
        if (!process.stdout.write(chunk)) await once(process.stdout, 'drain')
        await new Promise(setImmediate)
      }
    }),
    grow: action(z.enum(['heap', 'buffers']), async (_, what) => {
      const held: unknown[] = []
      for (;;) {
        if (what === 'heap') held.push(Array.from({ length: 1e5 }, (_, n) => ({ n })))
        else {
          held.push(Buffer.alloc(8 * 2 ** 20, 1))
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      }
    }),
    /** Starts a process that would go on without this one. */
    spawn: action(() => spawn('sleep', ['1000'], { stdio: 'ignore' }).pid ?? 0),
    /** Starts a process in a group and session of its own. */
    escape: action(() => {
      const child = spawn('sleep', ['1000'], { stdio: 'ignore', detached: true })
      child.unref()
      return child.pid ?? 0
    }),
    /** Starts a tree of processes that sleep; they are known by how long. */
    multiply: action(z.number(), (_, count) => {
      const seconds = 1_000_000 + process.pid
      const script = `for i in $(seq ${count / 4}); do sh -c 'for j in 1 2 3 4; do sleep ${seconds} & done; wait' & done; wait`
      spawn('sh', ['-c', script], { stdio: 'ignore' })
      return seconds
    }),
    pid: action(() => process.pid),
    spin,
  }),
})
