/**
 * A client that appends numbered items all the time and notes what becomes of it. Runs in the page
 * of the matrix test as it stands here, without its types, and beside it in Node.
 */
import type { connect as Connect, ConnectOptions } from 'sojourn/client'
import type list from './list.ts'

export interface Seen {
  /** Drawn when the writer was made: a reload draws another. */
  readonly born: number
  /** `status`, and in brackets the code of `error`, whenever they changed. */
  readonly statuses: readonly string[]
  /** What became of each call: `open`, `ok`, or the code that it was rejected with. */
  readonly calls: readonly string[]
  /** The answer to each call that is `ok`: the place of its item. */
  readonly places: readonly (number | null)[]
  /** Whether what did not change is still the same object. */
  readonly isKept: boolean
  readonly others: number
  readonly state: string
}

export interface Writer {
  seen(): Seen
  /** Makes calls faster than they are answered, so that some are under way. */
  burst(): void
  fill(text: string): Promise<void>
  /** No more calls; `go` makes them again. */
  stop(): void
  go(): void
  /** So much time passes for the client at once. */
  pass(ms: number): void
  /** From now on no timer of the client fires: only what happens to it can move it. */
  holdTimers(): void
  releaseTimers(): void
  close(): void
}

interface Timer {
  readonly atMs: number
  readonly run: () => void
}

/** The real time, but for what a test lets pass, or stops. */
class Clock {
  readonly #timers = new Set<Timer>()
  #aheadMs = 0
  isHeld = false

  nowMs(): number {
    return Date.now() + this.#aheadMs
  }

  monotonicMs(): number {
    return performance.now() + this.#aheadMs
  }

  after(ms: number, run: () => void): () => void {
    const timer: Timer = { atMs: this.monotonicMs() + ms, run }
    this.#timers.add(timer)
    setTimeout(() => this.#fire(timer), ms)
    return () => this.#timers.delete(timer)
  }

  pass(ms: number): void {
    this.#aheadMs += ms
    for (const timer of [...this.#timers].toSorted((a, b) => a.atMs - b.atMs))
      if (timer.atMs <= this.monotonicMs()) this.#fire(timer)
  }

  #fire(timer: Timer): void {
    if (!this.isHeld && this.#timers.delete(timer)) timer.run()
  }
}

export function startWriter(
  connect: typeof Connect,
  address: string,
  by: string,
  given: Pick<ConnectOptions, 'open'> = {},
): Writer {
  const born = Math.random()
  const clock = new Clock()
  const live = connect<typeof list>(address, { ...given, clock })
  const statuses: string[] = []
  let kept: readonly unknown[] | undefined
  const parts = () => [live.state?.still, live.state?.items[0]]
  const look = () => {
    const status = live.error ? `${live.status} (${live.error.code})` : live.status
    if (statuses.at(-1) !== status) statuses.push(status)
    if (live.state?.items[0]) kept ??= parts()
  }
  live.subscribe(look)
  look()

  const calls: string[] = []
  const places: (number | null)[] = []
  const call = (takesMs: number) => {
    const n = calls.push('open') - 1
    places.push(null)
    live.actions.append({ by, n, takesMs }).then(
      (place) => {
        calls[n] = 'ok'
        places[n] = place
      },
      (error) => {
        calls[n] = error.code ?? String(error)
      },
    )
  }
  let pace: ReturnType<typeof setInterval> | undefined
  const stop = () => clearInterval(pace)
  const go = () => {
    pace = setInterval(() => call(0), 20)
  }
  go()
  return {
    seen: () => ({
      born,
      statuses,
      calls,
      places,
      isKept: parts().every((part, at) => part !== undefined && part === kept?.[at]),
      others: live.presence.others.length,
      state: JSON.stringify(live.state),
    }),
    burst() {
      for (let count = 0; count < 30; count += 1) call(10)
    },
    fill: (text) => live.actions.fill(text),
    stop,
    go,
    pass: (ms) => clock.pass(ms),
    holdTimers() {
      clock.isHeld = true
    },
    releaseTimers() {
      clock.isHeld = false
    },
    close() {
      stop()
      live.close()
    },
  }
}
