/** A backend for the fault tests that speaks plain HTTP and a protocol of its own. */
import { backend, SojournError } from '../../../src/live/backend/index.ts'

/** What happened outside of the state. */
let aborted = 0
let closed = 0

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Says `tick` every 20 ms until nobody listens. */
function ticks(): ReadableStream<Uint8Array> {
  let timer: NodeJS.Timeout
  const text = new TextEncoder()
  return new ReadableStream({
    start(controller) {
      timer = setInterval(() => controller.enqueue(text.encode('data: tick\n\n')), 20)
    },
    cancel() {
      clearInterval(timer)
      aborted += 1
    },
  })
}

export default backend({
  state: () => ({ count: 0 }),
  async http(ctx, request) {
    const { pathname, searchParams } = new URL(request.url)
    switch (pathname) {
      case '/echo': {
        const { method, url, headers } = request
        const { caller, key } = ctx
        const body = Buffer.from(await request.arrayBuffer()).toString('base64')
        return Response.json({ method, url, headers: [...headers], body, caller, key })
      }
      case '/add': {
        const { count } = ctx.state
        await pause(Number(searchParams.get('ms') ?? 0))
        // Were others to run in between, theirs would be lost.
        ctx.state.count = count + 1
        return Response.json({ count: ctx.state.count })
      }
      case '/throw':
        ctx.state.count += 100
        throw new SojournError((searchParams.get('code') ?? 'FORBIDDEN') as 'FORBIDDEN')
      case '/break':
        ctx.state.count += 100
        throw new Error('a secret of the program')
      case '/nothing':
        return 'text' as never
      case '/ticks':
        return new Response(ticks(), { headers: { 'content-type': 'text/event-stream' } })
      case '/waits':
        request.signal.addEventListener('abort', () => {
          aborted += 1
        })
        await pause(200)
        return new Response('late')
      case '/cookies': {
        const headers = new Headers({ 'content-type': 'text/plain' })
        headers.append('set-cookie', 'a=1; Path=/')
        headers.append('set-cookie', 'b=2; Expires=Wed, 21 Oct 2035 07:28:00 GMT')
        return new Response('ä', { status: 203, headers })
      }
      case '/die':
        process.exit(1)
    }
    return Response.json({ count: ctx.state.count, aborted, closed, pid: process.pid })
  },
  socket: {
    open(ctx, socket) {
      if (socket.url.startsWith('/refused')) throw new SojournError('FORBIDDEN')
      socket.send(`${socket.url} ${ctx.caller.user ?? 'nobody'} ${ctx.connections.length}`)
    },
    message(ctx, socket, data) {
      if (typeof data !== 'string') return socket.send(data.slice().reverse())
      if (data === 'add') {
        ctx.state.count += 1
        return socket.send(String(ctx.state.count))
      }
      if (data === 'later') setTimeout(() => socket.send('later'), 10)
      else if (data === 'bye') socket.close(3999, 'bye')
      else if (data === 'fail') {
        ctx.state.count += 100
        socket.send('never')
        throw new SojournError('FORBIDDEN')
      } else socket.send(data)
    },
    close() {
      closed += 1
    },
  },
  actions: (action) => ({
    add: action((ctx) => {
      ctx.state.count += 1
      return ctx.state.count
    }),
  }),
})
