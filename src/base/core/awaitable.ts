/** A value, or the promise of one: what is synchronous need not pretend otherwise. */
export type Awaitable<Value> = Value | Promise<Value>

/** Also what is no Promise but can be awaited, such as the queries of many a database client. */
export function isThenable<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return typeof (value as Partial<PromiseLike<Value>> | null)?.then === 'function'
}

/** Goes on with a value at once, or when its promise has resolved. */
export function whenDone<Value, Next>(
  value: Awaitable<Value>,
  next: (value: Value) => Awaitable<Next>,
): Awaitable<Next> {
  return isThenable(value) ? Promise.resolve(value).then(next) : next(value)
}
