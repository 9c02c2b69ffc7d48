import { type Clock, News } from '../../base/core/index.ts'
import type { Connection } from './connection.ts'
import { textOf } from './records.ts'
import { changeChannel } from './schema.ts'

/** How long a channel may be dead before it is opened anew. */
const deadMs = 3_000

/**
 * Which sessions change, as the database tells it to whoever listens; from the first question on.
 * Where nothing comes through, as behind a PgBouncer that pools transactions, nothing is ever
 * current, and everybody reads.
 */
export class Changes {
  readonly news: News
  readonly #connection: Connection
  readonly #schema: string
  readonly #clock: Clock
  #stop: (() => void) | undefined
  #startedMs = Number.NEGATIVE_INFINITY

  /** @param clock the machine's: its beats are about the way to the server */
  constructor(connection: Connection, schema: string, clock: Clock) {
    this.#connection = connection
    this.#schema = schema
    this.#clock = clock
    this.news = new News(clock, (text) =>
      connection.ask('SELECT pg_notify($1, $2)', [changeChannel, `${schema} ${text}`]),
    )
  }

  isCurrent(): boolean {
    const isCurrent = this.news.isCurrent()
    if (!isCurrent && this.#clock.monotonicMs() - this.#startedMs > deadMs) this.#start()
    return isCurrent
  }

  #start(): void {
    this.#startedMs = this.#clock.monotonicMs()
    this.#stop?.()
    const heard = (text: string): void => {
      const end = text.indexOf(' ')
      if (text.slice(0, end) === this.#schema) this.news.hear(textOf(text.slice(end + 1)))
    }
    this.#stop = this.#connection.listen(changeChannel, heard, () => this.news.restart())
  }
}
