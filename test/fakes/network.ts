/** Clients and instances of one key, joined by sockets that deliver when the test says so. */
import { type ErrorCode, SojournError, silentLog } from '../../src/base/core/index.ts'
import type { SocketLike } from '../../src/client/link.ts'
import type { Link } from '../../src/live/backend/connections.ts'
import type { Conversation } from '../../src/live/backend/conversation.ts'
import type { Backend } from '../../src/live/backend/index.ts'
import { Instance } from '../../src/live/backend/instance.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/index.ts'
import { settle } from './instance.ts'
import { type Fate, MemoryJournal } from './journal.ts'

/** Both ends of a connection; each direction keeps its order. */
export class FakeSocket implements SocketLike, Link {
  binaryType = ''
  onopen: (() => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: ((event: { code: number; reason: string }) => void) | null = null
  onerror: (() => void) | null = null
  conversation: Conversation | undefined
  isCut = false
  readonly #toServer: Uint8Array[] = []
  readonly #toClient: (() => void)[] = []
  #isAtServer = true

  send(bytes: Uint8Array): void {
    const copy = bytes.slice()
    if (this.#isAtServer) this.#toClient.push(() => this.onmessage?.({ data: copy.buffer }))
  }

  unsentBytes(): number {
    return 0
  }

  close(code?: ErrorCode): void {
    if (code === undefined) {
      this.cut()
      return
    }
    const { close } = new SojournError(code)
    this.#toClient.push(() => this.onclose?.({ code: close, reason: code }))
    this.#isAtServer = false
  }

  /** What the client writes to; the other direction has the name `send` as well. */
  readonly client: SocketLike = clientEnd(this)

  say(bytes: Uint8Array): void {
    this.#toServer.push(bytes.slice())
  }

  admitted(conversation: Conversation): void {
    this.conversation = conversation
    this.#toClient.push(() => this.onopen?.())
  }

  /** Delivers the oldest message of one direction. */
  deliver(toServer: boolean): void {
    if (this.isCut) return
    const bytes = toServer && this.conversation ? this.#toServer.shift() : undefined
    if (bytes) this.conversation?.message(bytes)
    else if (!toServer) this.#toClient.shift()?.()
  }

  /** The connection breaks; what was on its way is lost. */
  cut(): void {
    if (this.isCut) return
    this.isCut = true
    this.conversation?.closed()
    this.onclose?.({ code: 1006, reason: '' })
  }
}

function clientEnd(socket: FakeSocket): SocketLike {
  return new Proxy(socket, {
    get(target, name) {
      if (name === 'send') return (bytes: Uint8Array) => target.say(bytes)
      if (name === 'close') return () => target.cut()
      return Reflect.get(target, name, target)
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  })
}

export class Network {
  readonly clock: VirtualClock = virtualClock()
  readonly journal = new MemoryJournal()
  sockets: FakeSocket[] = []
  instance: Promise<Instance> | undefined
  /** What becomes of the next write of the instance. */
  nextFate: Fate = 'written'
  readonly #backend: Backend
  #connections = 0

  constructor(backend: unknown) {
    this.#backend = backend as Backend
    this.journal.fate = () => {
      const fate = this.nextFate
      this.nextFate = 'written'
      return fate
    }
  }

  /** For `connect()`: a socket to the running instance, or to one that is started for it. */
  readonly open = (): SocketLike => {
    const socket = new FakeSocket()
    this.sockets.push(socket)
    this.#admit(socket)
    return socket.client
  }

  async #admit(socket: FakeSocket): Promise<void> {
    this.instance ??= this.#start()
    const life = this.instance
    const instance = await life
    if (socket.isCut || this.instance !== life) {
      socket.cut()
      return
    }
    this.#connections += 1
    const caller = { connection: `c_${this.#connections}`, grant: true, session: 's' }
    socket.admitted(await instance.attach(caller, socket))
  }

  async #start(): Promise<Instance> {
    const instance = new Instance({
      backend: this.#backend,
      key: 'k',
      folder: undefined,
      ...this.journal.claim(() => {}),
      clock: this.clock,
      random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
      log: silentLog,
      onFatal: () => {},
      onAwake: () => {},
    })
    await instance.start()
    return instance
  }

  /** The process dies: it writes nothing and says nothing any more. */
  crash(): void {
    this.instance = undefined
    this.nextFate = 'written'
    this.journal.epoch += 1
    for (const socket of this.sockets.splice(0)) socket.cut()
  }

  /** The process ends in good order. */
  async stop(): Promise<void> {
    const instance = this.instance
    if (!instance) return
    this.nextFate = 'written'
    await Promise.race([instance.then((ready) => ready.stop()), settle().then(settle)])
    this.crash()
  }

  /** Delivers everything, and lets time pass, until nothing happens any more. */
  async calm(rounds = 60): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      this.clock.advance(round % 4 === 0 ? 200 : 0)
      await settle()
      this.sockets = this.sockets.filter((socket) => !socket.isCut)
      for (const socket of this.sockets) {
        for (let n = 0; n < 100; n += 1) {
          socket.deliver(true)
          socket.deliver(false)
        }
      }
    }
    await settle()
  }
}
