/**
 * A client that appends numbered items all the time and notes what becomes of it. Runs in the page
 * of the matrix test as it stands here, without its types, and beside it in Node.
 */
import type { connect as Connect, ConnectOptions } from 'sojourn/client'
import type list from './list.ts'

export interface WriterOptions extends Pick<ConnectOptions, 'open'> {
  /** How many times faster than real the client's own timers run; default 1. */
  readonly haste?: number
}

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
  /** From now on no timer of the client fires: only what happens to it can move it. */
  holdTimers(): void
  releaseTimers(): void
  close(): void
}

export function startWriter(
  connect: typeof Connect,
  address: string,
  by: string,
  { haste = 1, ...given }: WriterOptions,
): Writer {
  const born = Math.random()
  const timers = new Set<ReturnType<typeof setTimeout>>()
  let isHeld = false
  const clock = {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    after(ms: number, run: () => void) {
      if (isHeld) return () => {}
      const timer = setTimeout(run, ms / haste)
      timers.add(timer)
      return () => clearTimeout(timer)
    },
  }
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
    holdTimers() {
      isHeld = true
      for (const timer of timers) clearTimeout(timer)
    },
    releaseTimers() {
      isHeld = false
    },
    close() {
      stop()
      live.close()
    },
  }
}
