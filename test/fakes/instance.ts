/** An instance without processes and sockets: a journal in memory, and links that only remember. */
import { type ErrorCode, type SojournError, silentLog } from '../../src/base/core/index.ts'
import {
  type CallerFacts,
  encodeFromClient,
  type FromClient,
  type FromInstance,
  parseFromInstance,
} from '../../src/base/protocol/index.ts'
import { type Replica, replica } from '../../src/base/state/index.ts'
import type { Link } from '../../src/live/backend/connections.ts'
import type { Conversation } from '../../src/live/backend/conversation.ts'
import type { Backend } from '../../src/live/backend/index.ts'
import { Instance } from '../../src/live/backend/instance.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/index.ts'
import { MemoryJournal } from './journal.ts'

/** Lets everything run that waits for nothing but its turn. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A peer that speaks the protocol by hand, and remembers what it heard. */
export class Peer implements Link {
  readonly heard: FromInstance[] = []
  readonly replica: Replica<unknown> = replica()
  closedWith: ErrorCode | undefined
  unsent = 0
  conversation: Conversation | undefined

  send(bytes: Uint8Array): void {
    const said = parseFromInstance(bytes.slice())
    this.heard.push(said)
    if (said.type === 'state') this.replica.apply(said.bytes)
  }

  unsentBytes(): number {
    return this.unsent
  }

  close(code: ErrorCode): void {
    this.closedWith ??= code
  }

  say(said: FromClient): void {
    this.conversation?.message(encodeFromClient(said))
  }

  hello(more: Partial<Extract<FromClient, { type: 'hello' }>> = {}): void {
    this.say({ type: 'hello', version: 1, acked: 0, ...more })
  }

  act(n: number, name: string, input: unknown = null, acked = 0): void {
    this.say({ type: 'action', n, acked, name, input })
  }

  /** What was heard of one type. */
  all<Type extends FromInstance['type']>(type: Type): Extract<FromInstance, { type: Type }>[] {
    return this.heard.filter((said) => said.type === type) as never
  }

  get welcome(): Extract<FromInstance, { type: 'welcome' }> {
    const [welcome] = this.all('welcome')
    if (!welcome) throw new Error('not welcomed')
    return welcome
  }

  get results(): unknown[] {
    return this.heard.flatMap((said) =>
      said.type === 'state' || said.type === 'results' ? said.results : [],
    )
  }
}

export interface InstanceWorld {
  readonly instance: Instance
  readonly clock: VirtualClock
  readonly journal: MemoryJournal
  readonly fatal: SojournError[]
  /** What the host was told of `keepAwake`. */
  readonly awake: boolean[]
  /** A peer whose socket was handed over; it has not said hello. */
  attach(facts?: Partial<CallerFacts>): Promise<Peer>
  /** A peer that has entered. */
  enter(
    hello?: Partial<Extract<FromClient, { type: 'hello' }>>,
    facts?: Partial<CallerFacts>,
  ): Promise<Peer>
}

let connectionsMade = 0

/** Starts an instance on a journal; a second one on the same journal is its successor. */
export async function openInstance(
  backend: unknown,
  journal: MemoryJournal = new MemoryJournal(),
  clock: VirtualClock = virtualClock(),
): Promise<InstanceWorld> {
  const fatal: SojournError[] = []
  const awake: boolean[] = []
  const onFatal = (error: SojournError): void => {
    fatal.push(error)
  }
  const instance = new Instance({
    backend: backend as Backend,
    key: 'k',
    folder: undefined,
    ...journal.claim(onFatal),
    clock,
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    log: silentLog,
    onFatal,
    onAwake: (isAwake) => awake.push(isAwake),
  })
  await instance.start()
  const attach = async (facts: Partial<CallerFacts> = {}): Promise<Peer> => {
    connectionsMade += 1
    const peer = new Peer()
    const caller = { connection: `c_${connectionsMade}`, grant: true, ...facts }
    peer.conversation = await instance.attach(caller, peer)
    return peer
  }
  return {
    instance,
    clock,
    journal,
    fatal,
    awake,
    attach,
    async enter(hello, facts) {
      const peer = await attach(facts)
      peer.hello(hello)
      await settle()
      return peer
    },
  }
}
