/**
 * What goes through this process: HTTP, and the WebSockets that can't be handed over, since TLS ends
 * here or their backend is a program of its own.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { SojournError } from '../../base/core/index.ts'
import type { Address, InstanceName } from '../../base/protocol/index.ts'
import type { Admission, Entry } from './admission.ts'
import type { DoorTable, Visit } from './door-table.ts'
import {
  type HeaderLines,
  headersToInstance,
  upgradeHeaders,
  type WithoutToken,
} from './headers.ts'
import { HeldRequests } from './held.ts'
import { forward } from './http.ts'
import { Pools } from './pools.ts'
import { dial, splice } from './splice.ts'
import type { GatewayOptions, Located, Visitor } from './types.ts'

/** A session is touched by what its client says, so often. */
const touchEveryMs = 1_000

export class Relays<Known extends Visitor> {
  readonly #options: GatewayOptions<Known>
  readonly #table: DoorTable
  readonly #admission: Admission<Known>
  readonly #held: HeldRequests
  readonly #pools: Pools
  readonly #withoutToken: WithoutToken

  constructor(options: GatewayOptions<Known>, table: DoorTable, admission: Admission<Known>) {
    const { host, clock, sessions } = options
    this.#options = options
    this.#table = table
    this.#admission = admission
    this.#held = new HeldRequests(host, clock)
    this.#pools = new Pools(clock)
    this.#withoutToken = (name, value) => sessions.withoutToken(name, value)
  }

  /** Has a request answered by its instance, which stays awake until the answer has left. */
  async forward(
    request: IncomingMessage,
    response: ServerResponse,
    entry: Entry,
    ending: AbortController,
  ): Promise<void> {
    const located = await this.#held.locate(entry, ending.signal)
    try {
      const address = addressOf(located)
      const headers = this.#headers(request, entry, located)
      const { path } = entry
      const withoutToken = this.#withoutToken
      const { clock } = this.#options
      await this.#pools.use(address, (pool) =>
        forward(pool, { request, response, path, headers, withoutToken, clock, ending }),
      )
    } finally {
      located.release()
    }
  }

  /** Joins a client's socket with one to its instance, which stays awake until both are closed. */
  async splice(
    request: IncomingMessage,
    client: Duplex,
    head: Uint8Array,
    visit: Visit,
    entry: Entry,
  ): Promise<void> {
    const { clock } = this.#options
    const ending = new AbortController()
    const { signal } = ending
    Object.assign(visit, { stage: 'relayed', socket: undefined })
    visit.close = (code) => ending.abort(new SojournError(code))
    if (visit.ended) visit.close(visit.ended)
    client.once('close', () => ending.abort(new SojournError('CONNECTION_CLOSED')))
    const located = await this.#held.locate(entry, signal)
    try {
      const address = addressOf(located)
      const headers = this.#headers(request, entry, located)
      headers.push(...Object.entries(upgradeHeaders(request)).flat())
      const upstream = await dial({ address, path: entry.path, headers, clock, signal })
      const onData = this.#onData(entry, visit.session)
      const withoutToken = this.#withoutToken
      const spliced = splice({ client, head, upstream, withoutToken, clock, onData })
      visit.close = spliced.close
      if (visit.ended) spliced.close(visit.ended)
      spliced.ended.then(() => {
        located.release()
        this.#table.remove(visit)
      })
    } catch (error) {
      located.release()
      throw error
    }
  }

  /** The host is gone, and the instances with it. */
  destroy(): void {
    this.#pools.destroy()
  }

  #headers(request: IncomingMessage, { name, caller }: Entry, located: Located): HeaderLines {
    const { trustProxy = false } = this.#options
    const instance = this.#isCommand(name) ? undefined : located.instance
    return headersToInstance(request, { name, caller, instance, trustProxy }, this.#withoutToken)
  }

  #isCommand({ backend }: InstanceName): boolean {
    return this.#options.commands?.has(backend) === true
  }

  /** Our own instances tell the host who said something; programs don't. */
  #onData({ name }: Entry, session: string | undefined): () => void {
    if (!this.#isCommand(name)) return () => {}
    const { clock } = this.#options
    let touchedMs = Number.NEGATIVE_INFINITY
    return () => {
      if (clock.monotonicMs() - touchedMs < touchEveryMs) return
      touchedMs = clock.monotonicMs()
      this.#admission.touch(session)
    }
  }
}

function addressOf({ address }: Located): Address {
  if (!address) throw new SojournError('UPGRADE_REQUIRED', 'This backend serves no HTTP.')
  return address
}
