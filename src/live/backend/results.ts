/**
 * The memory that makes actions exactly-once: per client the answers that it has not
 * acknowledged yet. It is journaled with the effects (record by record) and travels in snapshots.
 */
import { type Clock, limits, SojournError } from '../../base/core/index.ts'
import { type ActionResult, packResults, parseResult } from '../../base/protocol/index.ts'

interface Remembered {
  /** Number of the last action that ran. */
  last: number
  usedAtMs: number
  results: ActionResult[]
}

export class Results {
  readonly #clock: Clock
  readonly #clients = new Map<string, Remembered>()
  /** Clients last used up to this time may be forgotten. */
  #forgottenUntilMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A fresh client id; it carries the time of its issue, so that a forgotten one is known. */
  issue(random: string): string {
    return `${this.#clock.nowMs().toString(36)}.${random}`
  }

  /** Whether a client that came back may go on under its old id; if not, it gets a fresh one. */
  accepts(client: string, acked: number): boolean {
    const known = this.#clients.get(client)
    if (known) return acked <= known.last
    const issuedMs = issuedAtMs(client)
    // One from the future was not issued here, or the clock was set back: nothing is sure then.
    return acked === 0 && issuedMs > this.#forgottenUntilMs && issuedMs <= this.#clock.nowMs()
  }

  /**
   * The recorded answer of an action that ran before, `undefined` when it must run now.
   *
   * @throws SojournError `CONNECTION_CLOSED` when the client was forgotten: nothing is run twice,
   *   so it has to come again and gets a fresh id
   * @throws SojournError `ACTION_UNKNOWN` when the answer has arrived before
   * @throws SojournError `MESSAGE_MALFORMED` when numbers are missing in between
   * @throws SojournError `ACTIONS_TOO_MANY` when too many answers were never acknowledged
   */
  answer(client: string, n: number, acked: number): ActionResult | undefined {
    const known = this.#clients.get(client)
    if (!known && n === 1) return undefined
    if (!known)
      throw new SojournError('CONNECTION_CLOSED', `The outcome of action ${n} was forgotten.`)
    known.results = known.results.filter((result) => result.n > acked)
    if (n > known.last + 1)
      throw new SojournError('MESSAGE_MALFORMED', 'Action numbers are missing.')
    if (n > known.last) {
      if (known.results.length < limits.actionsOpenMax) return undefined
      throw new SojournError(
        'ACTIONS_TOO_MANY',
        `${known.results.length} answers wait to be acknowledged.`,
      )
    }
    const recorded = known.results.find((result) => result.n === n)
    if (!recorded) throw new SojournError('ACTION_UNKNOWN', `Action ${n} was acknowledged before.`)
    return recorded
  }

  /** Remembers an answer and returns what makes the memory durable in the record. */
  record(client: string, result: ActionResult): unknown {
    const usedAtMs = this.#clock.nowMs()
    this.#remember(client, usedAtMs, result)
    return [client, usedAtMs, packResults([result])]
  }

  /** Takes back what `record` gave. */
  recover(recorded: unknown): void {
    const [client, usedAtMs, [result]] = recorded as [string, number, [unknown]]
    this.#remember(client, usedAtMs, parseResult(result))
  }

  /** Everything remembered, for a snapshot. */
  dump(): unknown {
    const rows = [...this.#clients].map(([client, { last, usedAtMs, results }]) => {
      return [client, last, usedAtMs, packResults(results)]
    })
    return [this.#forgottenUntilMs, rows]
  }

  /** Takes back what `dump` gave. */
  load(dump: unknown): void {
    const [untilMs, rows] = dump as [number, [string, number, number, unknown[]][]]
    this.#forgottenUntilMs = untilMs
    for (const [client, last, usedAtMs, results] of rows) {
      this.#clients.set(client, { last, usedAtMs, results: results.map(parseResult) })
    }
  }

  #remember(client: string, usedAtMs: number, result: ActionResult): void {
    const results = this.#clients.get(client)?.results ?? []
    this.#clients.delete(client)
    this.#clients.set(client, { last: result.n, usedAtMs, results: [...results, result] })
    this.#forget()
  }

  /** The map is in order of use, so the first ones are the oldest. */
  #forget(): void {
    const oldMs = this.#clock.nowMs() - limits.resultKeptMs
    for (const [client, { usedAtMs }] of this.#clients) {
      if (this.#clients.size <= limits.clientsRememberedMax && usedAtMs > oldMs) return
      this.#clients.delete(client)
      this.#forgottenUntilMs = Math.max(this.#forgottenUntilMs, usedAtMs, issuedAtMs(client))
    }
  }
}

/** Client ids are `session/issue.random`; an id of another form counts as long forgotten. */
function issuedAtMs(client: string): number {
  const issue = client.slice(client.lastIndexOf('/') + 1).split('.')[0] ?? ''
  const ms = Number.parseInt(issue, 36)
  return Number.isSafeInteger(ms) ? ms : 0
}
