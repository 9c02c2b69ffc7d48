/**
 * One text for stores that answer at once and stores that don't: a procedure is a generator that
 * waits with `yield*`. As long as nothing it waits for is a promise, it runs through synchronously.
 *
 * No generator function is made inside of another function: V8 makes a hidden class for each, which
 * outlives the next collections with all that the function closes over.
 */
import type { Awaitable } from '../../base/core/index.ts'

/** A procedure that may have to wait. */
export type Steps<Result> = Generator<Awaitable<unknown>, Result, unknown>

/** Waits inside a procedure: `const record = yield* wait(store.read(hash))`. */
export function* wait<Value>(value: Awaitable<Value>): Steps<Value> {
  return (value instanceof Promise ? yield value : value) as Value
}

/** Runs a procedure; the result is a promise only if something on the way was one. */
export function run<Result>(steps: Steps<Result>): Awaitable<Result> {
  const step = steps.next()
  return step.done ? step.value : proceed(steps, step.value)
}

async function proceed<Result>(steps: Steps<Result>, first: unknown): Promise<Result> {
  let awaited = first
  for (;;) {
    const step = await Promise.resolve(awaited).then(
      (value) => steps.next(value),
      (error) => steps.throw(error),
    )
    if (step.done) return step.value
    awaited = step.value
  }
}
