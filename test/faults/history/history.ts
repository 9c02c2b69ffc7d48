/**
 * What is known of one list after a run. Times are ticks of one counter in the process of the
 * clients: two things never happen at the same tick, and no clock is compared with another.
 */

/** An append, and what its client heard of it. */
export interface Append {
  readonly client: string
  /** Never used twice. */
  readonly value: string
  readonly called: number
  readonly returned: number
  /** `refused` for good: it must not be there. `unknown`: it may be there, once. */
  readonly outcome: 'acknowledged' | 'refused' | 'unknown'
  /** Where the answer says that it stands; only of one that was acknowledged. */
  readonly index?: number
}

/** A client asked for the list, by opening a connection, and was shown so many entries. */
export interface Read {
  readonly client: string
  readonly called: number
  readonly returned: number
  readonly length: number
}

/** A replica's list changed: `kept` entries of the one before, then those that were `added`. */
export interface View {
  readonly client: string
  readonly at: number
  readonly kept: number
  readonly added: readonly string[]
}

export interface History {
  readonly appends: readonly Append[]
  readonly reads: readonly Read[]
  readonly views: readonly View[]
  /** The list as it is after all of it. */
  readonly final: readonly string[]
}
