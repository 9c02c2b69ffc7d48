/**
 * Actions on their way. A number is given at the first send and kept for every later one, so that
 * the instance can answer a repeated action from its record instead of running it again.
 */
import { limits, SojournError } from '../base/core/index.ts'
import { type ActionResult, encodeFromClient } from '../base/protocol/index.ts'

/** Room for numbers that grow from one send to the next. */
const numberBytes = 16

interface Open {
  readonly name: string
  readonly input: unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (error: SojournError) => void
  /** Set at the first send, under the current client id. */
  n?: number
}

export class Outbox {
  /** Issued by the instance; results are remembered under it. */
  client: string | undefined
  /** All results up to this number have arrived. */
  acked = 0
  #last = 0
  #open: Open[] = []

  /** Queues a call; `send` gets the bytes at once when the connection is live. */
  call(
    name: string,
    input: unknown,
    send: ((bytes: Uint8Array) => void) | undefined,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#open.length >= limits.actionsOpenMax) throw new SojournError('ACTIONS_TOO_MANY')
      const open: Open = { name, input, resolve, reject }
      if (send) this.#send(open, send)
      // The numbers are not known yet; they are small against the limit.
      else this.#encode(open, 1, 0)
      this.#open.push(open)
    })
  }

  /** After a welcome: goes on under the same id, or starts anew when the instance forgot it. */
  resume(client: string, send: (bytes: Uint8Array) => void): void {
    if (client !== this.client) {
      for (const open of this.#open)
        if (open.n !== undefined) open.reject(new SojournError('ACTION_UNKNOWN'))
      this.#open = this.#open.filter((open) => open.n === undefined)
      this.client = client
      this.#last = 0
      this.acked = 0
    }
    for (const open of this.#open) this.#send(open, send)
  }

  settle(results: readonly ActionResult[]): void {
    for (const result of results) {
      const index = this.#open.findIndex((open) => open.n === result.n)
      const [open] = index < 0 ? [] : this.#open.splice(index, 1)
      this.acked = Math.max(this.acked, result.n)
      if (result.ok) open?.resolve(result.value)
      else open?.reject(refusal(result))
    }
  }

  /** Nothing will be answered any more. */
  abandon(error: SojournError): void {
    for (const open of this.#open.splice(0)) open.reject(error)
  }

  #send(open: Open, send: (bytes: Uint8Array) => void): void {
    const n = open.n ?? this.#last + 1
    const bytes = this.#encode(open, n, this.acked)
    open.n = n
    this.#last = Math.max(this.#last, n)
    send(bytes)
  }

  #encode({ name, input }: Open, n: number, acked: number): Uint8Array {
    const bytes = encodeFromClient({ type: 'action', n, acked, name, input: input ?? null })
    if (bytes.byteLength <= limits.messageBytesMax - numberBytes) return bytes
    throw new SojournError('MESSAGE_TOO_LARGE', `${name}: ${bytes.byteLength} bytes.`)
  }
}

/** The server's own words, without the hint that it has put behind them already. */
function refusal({ code, message }: Extract<ActionResult, { ok: false }>): SojournError {
  const error = new SojournError(code)
  error.message = message
  return error
}
