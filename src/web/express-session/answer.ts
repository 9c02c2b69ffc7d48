/** Between callbacks, which stores of this kind answer by, and promises. */

/** How a store or a session answers: an error, or nothing and perhaps a value. */
export type Callback<Value = void> = (error?: unknown, value?: Value) => void

/**
 * What a store answers, whichever way it does: by callback (the first call counts), by throwing, or
 * by a promise that rejects. Whoever waits keeps their own async context.
 */
export function ask<Value>(
  call: (callback: Callback<Value>) => unknown,
): Promise<Value | undefined> {
  return new Promise((resolve, reject) => {
    const returned = call((error, value) => (error ? reject(error) : resolve(value)))
    if (returned instanceof Promise) returned.catch(reject)
  })
}

/** Tells a callback the outcome. */
export function tell<Value>(promise: Promise<Value>, callback: Callback<Value>): void {
  promise.then(
    (value) => callback(null, value),
    (error: unknown) => callback(error),
  )
}

/**
 * The result of a method that takes a callback or returns a promise: `self` with the one, else the
 * other. A rejection that nobody waits for is no fault: the method may be called for its effect.
 */
export function answered<Self, Value>(
  self: Self,
  promise: Promise<Value>,
  callback: Callback<Value> | undefined,
): Self | Promise<Value> {
  if (callback) {
    tell(promise, callback)
    return self
  }
  promise.catch(() => {})
  return promise
}
