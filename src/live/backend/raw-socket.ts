/** A WebSocket whose client speaks a protocol of the backend's own. */
import type { WebSocket } from 'ws'
import { SojournError } from '../../base/core/index.ts'
import type { Talk } from './conversation.ts'
import type { Backend, Caller, RawSocket } from './define.ts'
import type { Instance, Run } from './instance.ts'

type Handlers = NonNullable<Backend['definition']['socket']>

export interface RawTalkOptions {
  readonly instance: Instance
  readonly caller: Caller<unknown>
  readonly websocket: WebSocket
  /** The path behind the key. */
  readonly url: string
  readonly handlers: Handlers
}

export class RawTalk implements Talk {
  readonly #instance: Instance
  readonly #websocket: WebSocket
  readonly #handlers: Handlers
  readonly #actor: { caller: Caller<unknown> }
  readonly #socket: RawSocket
  readonly #gone: PromiseWithResolvers<void> = Promise.withResolvers<void>()

  constructor({ instance, caller, websocket, url, handlers }: RawTalkOptions) {
    this.#instance = instance
    this.#websocket = websocket
    this.#handlers = handlers
    this.#actor = { caller }
    this.#socket = {
      connection: caller.connection,
      url,
      send: (data) => instance.show(() => websocket.send(data)),
      close: (code, reason) => websocket.close(code ?? 1000, reason),
    }
  }

  /** Lets the client in; throws what the backend's `open` throws. */
  async open(): Promise<void> {
    const { open } = this.#handlers
    const refused = open && (await this.#turn((ctx) => open(ctx, this.#socket)))
    if (refused) throw refused
    this.#instance.keepAwake(this.#gone.promise)
  }

  message(bytes: Uint8Array, isBinary: boolean): void {
    const data = isBinary ? bytes : Buffer.from(bytes).toString()
    this.#turn((ctx) => this.#handlers.message(ctx, this.#socket, data)).then(
      (failed) => failed && this.#fail(failed),
      (error) => this.#fail(error),
    )
  }

  closed(): void {
    this.#gone.resolve()
    const { close } = this.#handlers
    if (close)
      this.#turn((ctx) => close(ctx, this.#socket)).catch((error) =>
        this.#instance.given.log.warn({ err: error }, 'a raw socket closed without a turn'),
      )
  }

  /** Nobody but the backend knows what its client waits for. */
  park(): undefined {
    return undefined
  }

  #turn(run: Run): Promise<SojournError | undefined> {
    return this.#instance.lifecycle((ctx) => run(ctx), this.#actor)
  }

  /** What breaks a protocol that is not ours is not explained to it. */
  #fail(error: unknown): void {
    const { code, close } = error instanceof SojournError ? error : new SojournError('INTERNAL')
    this.#websocket.close(close, code)
  }
}
