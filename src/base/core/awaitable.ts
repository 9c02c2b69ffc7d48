/** A value, or the promise of one: what is synchronous need not pretend otherwise. */
export type Awaitable<Value> = Value | Promise<Value>
