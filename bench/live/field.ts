/** The contestants of one part, running side by side; who fails is out, and why is reported. */
import { type Figure, median } from '../figures.ts'
import { type Address, type Client, clientOf } from './clients/client.ts'
import { contestants, type Name } from './contestants.ts'
import { type Served, serve } from './served.ts'
import { within } from './within.ts'

const joinMs = 20_000

interface Seen {
  readonly unit: string
  readonly values: number[]
}

export class Runner {
  readonly name: Name
  readonly served: Served
  /** What was measured, by metric. */
  readonly seen = new Map<string, Seen>()
  readonly #ends: (() => void)[] = []

  constructor(name: Name, served: Served) {
    this.name = name
    this.served = served
  }

  note(metric: string, value: number, unit: string): void {
    const seen = this.seen.get(metric) ?? { unit, values: [] }
    seen.values.push(value)
    this.seen.set(metric, seen)
  }

  /** A client in this process, by default of the counter. */
  async join(key: string, options: Partial<Address> = {}): Promise<Client> {
    const { technology, mode } = contestants[this.name]
    const join = await clientOf(technology)
    const { port } = this.served
    const host = `127.0.0.1:${port}`
    const client = await within(
      joinMs,
      join({ port, host, kind: 'counter', key, mode, ...options }),
    )
    this.onStop(() => client.close())
    return client
  }

  /** Runs `end` before the server is stopped. */
  onStop(end: () => void): void {
    this.#ends.push(end)
  }

  async stop(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) end()
    await this.served.stop()
  }
}

export class Field {
  readonly #bench: string
  readonly #failed: Figure[] = []
  #runners: Runner[] = []

  constructor(bench: string) {
    this.#bench = bench
  }

  /** Starts a server; one after the other. */
  async enter(name: Name): Promise<void> {
    try {
      this.#runners.push(new Runner(name, await serve(name)))
    } catch (error) {
      this.#fail(name, error)
    }
  }

  /** Each takes its turn, in order. */
  async each(turn: (runner: Runner) => Promise<void>): Promise<void> {
    for (const runner of [...this.#runners]) {
      try {
        await turn(runner)
      } catch (error) {
        this.#runners = this.#runners.filter((one) => one !== runner)
        this.#fail(runner.name, error)
        await runner.stop()
      }
    }
  }

  /** The median of what was seen of each metric. */
  figures(): readonly Figure[] {
    const measured = this.#runners.flatMap(({ name, seen }) =>
      Array.from(seen, ([metric, { unit, values }]) =>
        this.#figure(name, metric, median(values), unit),
      ),
    )
    return [...measured, ...this.#failed]
  }

  async stop(): Promise<void> {
    await Promise.all(this.#runners.map((runner) => runner.stop()))
  }

  #figure(contestant: Name, metric: string, value: number, unit: string): Figure {
    return { bench: this.#bench, contestant, metric, value, unit }
  }

  #fail(name: Name, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error)
    this.#failed.push(this.#figure(name, '–', Number.NaN, `did not run: ${why}`))
  }
}

/** Starts those of the names that can, has them measured, and stops them in any case. */
export async function compare(
  bench: string,
  names: readonly Name[],
  measure: (field: Field) => Promise<void>,
): Promise<readonly Figure[]> {
  const field = new Field(bench)
  try {
    for (const name of names) await field.enter(name)
    await measure(field)
    return field.figures()
  } finally {
    await field.stop()
  }
}
