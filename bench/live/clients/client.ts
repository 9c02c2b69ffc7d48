/** What every contestant's client can do, so that all of them are asked the same. */
import { type ClientOptions, WebSocket } from 'ws'
import type { Mode, Technology } from '../contestants.ts'

export type Kind = 'counter' | 'players'

export interface Address {
  /** Where to connect. */
  readonly port: number
  /** What the server is called, also where a relay stands in between. */
  readonly host: string
  readonly kind: Kind
  readonly key: string
  readonly mode: Mode
  /** Called when the client has the state again after a loss, where it comes back by itself. */
  readonly onBack?: () => void
}

/** One connection to one key. */
export interface Client {
  /** Adds one to the counter; resolves when this client has been told that it happened. */
  add(): Promise<unknown>
  /** Moves ten of the players; everybody is told. */
  move(): void
  close(): void
  /** Sojourn: the process of the instance. */
  pid?(): Promise<number>
}

/** Resolves when the client has the first state. */
export type Join = (address: Address) => Promise<Client>

/** Without compression, which only workerd would accept. */
class PlainSocket extends WebSocket {
  constructor(
    url: string | URL,
    second?: string | string[] | ClientOptions,
    third?: ClientOptions,
  ) {
    const isOptions = typeof second === 'object' && !Array.isArray(second)
    const options = { ...(isOptions ? second : third), perMessageDeflate: false }
    super(url, isOptions ? [] : second, options)
  }
}

/** All clients take the platform's WebSocket, so that each gets the same. */
Object.assign(globalThis, { WebSocket: PlainSocket })

export async function clientOf(technology: Technology): Promise<Join> {
  const { join } = (await import(`./${technology}.ts`)) as { join: Join }
  return join
}
