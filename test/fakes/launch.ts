/** Processes that are none: the test plays their part, and kills them. */
import type { ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { Duplex, PassThrough } from 'node:stream'
import {
  encodeJournalRequest,
  type HostToProcess,
  type JournalRequest,
  type ProcessToHost,
} from '../../src/base/protocol/index.ts'
import type { Launch, Launched } from '../../src/live/host/launch.ts'
import type { SocketHandle } from '../../src/live/host/sockets.ts'
import type { ProcessExit } from '../../src/live/host/spawn.ts'

type Told =
  | { readonly type: 'ready' | 'stopped' }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'awake'; readonly isAwake: boolean }
  | { readonly type: 'adopted' | 'closed'; readonly connection: string }
  | { readonly type: 'active'; readonly connections: readonly string[] }

export class FakeChild extends EventEmitter {
  pid: number | undefined
  connected = true
  /** What its host said to its instances. */
  readonly heard: HostToProcess[] = []
  readonly output = new PassThrough()
  readonly ended = Promise.withResolvers<ProcessExit>()
  /** What is written to it arrives nowhere. */
  readonly journal = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() })
  killed = false
  /** Its host has nothing more to say: it would end by itself. */
  isEnded = false
  beats = 0

  constructor(pid: number | undefined) {
    super()
    this.pid = pid
  }

  send(message: HostToProcess): boolean {
    if (message.type === 'beat') this.beats += 1
    else if (message.type !== 'load') this.heard.push(message)
    return true
  }

  disconnect(): void {
    this.connected = false
    this.isEnded = true
  }

  kill(): boolean {
    this.killed = true
    return true
  }

  say(message: ProcessToHost): void {
    this.emit('message', message)
  }

  /** The number of the instance that it was given last. */
  get instance(): number {
    const order = this.heard.findLast((message) => message.type === 'start')
    if (!order) throw new Error('nothing was started')
    return order.instance
  }

  /** Says something about that instance. */
  tell(message: Told): void {
    this.say({ ...message, instance: this.instance } as ProcessToHost)
  }

  /** The process asks its host to write. */
  write(request: Pick<JournalRequest, 'type' | 'seq' | 'wakeAtMs'>): void {
    const none = new Uint8Array(0)
    const whole = { ...request, level: 'process', envelope: none, section: none } as const
    this.journal.emit('data', encodeJournalRequest({ ...whole, instance: this.instance }))
  }

  exit(): void {
    this.connected = false
    this.ended.resolve({ code: null, signal: 'SIGKILL' })
  }

  get connections(): string[] {
    return this.heard.flatMap((message) =>
      message.type === 'connect' ? message.socket.caller.connection : [],
    )
  }
}

/** For hosts that start no commands. */
export function nothing(): never {
  throw new Error('no program is started here')
}

export class FakeLaunch {
  readonly children: FakeChild[] = []
  /** The next processes can't be started at all. */
  fails = false

  readonly launch: Launch = () => {
    const child = new FakeChild(this.fails ? undefined : this.children.length + 1)
    this.children.push(child)
    if (this.fails) setImmediate(() => child.ended.resolve({ code: null, signal: null }))
    const launched: Launched = {
      child: child as unknown as ChildProcess,
      journal: child.journal,
      outputs: [child.output],
      front: { socket: '/nowhere', reach: () => '/nowhere' },
      ended: child.ended.promise,
      kill: () => child.kill(),
    }
    return launched
  }

  get newest(): FakeChild {
    const child = this.children.at(-1)
    if (!child) throw new Error('nothing was launched')
    return child
  }
}

/** A descriptor that can only be closed, or cut: told the end of the stream, then closed. */
export class FakeHandle implements SocketHandle {
  isCut = false
  isClosed = false

  close(done?: () => void): void {
    this.isClosed = true
    if (done) setImmediate(done)
  }

  shutdown(request: { oncomplete(status: number): void }): number {
    this.isCut = true
    setImmediate(() => request.oncomplete(0))
    return 0
  }
}
