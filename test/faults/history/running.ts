/** The application's process as the test holds it: it can be killed, and is always started again. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { childrenOf, freePort, instancesOf, scratchFolder } from '../../e2e/scratch.ts'

/** A start waits this long for the data folder of one that was killed; then the next one tries. */
const startsMax = 20

export class RunningApplication {
  readonly #main: URL
  readonly #data = scratchFolder()
  readonly #port: number
  #child: ChildProcess | undefined

  private constructor(main: URL, port: number) {
    this.#main = main
    this.#port = port
  }

  /** @param main the file of the application, here or in a copy of the sources */
  static async start(main: URL): Promise<RunningApplication> {
    const running = new RunningApplication(main, await freePort())
    await running.#start()
    return running
  }

  address(backend: string, key: string): string {
    return `ws://localhost:${this.#port}/live/${backend}/${key}`
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  hosts(): number[] {
    return childrenOf(this.pid)
      .filter(({ command }) => command.includes('host-main'))
      .map(({ pid }) => pid)
  }

  instances(): number[] {
    return instancesOf(this.pid).map(({ pid }) => pid)
  }

  /** Kills it and starts it again, on the same port and data. */
  async restart(): Promise<void> {
    await this.#end(() => this.#child?.kill('SIGKILL'))
    await this.#start()
  }

  /** Ends it in good order. */
  async stop(): Promise<void> {
    await this.#end(() => this.#child?.send('stop'))
    this.#data.remove()
  }

  async #end(how: () => void): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    how()
    await gone
  }

  async #start(): Promise<void> {
    for (let starts = 0; starts < startsMax; starts += 1) {
      const child = fork(this.#main, [this.#data.path, String(this.#port)], {
        execArgv: ['--disable-warning=ExperimentalWarning'],
      })
      this.#child = child
      const isUp = await Promise.race([
        once(child, 'message').then(() => true),
        once(child, 'exit').then(() => false),
      ])
      if (isUp) return
    }
    throw new Error(`The application did not start ${startsMax} times in a row.`)
  }
}
