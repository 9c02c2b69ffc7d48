/** How statements reach the server: connections, time-outs, and what a fault means. */
import { SojournError, systemClock } from '../../base/core/index.ts'
import { migrate } from './schema.ts'

/** Calls that may wait for the server at a time; more are refused with `STORE_UNAVAILABLE`. */
const callsOpenMax = 10_000
/** A server that keeps its own time-out answers so long after it at the latest. */
const answerMs = 1_000
/** The longest pause between two tries to connect to a server that is away. */
const retryMs = 1_000

type Row = readonly (Uint8Array | null)[]
type Value = string | null

/** What is used of a transaction of the package `postgres`. */
export interface PostgresStatements {
  unsafe(
    text: string,
    values?: Value[],
    options?: { prepare?: boolean },
  ): PromiseLike<unknown> & { raw(): PromiseLike<readonly Row[]> }
}

/** What is used of an instance of the package `postgres`. */
export interface PostgresSql extends PostgresStatements {
  readonly options: object
  begin(work: (transaction: PostgresStatements) => Promise<void>): PromiseLike<unknown>
  end(options?: { timeout?: number }): Promise<void>
}

/** What is used of an instance that hears. */
interface Listening {
  listen(channel: string, heard: (text: string) => void, begun: () => void): PromiseLike<unknown>
  end(options: { timeout: number }): Promise<void>
}

/** Where the server is, and how long to wait for it. */
export interface ConnectionOptions {
  /** `postgres://…`, or an instance of the package `postgres` that stays the caller's. */
  readonly server: string | PostgresSql
  readonly schema: string
  readonly timeoutMs: number
}

/** A pool of connections that is opened, and whose schema is migrated, at the first use. */
export class Connection {
  readonly #options: ConnectionOptions
  #pool: Promise<PostgresSql> | undefined
  #migrated: Promise<void> | undefined
  /** Those that nobody waits for any more included. */
  readonly #calls = new Set<Promise<unknown>>()
  readonly #listeners = new Set<() => void>()
  #isClosed = false

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  /**
   * Runs one statement. Values and results are texts, untouched by the options of an instance that
   * was handed in (its types, its transforms).
   *
   * @throws SojournError `STORE_UNAVAILABLE`; TypeError when `postgres` isn't installed; what the
   * database says of the values (taken, too long, no number), as it says it
   */
  async ask(text: string, values: Value[]): Promise<readonly (readonly Value[])[]> {
    if (this.#isClosed) throw new SojournError('STORE_UNAVAILABLE', 'The store is closed.')
    this.#pool ??= this.#open()
    const pool = await this.#pool
    if (this.#calls.size >= callsOpenMax)
      throw new SojournError('STORE_UNAVAILABLE', `${callsOpenMax} calls wait for the server.`)
    const answer = this.#answer(pool, text, values)
    const forget = (): unknown => this.#calls.delete(answer)
    this.#calls.add(answer)
    answer.then(forget, forget)
    try {
      const timeMs = this.#options.timeoutMs + answerMs
      const rows = await before(timeMs, answer, () => this.#drop(pool))
      return rows.map((row) => row.map((value) => value && decoder.decode(value)))
    } catch (error) {
      if (isAboutValues(error)) throw error
      // What answers next may be another server, restored or taken over: its schema is looked at.
      this.#migrated = undefined
      if (!isDatabaseFault(error)) throw error
      throw new SojournError('STORE_UNAVAILABLE', undefined, { cause: error })
    }
  }

  /**
   * Hears what is notified on a channel, on a connection of its own, until the returned function is
   * called or the store is closed. When the connection is lost it may stay so.
   *
   * @param begun called whenever it begins to hear, or begins again
   */
  listen(channel: string, heard: (text: string) => void, begun: () => void): () => void {
    let isStopped = false
    let own: Listening | undefined
    const stop = (): void => {
      isStopped = true
      this.#listeners.delete(stop)
      own?.end({ timeout: 0 }).catch(() => {})
    }
    const start = async (): Promise<void> => {
      const { default: postgres } = await import('postgres')
      const { server, timeoutMs } = this.#options
      if (isStopped || this.#isClosed) return
      own =
        typeof server === 'string'
          ? postgres(server, { ...poolOptions(timeoutMs), max: 1 })
          : postgres({ ...server.options, max: 1 })
      await own.listen(channel, heard, begun)
    }
    this.#listeners.add(stop)
    start().catch(() => {})
    return stop
  }

  /** Ends the connections, unless they are the caller's; later calls fail. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const stop of this.#listeners) stop()
    if (typeof this.#options.server !== 'string') return
    const pool = await this.#pool
    // Not the package's own patience: it would wait for statements of connections that are lost.
    await Promise.allSettled(this.#calls)
    await pool?.end({ timeout: 0 })
  }

  async #answer(pool: PostgresSql, text: string, values: Value[]): Promise<readonly Row[]> {
    this.#migrated ??= migrate(pool, this.#options.schema)
    await this.#migrated
    return pool.unsafe(text, values, { prepare: true }).raw()
  }

  /**
   * Connections on which nothing comes back may stay so for many minutes; new ones don't. Those of
   * the caller are the caller's.
   */
  #drop(pool: PostgresSql): void {
    if (typeof this.#options.server !== 'string') return
    this.#pool = undefined
    pool.end({ timeout: 0 }).catch(() => {})
  }

  async #open(): Promise<PostgresSql> {
    const { server, timeoutMs } = this.#options
    if (typeof server !== 'string') return server
    const { default: postgres } = await import('postgres').catch((error: unknown) => {
      this.#pool = undefined
      const hint = 'openPostgres({ url }) needs the package "postgres": npm install postgres'
      throw new TypeError(hint, { cause: error })
    })
    try {
      return postgres(server, poolOptions(timeoutMs))
    } catch {
      this.#pool = undefined
      // What the package says repeats the address, which holds a password.
      throw new TypeError('`url` is no address of a PostgreSQL server')
    }
  }
}

const poolOptions = (timeoutMs: number) => ({
  connect_timeout: timeoutMs / 1000,
  backoff: (tries: number) => Math.min(50 * 2 ** tries, retryMs) / 1000,
  connection: {
    application_name: 'sojourn',
    statement_timeout: timeoutMs,
    default_transaction_isolation: 'read committed' as const,
  },
  // Types are the statements' own business: this saves a query for each connection.
  fetch_types: false,
  onnotice: () => {},
})

const decoder = new TextDecoder()

class TimedOut extends Error {
  readonly code = 'TIMED_OUT'
}

/** What `work` brings within its time; else `onLate` is called and it fails. */
async function before<Result>(
  ms: number,
  work: Promise<Result>,
  onLate: () => void,
): Promise<Result> {
  let cancel = (): void => {}
  const late = new Promise<never>((_, reject) => {
    // The machine's time: a clock that stands still must not keep a call from settling.
    cancel = systemClock.after(ms, () => {
      reject(new TimedOut(`The server has not answered within ${ms} ms`))
      onLate()
    })
  })
  try {
    return await Promise.race([work, late])
  } finally {
    cancel()
  }
}

/** Data that can't be, taken keys, program limits, and what the functions raise themselves. */
function isAboutValues(error: unknown): boolean {
  return /^(22|23|54|P0)...$/.test(codeOf(error))
}

/** Faults of the server, of the way to it, and the use of an instance that was ended. */
function isDatabaseFault(error: unknown): boolean {
  return codeOf(error) !== '' && !(error instanceof SojournError) && !(error instanceof TypeError)
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | undefined)?.code ?? '')
}
