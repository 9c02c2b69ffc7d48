/** A key whose instance hibernates while clients are connected: their sockets, parked. */
import type { Clock, ErrorCode } from '../../base/core/index.ts'
import {
  type CallerFacts,
  encodeFromInstance,
  type ParkedFacts,
  type SocketFacts,
} from '../../base/protocol/index.ts'
import { ParkedSocket } from './parked-socket.ts'
import type { SocketHandle } from './sockets.ts'

/** One connection that an instance left open. */
export interface Parked {
  readonly caller: CallerFacts
  readonly facts: ParkedFacts
  readonly handle: SocketHandle
  /** Somebody wanted it closed, and the instance did not get to it. */
  readonly closing?: ErrorCode
}

export interface DormantOptions {
  readonly clock: Clock
  readonly sockets: readonly Parked[]
  /** Whether the backend has something to do when a connection is gone. */
  readonly mindsPartings: boolean
  /** An instance is needed. */
  readonly onWake: () => unknown
  readonly onClosed: (connection: string) => void
}

/** Takes what is handed over. */
export interface Successor {
  connect(socket: SocketFacts, handle: SocketHandle): void
  parted(callers: readonly CallerFacts[]): void
}

interface Sleeper {
  readonly caller: CallerFacts
  readonly facts: ParkedFacts
  readonly socket: ParkedSocket
}

export class Dormant {
  readonly #options: DormantOptions
  readonly #sleepers = new Map<string, Sleeper>()
  readonly #parted: CallerFacts[] = []

  constructor(options: DormantOptions) {
    this.#options = options
    for (const parked of options.sockets) this.#park(parked)
  }

  /** Whether nobody is connected, and nobody has to hear of those who left. */
  get isOver(): boolean {
    return this.#sleepers.size === 0 && !(this.#options.mindsPartings && this.#parted.length > 0)
  }

  get connections(): string[] {
    return [...this.#sleepers.keys()]
  }

  close(connections: readonly string[], code: ErrorCode): void {
    for (const connection of connections) this.#sleepers.get(connection)?.socket.close(code)
  }

  /** Hands all sockets to an instance that is ready. */
  async handOver(successor: Successor): Promise<void> {
    const leaving = [...this.#sleepers.values()].map(async (sleeper) => {
      return { ...sleeper, released: await sleeper.socket.giveUp() }
    })
    for (const { caller, facts, released } of await Promise.all(leaving)) {
      if (!released) continue
      const { handle, head } = released
      successor.connect({ caller, url: '', headers: {}, head, parked: facts }, handle)
      this.#sleepers.delete(caller.connection)
    }
    for (const { caller } of this.#sleepers.values()) this.#part(caller)
    if (this.#parted.length > 0) successor.parted(this.#parted)
  }

  #park({ caller, facts, handle, closing }: Parked): void {
    const socket = new ParkedSocket({
      handle,
      clock: this.#options.clock,
      onWake: this.#options.onWake,
      onClosed: () => {
        this.#part(caller)
        if (this.#options.mindsPartings) this.#options.onWake()
      },
    })
    this.#sleepers.set(caller.connection, { caller, facts, socket })
    if (closing) socket.close(closing)
  }

  #part(caller: CallerFacts): void {
    const { connection } = caller
    if (!this.#sleepers.delete(connection)) return
    this.#parted.push(caller)
    this.#options.onClosed(connection)
    const left = encodeFromInstance({ type: 'left', connection })
    for (const { socket } of this.#sleepers.values()) socket.say(left)
  }
}
