/** A page that calls actions all the time, its server, the network in between, and a second client. */
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { WebSocket } from 'ws'
import { parseFromInstance } from '../../../src/base/protocol/index.ts'
import { connect, type SocketLike } from '../../../src/client/index.ts'
import { freePort, instancesOf, type Running, run, scratchFolder, until } from '../scratch.ts'
import { Relay } from './relay.ts'
import { type Seen, startWriter, type Writer } from './writer.ts'

/** Longer than a client waits for any word. */
const patienceMs = 12_000

interface StageParts {
  readonly browser: Browser
  readonly context: BrowserContext
  readonly page: Page
  readonly port: number
  readonly relay: Relay
  readonly data: ReturnType<typeof scratchFolder>
  readonly server: Running
}

export class Stage {
  readonly context: BrowserContext
  readonly page: Page
  readonly relay: Relay
  /** Writes as the page does, past the relay. */
  readonly other: Writer
  /** Of each welcome that the page got: whether it went on from where it was. */
  readonly resumed: boolean[] = []
  /** The newest socket of the page. */
  #newest = { isOver: false }
  readonly #browser: Browser
  readonly #port: number
  readonly #data: ReturnType<typeof scratchFolder>
  readonly #cookie: string
  #server: Running

  private constructor(parts: StageParts, cookie: string) {
    const { browser, context, page, port, relay, data, server } = parts
    this.#browser = browser
    this.context = context
    this.page = page
    this.relay = relay
    this.#port = port
    this.#data = data
    this.#server = server
    this.#cookie = cookie
    this.other = this.#connect('other')
    page.on('websocket', (socket) => {
      const attempt = { isOver: false }
      this.#newest = attempt
      socket.on('close', () => {
        attempt.isOver = true
      })
      socket.on('framereceived', ({ payload }) => {
        const said = parseFromInstance(Buffer.from(payload))
        if (said.type === 'welcome') this.resumed.push(said.resumed)
      })
    })
  }

  static async open(browser: Browser): Promise<Stage> {
    const port = await freePort()
    const relay = await Relay.open(port)
    const data = scratchFolder()
    const server = await start(data.path, port, relay.port)
    const context = await browser.newContext()
    const page = await context.newPage()
    const login = await fetch(`http://localhost:${port}/login/other`)
    const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const stage = new Stage({ browser, context, page, port, relay, data, server }, cookie)
    await page.goto(`http://localhost:${relay.port}/login/page`)
    await page.goto(`http://localhost:${relay.port}/`)
    await stage.getsAnswers()
    await until(() => stage.other.seen().calls.includes('ok'), 'the other gets answers')
    return stage
  }

  #connect(by: string): Writer {
    const origin = `http://localhost:${this.#port}`
    const options = { headers: { cookie: this.#cookie, origin } }
    return startWriter(connect, `ws://localhost:${this.#port}/live/list/room`, by, {
      open: (url) => new WebSocket(url, options) as unknown as SocketLike,
    })
  }

  seen(): Promise<Seen> {
    return this.tell('seen')
  }

  /** Calls the writer of the page. */
  async tell<Name extends keyof Writer>(
    name: Name,
    ...args: Parameters<Writer[Name]>
  ): Promise<Awaited<ReturnType<Writer[Name]>>> {
    const call = `writer.${name}(${args.map((arg) => JSON.stringify(arg))})`
    return (await this.page.evaluate(call)) as Awaited<ReturnType<Writer[Name]>>
  }

  /** Calls that are made from now on are answered. */
  async getsAnswers(): Promise<void> {
    const { calls } = await this.seen()
    const isAnswered = async () => (await this.seen()).calls.lastIndexOf('ok') > calls.length
    await until(isAnswered, 'the page gets answers')
  }

  /** So many calls wait for their answers that the next ones are refused. */
  async keepsCalls(): Promise<void> {
    const isFull = async () => (await this.seen()).calls.at(-1) === 'ACTIONS_TOO_MANY'
    await until(isFull, 'the calls of the page wait')
  }

  /** Time passes until the client has given up a connection on which nothing comes. */
  async losesPatience(): Promise<void> {
    await this.tell('pass', patienceMs)
    await this.shows('stale')
  }

  /** An attempt to connect has failed, and none will be made because time passes. */
  async rests(): Promise<void> {
    const hasFailed = () => this.#newest.isOver
    await until(hasFailed, 'an attempt fails')
    await this.tell('holdTimers')
    await until(hasFailed, 'no attempt is under way')
  }

  async shows(status: string): Promise<void> {
    await until(async () => (await this.seen()).statuses.at(-1) === status, `it is ${status}`)
  }

  /** The process of the only key. */
  get instance(): { readonly pid: number; readonly parent: number } {
    const [found] = instancesOf(this.#server.pid)
    if (!found) throw new Error('no instance runs')
    return found
  }

  /** Stops all processes of the browser; gives what wakes them. */
  async sleep(): Promise<() => void> {
    const session = await this.#browser.newBrowserCDPSession()
    const { processInfo } = await session.send('SystemInfo.getProcessInfo')
    const signal = (name: NodeJS.Signals) => {
      for (const { id } of processInfo) process.kill(id, name)
    }
    signal('SIGSTOP')
    return () => signal('SIGCONT')
  }

  async restart(signal: NodeJS.Signals): Promise<void> {
    await this.#server.end(signal)
    this.#server = await start(this.#data.path, this.#port, this.relay.port)
  }

  /** The visitor logs out in another tab. */
  async logout(): Promise<void> {
    const cookies = await this.context.cookies()
    const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
    await fetch(`http://localhost:${this.#port}/logout`, { headers: { cookie } })
  }

  /** No more calls; waits until all have settled, and gives what the server shows to who comes now. */
  async settle(): Promise<Seen> {
    await this.tell('stop')
    this.other.stop()
    const isOpen = ({ calls }: Seen) => calls.includes('open')
    await until(async () => !isOpen(await this.seen()), 'the calls of the page settle')
    await until(() => !isOpen(this.other.seen()), 'the calls of the other settle')
    const late = this.#connect('late')
    late.stop()
    try {
      await until(() => late.seen().statuses.at(-1) === 'live', 'a new client is live')
      return late.seen()
    } finally {
      late.close()
    }
  }

  async close(): Promise<void> {
    this.other.close()
    await this.context.close()
    await this.#server.end()
    this.relay.close()
    this.#data.remove()
  }
}

function start(data: string, port: number, pagePort: number): Promise<Running> {
  return run('server.ts', {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    args: [data, String(port), String(pagePort)],
    ready: /listening/,
  })
}
